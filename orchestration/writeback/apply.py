"""Applying a plan: is it still true of the org, and what came of it (K2, K4)."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from duckdb import DuckDBPyConnection

from orchestration.crm.client import CallCounts, Crm, Operation
from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot import stored_schemas
from orchestration.warehouse import Warehouse, WarehouseLockedError
from orchestration.writeback.books import Books
from orchestration.writeback.finish import finish_plan
from orchestration.writeback.ledger import FailureCount, created_records, failures_by_code
from orchestration.writeback.mapping import Mapping
from orchestration.writeback.mapping_sections import Limits
from orchestration.writeback.plan import Plan, latest_snapshot_at, read_plan
from orchestration.writeback.preflight import preflight
from orchestration.writeback.sending import Routes, known_until, read_routes, send_all
from orchestration.writeback.settle import Settled, settle
from orchestration.writeback.tables import create_writeback_tables
from orchestration.writeback.writes import Group, export_writes

_COUNT_SKIPPED = """
select count(*)
from (
    select object, coalesce(record_id, external_key) as key
    from writeback.changes
    where
        plan_id = ?
        and decision in ('write', 'blocked', 'invalid', 'stale', 'duplicate', 'converted')
    group by object, key
    having not bool_or(decision = 'write')
)
"""

_BEGIN = "update writeback.plans set state = 'applying' where plan_id = ?"

#: What an undo writes is in no snapshot: what was planned before it does not hold any more.
_SUPERSEDE_OTHERS = """
update writeback.plans set state = 'superseded' where state = 'planned' and plan_id <> ?
"""

#: Where a run keeps what it is about to send, with its process id behind.
_FOLDER = "touchline-apply-"


class PlanNotApplicableError(RuntimeError):
    """The plan may not be applied (any more); the message says why and what to do (K2)."""


@dataclass(frozen=True, slots=True)
class WritebackReport:
    """What came of a plan: records, each counted once.

    `written`: Salesforce took what was sent of them, `failed`: it refused that. `skipped`: nothing
    was sent of them, because all that they lack cannot be written, or because they moved since
    the snapshot. `unknown`: they were sent, and their answers are still to be asked for. `unsent`:
    not reached, because the run ended early for the reason in `stopped_because`. `calls` include
    the reads right before each write. `refusals`: the failed ones by code, with words and remedy.
    `jobs`: ids of the bulk jobs that it opened, by which Salesforce's Setup names them.
    `has_begun`: not where the preflight found problems; the plan waits then as it did.
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
    unknown: int = 0
    refusals: Sequence[FailureCount] = ()
    jobs: Sequence[str] = ()
    has_begun: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to be written is, and is on record."""
        return not (self.failed or self.unsent or self.unknown or self.stopped_because)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a plan has to do, taken out of the warehouse."""

    groups: Sequence[Group]
    routes: Routes
    until: MappingOf[str, datetime]
    schemas: MappingOf[str, ObjectSchema]
    created: dict[str, str]
    skipped: int
    kind: str
    calls: int

    @property
    def records(self) -> int:
        """How many records are to be sent."""
        return sum(group.records for group in self.groups)


def apply_plan(
    warehouse: Warehouse, crm: Crm, plan_id: str, run_id: str, mapping: Mapping | None = None
) -> WritebackReport:
    """Write the plan's cells to the CRM and record every attempt in the ledger.

    Right before they are written, records are read once more; those that moved since the snapshot
    are left alone (K2). A plan without writes makes no request, not even a login. When the CRM
    stops answering, or refuses the login, or the day's calls are used up, or the warehouse stays
    locked between two requests, the run ends early and says so in its report; `resume_plan` goes
    on, or what was not reached is planned again after the next snapshot.

    Raises:
        WarehouseLockedError: the warehouse was locked from the start; nothing was sent.
        PlanNotApplicableError: not the newest plan, not its snapshot, or already applied.
    """
    with warehouse.connect() as connection:
        create_writeback_tables(connection)
        _check_applicable(connection, plan_id)
    return _send(warehouse, crm, plan_id, run_id, mapping)


