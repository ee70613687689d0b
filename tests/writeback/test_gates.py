"""Which plans wait, why, and what somebody's yes is worth (I8, K1)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from orchestration.writeback.approval import NotApprovableError, approve_plan
from orchestration.writeback.approval_rules import ApprovalRule, rule_in_force
from orchestration.writeback.mapping import Mapping, parse_mapping
from orchestration.writeback.plan import Plan, make_plan, read_plan
from orchestration.writeback.planners import PlanContext
from tests.writeback.activity_scene import Scene, schemas
from tests.writeback.stage import Stage

FIELDS = """
version: 1
objects:
  Contact:
    - {metric: open_count, field: Opens__c, policy: owned}
    - {metric: first_sequence, field: First__c, policy: owned, clears: true}
"""
#: What the plan says of the values that it finds, where it waits.
REPLACED = (
    "{} of 100 values of Contact.Opens__c that Touchline did not write are replaced, {} % "
    "(limit 25 %); for example 1 → 2 in 003000000000000AAA"
)
ONE_REPLACED = (
    "1 value of Contact.Opens__c that Touchline did not write is replaced; for example 1 → 2 in "
    "003000000000000AAA"
)
IDS = [f"003{number:012}AAA" for number in range(100)]


def mapping(**approval: Any) -> Mapping:
    """Return a mapping with these settings of its approval."""
    keys = ", ".join(f"{key}: {value}" for key, value in approval.items())
    return parse_mapping(FIELDS + (f"approval: {{{keys}}}\n" if approval else ""), "mapping.yml")


def stage_changes(stage: Stage, changed: int, *, old: int | None = 1) -> None:
    """Have a hundred contacts, so many of which have another count than Salesforce."""
    stage.snapshot(contacts=[{"Id": each, "Opens__c": old, "First__c": "A"} for each in IDS])
    stage.metrics(
        contacts=[
            {"crm_id": each, "open_count": 2 if place < changed else old, "first_sequence": "A"}
            for place, each in enumerate(IDS)
        ]
    )


def approve(stage: Stage, plan_id: str | None, by: str = "ann") -> str:
    with stage.warehouse.connect() as connection:
        return approve_plan(connection, plan_id, by)


def newest(stage: Stage) -> Plan:
    with stage.warehouse.connect(read_only=True) as connection:
        plan = read_plan(connection)
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("of_environment", "of_mapping", "rule"),
    [
        ("none", None, "none"),
        ("none", "every", "every"),
        ("large", "every", "every"),
        ("every", "large", "large"),
        ("every", None, "every"),
        # What a mapping says for the local org frees no other environment.
        ("large", "none", "large"),
        ("every", "none", "every"),
    ],
)
def test_i8_a_mapping_changes_the_environments_rule_and_never_lifts_it(
    of_environment: ApprovalRule, of_mapping: ApprovalRule | None, rule: ApprovalRule
) -> None:
    assert rule_in_force(of_environment, of_mapping).rule == rule


@pytest.mark.parametrize(
    ("changed", "gates"),
    [
        (25, ()),
        (26, ("26 of 100 Contact records change, 26 % (limit 25 %)", REPLACED.format(26, 26))),
    ],
)
def test_i8_a_plan_that_changes_many_records_waits(
    stage: Stage, changed: int, gates: Sequence[str]
) -> None:
    stage_changes(stage, changed)
    plan = make_plan(stage.warehouse, mapping(), approval="large")
    assert plan.gates == gates
    assert plan.waits is bool(gates)
    assert plan.approval == ("waiting" if gates else "not_needed")


def test_i8_a_few_records_never_wait_whatever_their_share(stage: Stage) -> None:
    stage_changes(stage, 30)
    assert make_plan(stage.warehouse, mapping(minimum_records=31), approval="large").gates == ()


def test_i8_the_first_values_of_a_field_are_named(stage: Stage) -> None:
    stage_changes(stage, 100, old=None)
    plan = make_plan(stage.warehouse, mapping(), approval="large")
    (gate,) = plan.gates
    assert gate.startswith("100 of 100 Contact records change, 100 % (limit 25 %); ")
    assert gate.endswith("; fields that get their first values: Opens__c")


def test_i8_a_plan_that_clears_many_values_waits(stage: Stage) -> None:
    stage_changes(stage, 0)
    stage.metrics(
        contacts=[
            {"crm_id": each, "open_count": 1, "first_sequence": "A" if place >= 20 else None}
            for place, each in enumerate(IDS)
        ]
    )
    plan = make_plan(stage.warehouse, mapping(), approval="large")
    assert plan.gates == ("20 of 100 values of Contact.First__c are cleared, 20 % (limit 2 %)",)


@pytest.mark.parametrize(
    ("written", "rule", "waits"),
    [
        ({}, "large", True),
        ({}, "none", False),
        ({"value": "1"}, "large", False),
        # We wrote another value: somebody has changed it since.
        ({"value": "3"}, "large", True),
        # An undo brought back what had been there before us.
        ({"value": "1", "is_undo": True}, "large", True),
    ],
)
def test_i8_replacing_many_values_that_we_did_not_write_waits(
    stage: Stage, written: dict[str, Any], rule: ApprovalRule, waits: bool
) -> None:
    stage_changes(stage, 30)
    make_plan(stage.warehouse, mapping())
    if written:
        values = f'{{"Opens__c": "{written["value"]}"}}'
        ledger(
            stage,
            *(("r", "Contact", each, None, "update", "written", values) for each in IDS[:30]),
        )
    if "is_undo" in written:
        with stage.warehouse.connect() as connection:
            connection.execute("update writeback.ledger set plan_id = 'plan-00001'")
            connection.execute("update writeback.plans set kind = 'undo', state = 'applied'")
    loose = mapping(changed_share=0.29)
    with stage.warehouse.connect() as connection:
        # Records without values: thirty of a thousand records, and of a hundred values.
        connection.execute(
            "insert into crm.contact_fields (crm_id) select 'x' || n from range(900) as r (n)"
        )
    plan = make_plan(stage.warehouse, loose, approval=rule)
    assert plan.gates == ((REPLACED.format(30, 30).replace("25 %", "29 %"),) if waits else ())


def test_i8_where_every_plan_waits_what_is_large_is_told_all_the_same(stage: Stage) -> None:
    stage_changes(stage, 1)
    assert make_plan(stage.warehouse, mapping(), approval="every").gates == (
        "every plan waits: this environment asks for it",
        ONE_REPLACED,
    )
    stage_changes(stage, 50)
    plan = make_plan(stage.warehouse, mapping(required="every"))
    assert plan.gates == (
        "every plan waits: the mapping says approval.required: every",
        "50 of 100 Contact records change, 50 % (limit 25 %)",
        REPLACED.format(50, 50),
    )


def test_i5_a_plan_that_writes_nothing_never_waits(stage: Stage) -> None:
    stage_changes(stage, 0)
    plan = make_plan(stage.warehouse, mapping(), approval="every")
    assert (plan.approval, plan.gates) == ("not_needed", ())


SENT = "Task records of the kind sent"


def _log_mails(connection: DuckDBPyConnection, context: PlanContext) -> None:
    connection.execute(
        "insert into writeback.changes (plan_id, object, external_key, field, new_value, policy, "
        "decision, reason, operation) select ?, 'Task', 'sent ' || number, 'Subject', 'Hello', "
        "'owned', 'write', 'not logged yet', 'create' from range(25) as numbers (number)",
        [context.plan_id],
    )


def ledger(stage: Stage, *rows: tuple[Any, ...]) -> None:
    """Note attempts as (run, object, record, key, operation, outcome, new values)."""
    with stage.warehouse.connect() as connection:
        connection.executemany(
            "insert into writeback.ledger (attempt_id, plan_id, run_id, object, record_id, "
            "external_key, operation, outcome, new_values, sent_at) "
            "select nextval('writeback.attempt_ids'), 'plan-0', ?, ?, ?, ?, ?, ?, ?, ?",
            [[*row, datetime(2026, 1, 1, tzinfo=UTC)] for row in rows],
        )


@pytest.mark.parametrize(
    ("before", "gates"),
    [
        ([], ("25 Task records are created, and none was before",)),
        (
            [f"sent old {number}" for number in range(50)],
            (f"25 {SENT} are created, 50 % of the 50 that were so far (limit 25 %)",),
        ),
        ([f"sent old {number}" for number in range(100)], ()),
        # Switched on later than others of the same object.
        (
            [f"step {number}" for number in range(100)],
            (f"25 {SENT} are created, and none was before",),
        ),
    ],
)
def test_i8_a_first_wave_of_creations_waits(
    stage: Stage, before: Sequence[str], gates: Sequence[str]
) -> None:
    stage_changes(stage, 0)
    make_plan(stage.warehouse, mapping())
    tasks = [
        ("run", "Task", f"00T{number}", key, "create", "written", "{}")
        for number, key in enumerate(before)
    ]
    if tasks:
        ledger(stage, *tasks)
    plan = make_plan(stage.warehouse, mapping(), planners=[_log_mails], approval="large")
    assert plan.gates == gates


def test_k1_a_yes_is_kept_with_who_said_it_and_the_first_counts(stage: Stage) -> None:
    stage_changes(stage, 1)
    plan = make_plan(stage.warehouse, mapping(), approval="every")
    with pytest.raises(NotApprovableError, match=f"The newest one is {plan.plan_id}"):
        approve(stage, None)
    assert newest(stage).waits
    assert approve(stage, plan.plan_id) == plan.plan_id
    assert approve(stage, plan.plan_id, by="ben") == plan.plan_id
    approved = newest(stage)
    assert (approved.approval, approved.approved_by, approved.waits) == ("approved", "ann", False)
    assert approved.approved_at is not None


def test_k1_a_yes_survives_newer_snapshots_while_the_same_is_written(stage: Stage) -> None:
    stage_changes(stage, 1)
    plan_id = make_plan(stage.warehouse, mapping(), approval="every").plan_id
    approve(stage, plan_id)
    stage.snapshot(contacts=[{"Id": IDS[5], "Opens__c": 1, "First__c": "A", "Score__c": 1}])
    again = make_plan(stage.warehouse, mapping(), approval="every")
    assert (again.plan_id, again.approval, again.approved_by) == (plan_id, "approved", "ann")


def test_k1_a_yes_is_void_once_something_else_would_be_written(stage: Stage) -> None:
    stage_changes(stage, 1)
    plan_id = make_plan(stage.warehouse, mapping(), approval="every").plan_id
    approve(stage, plan_id)
    stage_changes(stage, 2)
    other = make_plan(stage.warehouse, mapping(), approval="every")
    assert other.plan_id != plan_id
    assert other.waits


def test_k1_a_yes_is_void_once_the_text_of_a_mail_changes(stage: Stage) -> None:
    stage.snapshot()
    stage.metrics()
    scene = Scene(stage.warehouse)
    field = "{metric: open_count, field: Touchline_Open_Count__c, policy: owned}"
    lines = f"version: 1\nobjects: {{Contact: [{field}]}}\nactivities: {{log: email_message}}"
    mail = parse_mapping(lines, "mapping.yml")

    def plan(body: str) -> Plan:
        scene.computed("crm.activities", {"body": body})
        return make_plan(stage.warehouse, mail, schemas(), approval="every")

    first = plan("Dear Ann")
    approve(stage, first.plan_id)
    assert plan("Dear Ann").approval == "approved"
    other = plan("Dear Ben")
    assert other.plan_id != first.plan_id
    assert other.waits


def test_k1_a_plan_that_waited_is_free_once_the_rule_is_looser(stage: Stage) -> None:
    stage_changes(stage, 1)
    waiting = make_plan(stage.warehouse, mapping(), approval="every")
    freed = make_plan(stage.warehouse, mapping(), approval="large")
    assert (freed.plan_id, freed.approval, freed.gates) == (waiting.plan_id, "not_needed", ())


def test_k1_only_what_waits_can_be_approved(stage: Stage) -> None:
    with pytest.raises(NotApprovableError, match="No plan yet"):
        approve(stage, None)
    stage_changes(stage, 0)
    empty = make_plan(stage.warehouse, mapping())
    with pytest.raises(NotApprovableError, match="writes nothing"):
        approve(stage, None)
    stage_changes(stage, 1)
    make_plan(stage.warehouse, mapping())
    with pytest.raises(NotApprovableError, match="plan-00001 is superseded"):
        approve(stage, empty.plan_id)
    with pytest.raises(NotApprovableError, match="There is no plan plan-9"):
        approve(stage, "plan-9")
