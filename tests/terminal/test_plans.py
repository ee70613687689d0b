"""How a plan is shown: what it waits for, how it is sent, and whom a new record is about."""

from datetime import datetime

from duckdb import connect as open_memory
from rich.console import Console, RenderableType

from orchestration.terminal.plans import plan_lines, routes_table
from orchestration.terminal.summary import planned_changes, planned_fields, planned_records
from orchestration.terminal.tables import show
from orchestration.writeback.plan import Plan
from orchestration.writeback.routes import choose_route, preflight_route
from orchestration.writeback.tables import create_writeback_tables

MOMENT = datetime.fromisoformat("2026-12-01T10:00:00")


def plan(approval: str, approved_by: str | None = None) -> Plan:
    return Plan(
        "plan-00001", MOMENT, MOMENT, "planned", 9, 3, 4, 7, {}, approval=approval,
        gates=("3 of 9 Contact records change",), approved_by=approved_by,
        approved_at=MOMENT if approved_by else None,
    )  # fmt: skip


def shown(*parts: RenderableType) -> str:
    console = Console(width=200, no_color=True, record=True)
    with console.capture() as capture:
        show(console, *parts)
    return capture.get()


def test_i8_a_plan_that_waits_says_why_and_what_to_do() -> None:
    text = shown(*plan_lines(plan("waiting")))
    assert "3 records to change in 4 fields, 7 API calls" in text
    assert "It waits for approval:\n  - 3 of 9 Contact records change\n" in text
    assert "`touchline approve plan-00001` lets the next run write it" in text


def test_k1_an_approved_plan_says_who_approved_it_and_when() -> None:
    text = shown(*plan_lines(plan("approved", "Ann")))
    assert "approved by Ann at 2026-12-01 10:00 UTC; it had waited because:" in text
    assert "touchline approve" not in text


def test_k3_every_route_is_shown_with_its_calls_and_why() -> None:
    text = shown(routes_table([preflight_route({"Task"}), choose_route("Task", "create", 3)]))
    assert "the day's limits, and how Task may be written now" in text
    assert "fewer than 2,000 records" in text


def test_j2_a_new_record_is_shown_by_its_key_and_whom_it_is_about() -> None:
    cells = [
        ("EmailMessage", "mail-1", "Subject", "Hello", None),
        ("EmailMessage", "mail-1", "ToAddress", "ann@acme.example", None),
        ("EmailMessageRelation", "mail-1 to", "EmailMessageId", None, "mail-1"),
    ]
    with open_memory() as connection:
        create_writeback_tables(connection)
        connection.executemany(
            "insert into writeback.changes (plan_id, object, external_key, field, new_value, "
            "refers_to, policy, decision, reason, operation) "
            "values ('p', ?, ?, ?, ?, ?, 'owned', 'write', 'not logged yet', 'create')",
            cells,
        )
        rows = planned_changes(connection, "p", 10)
        fields, records = planned_fields(connection, "p"), planned_records(connection, "p")
    assert [row[:5] for row in rows] == [
        ("new EmailMessage", "mail-1 (ann@acme.example)", "Subject", None, "Hello"),
        ("new EmailMessage", "mail-1 (ann@acme.example)", "ToAddress", None, "ann@acme.example"),
        (
            *("new EmailMessageRelation", "mail-1 to", "EmailMessageId", None),
            "the new record of mail-1",
        ),
    ]
    assert fields == []
    assert records == [
        ("create", "EmailMessage", 1, 0, 0),
        ("create", "EmailMessageRelation", 1, 0, 0),
    ]