def resume_plan(
    warehouse: Warehouse, crm: Crm, run_id: str, mapping: Mapping | None = None
) -> tuple[Settled, WritebackReport | None]:
    """Find out what became of runs that died, and send what is left of the newest of their plans.

    A plan that a newer one or a newer snapshot replaced is only settled: what is left of it was,
    or will be, planned again. None in place of a report: there was no plan to go on with.

    Raises:
        CrmError: the CRM does not answer; ask again later.
    """
    settled = settle(warehouse, crm)
    with warehouse.connect() as connection:
        plan_id = _resumable(connection)
    if plan_id is None:
        return settled, None
    return settled, _send(warehouse, crm, plan_id, run_id, mapping)


def why_not_resumed(warehouse: Warehouse) -> str:
    """Say why there is no plan to go on with: none was interrupted, or what replaced it."""
    with warehouse.connect(read_only=True) as connection:
        plan = _interrupted(connection)
        newer = _replaced_by(connection, plan) if plan else None
    if plan is None:
        return "No plan was interrupted: there is nothing to go on with."
    return (
        f"{plan.plan_id} was interrupted, and {newer or 'another plan'} has replaced it: "
        f"`touchline run` plans what is left to do."
    )


def _send(
    warehouse: Warehouse, crm: Crm, plan_id: str, run_id: str, mapping: Mapping | None
) -> WritebackReport:
    started, calls_before = time.monotonic(), crm.calls
    _remove_leftovers()
    with tempfile.TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-") as folder:
        with warehouse.connect() as connection:
            work = _take_work(connection, plan_id, Path(folder))
        limits = mapping.sections.limits if mapping else Limits()
        books = Books(warehouse, crm, plan_id, run_id, work.schemas, limits, created=work.created)
        if work.records and mapping:
            _ask_first(books, mapping, work)
        has_begun = books.stopped_because is None
        refusals = _carry_out(books, work) if has_begun else ()
    sent = books.written + books.failed.total() + books.unknown
    return WritebackReport(
        plan_id=plan_id,
        run_id=run_id,
        written=books.written,
        failed=books.failed.total(),
        skipped=work.skipped + books.moved,
        unsent=work.records - sent - books.moved,
        failed_by_code=dict(books.failed),
        calls=crm.calls - calls_before,
        seconds=time.monotonic() - started,
        stopped_because=books.stopped_because,
        unknown=books.unknown,
        refusals=refusals,
        jobs=tuple(books.jobs),
        has_begun=has_begun,
    )


