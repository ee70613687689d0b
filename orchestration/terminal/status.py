"""The state of the warehouse and the writeback, as `touchline status` shows it."""

from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection
from rich.console import Console
from rich.table import Table

from orchestration.local_org import process
from orchestration.settings import Settings
from orchestration.terminal import summary, tables
from orchestration.terminal.plans import plan_lines
from orchestration.terminal.rejects import Rejects, Skips, read_rejects, read_skips
from orchestration.writeback.ledger import SkippedRecord, skipped_records
from orchestration.writeback.plan import Plan, read_plan


@dataclass(frozen=True)
class Status:
    """What there is to know at a glance; `plan` is None before the first run."""

    loads: list[summary.Row]
    rejects: list[Rejects]
    settled: int
    skips: list[Skips]
    loose_ends: list[summary.Row]
    plan: Plan | None
    skipped: list[SkippedRecord]


def read_status(connection: DuckDBPyConnection, *, with_settled: bool = False) -> Status:
    """Read the state; what has not been built yet is empty. Settled rejects come if asked for."""
    has_loads = summary.has_table(connection, "raw", "loads")
    has_skips = summary.has_table(connection, "raw", "skipped")
    has_marts = summary.has_table(connection, "marts", "unattached_events")
    has_plans = summary.has_table(connection, "writeback", "plans")
    rejects = read_rejects(connection, with_settled=True) if has_loads else []
    return Status(
        loads=summary.loads(connection) if has_loads else [],
        rejects=rejects if with_settled else read_rejects(connection) if has_loads else [],
        settled=sum(each.records - each.open_records for each in rejects),
        skips=read_skips(connection) if has_skips else [],
        loose_ends=summary.loose_ends(connection) if has_marts else [],
        plan=read_plan(connection) if has_plans else None,
        skipped=skipped_records(connection) if has_plans else [],
    )


def as_json(status: Status) -> dict[str, Any]:
    """Return the state as one object for machines."""
    plan = status.plan
    return {
        "loads": [
            {
                "source": source,
                "files": files,
                "rows": rows,
                "rejected": rejected,
                "skipped": skipped,
                "last": last,
            }
            for source, files, rows, rejected, skipped, last in status.loads
        ],
        "rejects": [each.as_json() for each in status.rejects],
        "settled_rejects": status.settled,
        "skips": [each.as_json() for each in status.skips],
        "loose_ends": [
            {"what": what, "reason": reason, "count": count}
            for what, reason, count in status.loose_ends
        ],
        "plan": plan
        and {
            "plan_id": plan.plan_id,
            "state": plan.state,
            "created_at": plan.created_at,
            "changed_records": plan.changed_records,
            "changed_cells": plan.changed_cells,
            "approval": plan.approval,
            "gates": list(plan.gates),
        },
        "skipped": [
            {
                "object": record.object,
                "record_id": record.record_id,
                "reason": record.reason,
                "first_seen_at": record.first_seen_at,
                "last_seen_at": record.last_seen_at,
                "attempts": record.attempts,
            }
            for record in status.skipped
        ],
    }


def show_status(console: Console, status: Status, settings: Settings) -> None:
    """Print the state as tables, only those that have something to say."""
    tables.show(console, tables.loads_table("Loaded so far", status.loads))
    if status.rejects:
        tables.show(console, tables.rejects_table(status.rejects))
    if status.settled and not any(each.open_records < each.records for each in status.rejects):
        tables.show(
            console,
            f"{tables.counted(status.settled, 'settled reject')} not shown: the file was mended, "
            f"replaced or taken away, or somebody settled it (`touchline status --all`).",
        )
    if status.skips:
        tables.show(console, tables.skips_table(status.skips))
    if status.loose_ends:
        tables.show(console, tables.loose_ends_table(status.loose_ends))
    if status.plan:
        tables.show(console, *plan_lines(status.plan))
    if status.skipped:
        tables.show(console, _skipped_table(status.skipped))
    if settings.environment.is_local:
        running = process.find(settings.org)
        where = f"answers at {running.url}" if running else "is not running"
        tables.show(console, f"The local org {where}.")


def _skipped_table(records: list[SkippedRecord]) -> Table:
    table = tables.titled("Skipped records", "record", "reason", "since", "attempts", numbers=(3,))
    for record in records:
        table.add_row(
            f"{record.object} {record.record_id}",
            record.reason,
            f"{record.first_seen_at:%Y-%m-%d %H:%M}",
            str(record.attempts),
        )
    return table
