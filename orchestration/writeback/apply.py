"""Applying a plan: is it still true of the org, and what came of it (K2, K4)."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from orchestration.crm.client import CallCounts, Crm
from orchestration.crm.snapshot import stored_schemas
from orchestration.warehouse import Warehouse, WarehouseLockedError
from orchestration.writeback.comparison import quoted
from orchestration.writeback.ledger import Write, record_skipped
from orchestration.writeback.plan import Plan, latest_snapshot_at, read_plan
from orchestration.writeback.plan_sql import SOURCES
from orchestration.writeback.sending import Sending
from orchestration.writeback.tables import create_writeback_tables

_FIELDS_TO_WRITE = """
select object, list(distinct field order by field)
from writeback.changes
where plan_id = ? and decision = 'write'
group by object
order by object
"""

#: With what the snapshot holds, to tell right before the write whether the record has moved.
_EXPORT_WRITES = """
copy (
    with wanted as (

        select
            object, record_id,
            to_json(map_from_entries(list((field, old_value) order by field))) as old_values,
            to_json(map_from_entries(list((field, new_value) order by field))) as new_values
        from writeback.changes
        where plan_id = $plan_id and object = $object and decision = 'write'
        group by object, record_id

    ),

    stored as (

        select
            record_id,
            arg_max(system_modstamp, load_id) as system_modstamp,
            arg_max(payload, load_id) as payload
        from {versions}
        where record_id in (select record_id from wanted)
        group by record_id

    )

    select
        wanted.object, wanted.record_id, wanted.old_values, wanted.new_values,
        json_extract(stored.payload, [{paths}]) as stored_values,
        strftime(stored.system_modstamp, '%Y-%m-%dT%H:%M:%S') as stored_stamp
    from wanted
    inner join stored on stored.record_id = wanted.record_id
    order by wanted.record_id
) to $file (format json)
"""

_COUNT_SKIPPED = """
select count(*)
from (
    select object, record_id
    from writeback.changes
    where
        plan_id = ?
        and decision in ('write', 'blocked', 'invalid', 'stale', 'duplicate', 'converted')
    group by object, record_id
    having not bool_or(decision = 'write')
)
"""


class PlanNotApplicableError(RuntimeError):
    """The plan may not be applied (any more); the message says why and what to do (K2)."""


@dataclass(frozen=True, slots=True)
class WritebackReport:
    """What came of a plan: records, each counted once.

    `written`: Salesforce took what was sent of them, `failed`: it refused that. `skipped`: nothing
    was sent of them, because all that they lack cannot be written, or because they moved since
    the snapshot. `unsent`: not reached, because the run ended early for the reason in
    `stopped_because`. `calls` include the reads right before each write.
    """

    plan_id: str
    run_id: str
    written: int
    failed: int
    skipped: int
    unsent: int
    failed_by_code: MappingOf[str, int]
    calls: CallCounts
    seconds: float
    stopped_because: str | None = None


def apply_plan(warehouse: Warehouse, crm: Crm, plan_id: str, run_id: str) -> WritebackReport:
    """Write the plan's cells to the CRM and record every attempt in the ledger.

    Right before they are written, records are read once more; those that moved since the snapshot
    are left alone (K2). A plan without writes makes no request, not even a login. When the CRM
    stops answering, or refuses the login, or the day's calls are used up, or the warehouse stays
    locked between two requests, the run ends early and says so in its report; what was not
    reached is planned again after the next snapshot.

    Raises:
        WarehouseLockedError: the warehouse was locked from the start; nothing was sent.
        PlanNotApplicableError: not the newest plan, not its snapshot, or already applied.
    """
    started, calls_before = time.monotonic(), crm.calls
    with tempfile.TemporaryDirectory(prefix="touchline-apply-") as folder:
        with warehouse.connect() as connection:
            create_writeback_tables(connection)
            plan = _applicable(connection, plan_id)
            (skipped,) = connection.execute(_COUNT_SKIPPED, [plan_id]).fetchone() or (0,)
            schemas = stored_schemas(connection) if plan.changed_records else {}
            writes = _export_writes(connection, plan_id, Path(folder))
            if plan.changed_records:
                # Before the first intent: if this process dies, the plan is known to have begun.
                _set_state(connection, plan_id, "applying")
        sending = Sending(warehouse, crm, plan_id, run_id, schemas)
        if plan.changed_records:
            sending.send_all(writes)
    unsent = plan.changed_records - sending.written - sending.failed.total() - sending.moved
    _finish(warehouse, sending, is_complete=sending.written == plan.changed_records)
    return WritebackReport(
        plan_id=plan_id,
        run_id=run_id,
        written=sending.written,
        failed=sending.failed.total(),
        skipped=skipped + sending.moved,
        unsent=unsent,
        failed_by_code=dict(sending.failed),
        calls=crm.calls - calls_before,
        seconds=time.monotonic() - started,
        stopped_because=sending.stopped_because,
    )


def _finish(warehouse: Warehouse, sending: Sending, *, is_complete: bool) -> None:
    """Record what the run knows. A warehouse that stays locked costs the record, not the report."""
    try:
        with warehouse.connect() as connection:
            connection.begin()
            sending.record_answers(connection)
            record_skipped(connection, sending.plan_id, sending.run_id)
            state = "applied" if is_complete else "partly_applied"
            _set_state(connection, sending.plan_id, state)
            connection.commit()
    except WarehouseLockedError as error:
        sending.stop(str(error))


def _applicable(connection: DuckDBPyConnection, plan_id: str) -> Plan:
    """Return the plan if the org is still as the plan found it, as far as is known (K2)."""
    plan, newest = read_plan(connection, plan_id), read_plan(connection)
    if plan is None or newest is None:
        raise PlanNotApplicableError(f"There is no plan {plan_id}. `touchline plan` makes one.")
    if plan.state in ("applied", "partly_applied") and plan.changed_records:
        raise PlanNotApplicableError(
            f"{plan_id} was applied already. `touchline run` plans what is left to do."
        )
    if plan.state in ("applying", "interrupted"):
        raise PlanNotApplicableError(
            f"{plan_id} is being applied, or was interrupted while it was. If nothing runs any "
            f"more: `touchline run` takes a new snapshot and plans what is left to do."
        )
    if plan.state == "applied":
        return plan  # there was nothing to write, and there still is not
    if newest.plan_id != plan_id:
        raise PlanNotApplicableError(
            f"{plan_id} is outdated: {newest.plan_id} replaced it and differs from it. Read that "
            f"one first: `touchline plan --stored`."
        )
    if latest_snapshot_at(connection) != plan.snapshot_at:
        raise PlanNotApplicableError(
            f"A newer snapshot was taken since {plan_id} was made. Plan again, and read "
            f"what is new in it: `touchline plan`."
        )
    (sent,) = connection.execute(
        "select count(*) from writeback.ledger where sent_at > ?", [plan.snapshot_at]
    ).fetchone() or (0,)
    if sent and plan.changed_records:
        raise PlanNotApplicableError(
            f"{sent} records were sent since {plan_id}'s snapshot, perhaps by a run that was "
            f"interrupted. Take a new snapshot and plan again: `touchline run`."
        )
    return plan


def _set_state(connection: DuckDBPyConnection, plan_id: str, state: str) -> None:
    connection.execute("update writeback.plans set state = ? where plan_id = ?", [state, plan_id])


def _export_writes(connection: DuckDBPyConnection, plan_id: str, folder: Path) -> Iterator[Write]:
    """Put the plan's writes into files; return what reads them, without a connection."""
    files: list[tuple[Path, list[str]]] = []
    for name, fields in connection.execute(_FIELDS_TO_WRITE, [plan_id]).fetchall():
        file = folder / f"{name}.json"
        paths = ", ".join(quoted(f"$.{field}") for field in fields)
        connection.execute(
            _EXPORT_WRITES.format(versions=SOURCES[name][1], paths=paths),
            {"plan_id": plan_id, "object": name, "file": str(file)},
        )
        files.append((file, fields))
    return (write for file, fields in files for write in _read_writes(file, fields))


def _read_writes(file: Path, fields: Sequence[str]) -> Iterator[Write]:
    with file.open("rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            row["stored_values"] = dict(zip(fields, row["stored_values"], strict=True))
            yield Write(**row)