def _remove_leftovers() -> None:
    """Remove what killed runs left in the temporary folder: it may hold the texts of mails."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = left.name.removeprefix(_FOLDER).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _carry_out(books: Books, work: _Work) -> Sequence[FailureCount]:
    if work.records:
        # Before the first intent: if this process dies, the plan is known to have begun.
        with books.warehouse.connect() as connection:
            connection.execute(_BEGIN, [books.plan_id])
            if work.kind == "undo":
                connection.execute(_SUPERSEDE_OTHERS, [books.plan_id])
    send_all(books, work.groups, work.routes, work.until)
    return _finish(books)


def _ask_first(books: Books, mapping: Mapping, work: _Work) -> None:
    """Ask the org whether it takes what is to be written, before the first write (K8).

    A run is taken back also where the mapping does not fit the org any more, by the describes.
    """
    objects: dict[str, set[Operation]] = {}
    for group in work.groups:
        objects.setdefault(group.object, set()).add(group.operation)
    answer = preflight(books.crm, mapping, objects, work.calls)
    problems = [
        each for each in answer.problems if work.kind != "undo" or each.check in ("login", "limits")
    ]
    if problems:
        books.stop("\n".join(["Nothing was written. The preflight found:", *map(str, problems)]))
    books.schemas = {**books.schemas, **answer.schemas}


def _take_work(connection: DuckDBPyConnection, plan_id: str, folder: Path) -> _Work:
    (skipped,) = connection.execute(_COUNT_SKIPPED, [plan_id]).fetchone() or (0,)
    groups, plan = export_writes(connection, plan_id, folder), read_plan(connection, plan_id)
    return _Work(
        groups,
        read_routes(connection, plan_id),
        known_until(connection, plan_id) if groups else {},
        stored_schemas(connection) if groups else {},
        created_records(connection, plan_id),
        skipped,
        plan.kind if plan else "sync",
        # Those of the preflight are made before anybody asks whether there are enough.
        _calls(connection, plan_id),
    )


def _finish(books: Books) -> Sequence[FailureCount]:
    """Record what the run knows. A warehouse that stays locked costs the record, not the report."""
    try:
        with books.warehouse.connect() as connection:
            books.record_answers(connection)
            connection.begin()
            ended_early = books.stopped_because is not None
            finish_plan(connection, books.plan_id, books.run_id, ended_early=ended_early)
            connection.commit()
            return failures_by_code(connection, books.run_id)
    except WarehouseLockedError as error:
        books.stop(str(error))
        return ()


def _check_applicable(connection: DuckDBPyConnection, plan_id: str) -> None:
    """Refuse a plan unless the org is still as the plan found it, as far as is known (K2)."""
    plan = read_plan(connection, plan_id)
    if plan is None:
        raise PlanNotApplicableError(f"There is no plan {plan_id}. `touchline plan` makes one.")
    if plan.state in ("applied", "partly_applied") and plan.changed_records:
        raise PlanNotApplicableError(
            f"{plan_id} was applied already. `touchline run` plans what is left to do."
        )
    if plan.state in ("applying", "interrupted"):
        raise PlanNotApplicableError(
            f"{plan_id} is being applied, or was interrupted while it was. If nothing runs any "
            f"more: `touchline apply --resume` finds out what was written and sends the rest."
        )
    if plan.state == "applied":
        return  # there was nothing to write, and there still is not
    if plan.state != "planned":
        raise PlanNotApplicableError(_why_outdated(connection, plan))
    if plan.waits and plan.changed_records:
        raise PlanNotApplicableError(
            f"{plan_id} waits for approval. Read it (`touchline plan --stored`), then "
            f"`touchline approve {plan_id}`."
        )
    if plan.kind != "undo":
        _check_snapshot(connection, plan)


def _why_outdated(connection: DuckDBPyConnection, plan: Plan) -> str:
    if plan.kind == "undo":
        return (
            f"{plan.plan_id} was only looked at, or a newer plan was made since. Run `touchline "
            f"undo {plan.undoes}` again."
        )
    newest = read_plan(connection)
    by = newest.plan_id if newest and newest.plan_id != plan.plan_id else "another plan"
    return (
        f"{plan.plan_id} is outdated: {by} replaced it and differs from it. Read that one first: "
        f"`touchline plan --stored`."
    )


def _check_snapshot(connection: DuckDBPyConnection, plan: Plan) -> None:
    if latest_snapshot_at(connection) != plan.snapshot_at:
        raise PlanNotApplicableError(
            f"A newer snapshot was taken since {plan.plan_id} was made. Plan again, and read "
            f"what is new in it: `touchline plan`."
        )
    (sent,) = connection.execute(
        "select count(*) from writeback.ledger where sent_at > ?", [plan.snapshot_at]
    ).fetchone() or (0,)
    if sent and plan.changed_records:
        raise PlanNotApplicableError(
            f"{sent} records were sent since {plan.plan_id}'s snapshot, perhaps by a run that was "
            f"interrupted. Take a new snapshot and plan again: `touchline run`."
        )


def _resumable(connection: DuckDBPyConnection) -> str | None:
    """Return the newest plan that a run did not finish, if nothing replaced it since."""
    plan = _interrupted(connection)
    return plan.plan_id if plan and not _replaced_by(connection, plan) else None


def _interrupted(connection: DuckDBPyConnection) -> Plan | None:
    row = connection.execute(
        "select plan_id from writeback.plans "
        "where state in ('applying', 'interrupted') order by created_at desc limit 1"
    ).fetchone()
    return read_plan(connection, row[0]) if row else None


def _replaced_by(connection: DuckDBPyConnection, plan: Plan) -> str | None:
    newest = read_plan(connection)
    if newest is not None and newest.plan_id != plan.plan_id:
        taken_back = f", which takes back {newest.undoes}," if newest.undoes else ""
        return f"{newest.plan_id}{taken_back}"
    if plan.kind != "undo" and latest_snapshot_at(connection) != plan.snapshot_at:
        return "a newer snapshot"
    return None


def _calls(connection: DuckDBPyConnection, plan_id: str) -> int:
    """Return the calls that the plan's writes take, what is asked before them left out."""
    (calls,) = connection.execute(
        "select coalesce(sum(read_calls + write_calls), 0) from writeback.plan_routes "
        "where plan_id = ? and object <> '*'",
        [plan_id],
    ).fetchone() or (0,)
    return int(calls)
