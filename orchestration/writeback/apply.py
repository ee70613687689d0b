"""Applying a plan: chunked writes with an intent before and an outcome after (K1, K2, K5)."""

import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path

import orjson
from duckdb import DuckDBPyConnection

from orchestration.crm.client import CallCounts, Crm, CrmError, CrmRequestError, RowError, RowResult
from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot import stored_schemas
from orchestration.warehouse import Warehouse
from orchestration.writeback.ledger import (
    Outcome,
    Write,
    create_writeback_tables,
    record_intents,
    record_outcomes,
    record_skipped,
)
from orchestration.writeback.plan import Plan, latest_snapshot_at, read_plan
from orchestration.writeback.refusals import NUMBER_TYPES

#: A row that Salesforce could not take just now is sent this often in all.
ATTEMPTS_PER_ROW = 3

#: Rows sent again one by one in a run; when more are locked, something else holds the org.
ROWS_SENT_AGAIN = 200

#: Locks pass: seconds to wait before the second attempt, twice as many before the third.
SECONDS_BEFORE_AGAIN = 0.5

#: Extra requests spent on finding the row for which Salesforce refuses a whole request.
SEARCH_REQUESTS = 60

_EXPORT_WRITES = """
copy (
    select
        object, record_id,
        to_json(map_from_entries(list((field, old_value) order by field))) as old_values,
        to_json(map_from_entries(list((field, new_value) order by field))) as new_values
    from writeback.changes
    where plan_id = $plan_id and decision = 'write'
    group by object, record_id
    order by object, record_id
) to $file (format json)
"""

_COUNT_SKIPPED = """
select count(distinct (object, record_id))
from writeback.changes
where plan_id = ? and decision in ('blocked', 'invalid', 'stale', 'duplicate', 'converted')
"""


class PlanNotApplicableError(RuntimeError):
    """The plan may not be applied (any more); the message says why and what to do (K2)."""


@dataclass(frozen=True, slots=True)
class WritebackReport:
    """What came of a plan: records, each counted once.

    `skipped` ones have a cell that was never sent because it cannot be written; `unsent` ones
    were not reached, because the run ended early for the reason in `stopped_because`.
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

    A plan without writes makes no request, not even a login. When the CRM stops answering, or
    refuses the login, or the day's calls are used up, the run ends early and says so in its
    report; what was not reached is planned again after the next snapshot.

    Raises:
        PlanNotApplicableError: not the newest plan, not its snapshot, or already applied.
    """
    started, calls_before = time.monotonic(), crm.calls
    run = _Run(warehouse, crm, plan_id, run_id)
    with tempfile.TemporaryDirectory(prefix="touchline-apply-") as folder:
        file = Path(folder) / "writes.json"
        with warehouse.connect() as connection:
            create_writeback_tables(connection)
            plan = _applicable(connection, plan_id)
            (skipped,) = connection.execute(_COUNT_SKIPPED, [plan_id]).fetchone() or (0,)
            if plan.changed_records:
                run.schemas = stored_schemas(connection)
                connection.execute(_EXPORT_WRITES, {"plan_id": plan_id, "file": str(file)})
        if plan.changed_records:
            run.send_all(_read_writes(file))
    unsent = plan.changed_records - run.written - run.failed.total()
    with warehouse.connect() as connection:
        run.note_outcomes(connection)
        record_skipped(connection, plan_id, run_id)
        connection.execute(
            "update writeback.plans set state = ? where plan_id = ?",
            ["partly_applied" if unsent or run.failed else "applied", plan_id],
        )
    return WritebackReport(
        plan_id=plan_id,
        run_id=run_id,
        written=run.written,
        failed=run.failed.total(),
        skipped=skipped,
        unsent=unsent,
        failed_by_code=dict(run.failed),
        calls=crm.calls - calls_before,
        seconds=time.monotonic() - started,
        stopped_because=run.stopped_because,
    )


@dataclass
class _Run:
    """One pass over a plan's writes. Between two requests the warehouse is open once, briefly."""

    warehouse: Warehouse
    crm: Crm
    plan_id: str
    run_id: str
    schemas: MappingOf[str, ObjectSchema] = field(default_factory=dict)
    written: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    stopped_because: str | None = None
    _answered: list[Outcome] = field(default_factory=list)
    _again: deque[Write] = field(default_factory=deque)
    _searches_left: int = SEARCH_REQUESTS

    def send_all(self, writes: Iterable[Write]) -> None:
        """Send everything in chunks, then the rows that were locked, one by one."""
        for chunk in _chunks(writes, self.crm.rows_per_write):
            if self.stopped_because:
                return
            self._send(chunk, is_last_attempt=False)
        for attempt in range(2, ATTEMPTS_PER_ROW + 1):
            round_, self._again = self._again, deque()
            if round_:
                time.sleep(SECONDS_BEFORE_AGAIN * (attempt - 1))
            for write in round_:
                if not self.stopped_because:
                    self._send([write], is_last_attempt=attempt == ATTEMPTS_PER_ROW)

    def note_outcomes(self, connection: DuckDBPyConnection) -> None:
        """Write the answers that wait for an open warehouse."""
        record_outcomes(connection, self._answered)
        self._answered = []

    def _send(self, chunk: Sequence[Write], *, is_last_attempt: bool) -> None:
        with self.warehouse.connect() as connection:
            connection.begin()
            self.note_outcomes(connection)
            attempt_ids = record_intents(connection, self.plan_id, self.run_id, chunk)
            connection.commit()
        for write, attempt_id, result in zip(chunk, attempt_ids, self._ask(chunk), strict=True):
            self._note(write, attempt_id, result, is_last_attempt=is_last_attempt)

    def _ask(self, chunk: Sequence[Write]) -> list[RowResult]:
        """Return a result per row, whatever happens to the request."""
        name = chunk[0].object
        rows = [_record(write, self.schemas[name]) for write in chunk]
        try:
            return self.crm.update_many(name, rows)
        except CrmRequestError as error:
            # The request was refused because of one of its rows: find it, spare the others.
            if len(chunk) == 1 or self._searches_left < 2:
                if len(chunk) > 1:
                    self.stopped_because = str(error)
                return [_failure(error.code, str(error), is_transient=False)] * len(chunk)
            self._searches_left -= 2
            half = len(chunk) // 2
            return self._ask(chunk[:half]) + self._ask(chunk[half:])
        except CrmError as error:
            # Perhaps the rows arrived, perhaps not: the next snapshot tells.
            self.stopped_because = str(error)
            code = type(error).__name__.removeprefix("Crm").removesuffix("Error").upper()
            return [_failure(code, str(error), is_transient=True)] * len(chunk)

    def _note(
        self, write: Write, attempt_id: int, result: RowResult, *, is_last_attempt: bool
    ) -> None:
        if result.success:
            self.written += 1
            self._answered.append(Outcome(attempt_id, "written"))
            return
        error = (
            result.errors[0] if result.errors else RowError("UNKNOWN", "no reason given", (), False)
        )
        goes_again = (
            error.is_transient
            and not is_last_attempt
            and not self.stopped_because
            and len(self._again) < ROWS_SENT_AGAIN
        )
        if goes_again:
            self._again.append(write)
        else:
            self.failed[error.code] += 1
        self._answered.append(
            Outcome(
                attempt_id,
                "retried" if goes_again else "failed",
                error.code,
                error.message,
                tuple(name for each in result.errors for name in each.fields),
                error.is_transient,
            )
        )


def _applicable(connection: DuckDBPyConnection, plan_id: str) -> Plan:
    """Return the plan if the org is still as the plan found it, as far as is known (K2)."""
    plan, newest = read_plan(connection, plan_id), read_plan(connection)
    if plan is None or newest is None:
        raise PlanNotApplicableError(f"There is no plan {plan_id}. `touchline plan` makes one.")
    if plan.state in ("applied", "partly_applied"):
        raise PlanNotApplicableError(
            f"{plan_id} was applied already. `touchline run` plans what is left to do."
        )
    if newest.plan_id != plan_id:
        raise PlanNotApplicableError(f"{plan_id} is outdated: apply {newest.plan_id} instead.")
    if latest_snapshot_at(connection) != plan.snapshot_at:
        raise PlanNotApplicableError(
            f"A newer snapshot was taken since {plan_id} was made. Plan again: `touchline plan`."
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


def _read_writes(file: Path) -> Iterator[Write]:
    with file.open("rb") as lines:
        for line in lines:
            yield Write(**orjson.loads(line))


def _chunks(writes: Iterable[Write], size: int) -> Iterator[list[Write]]:
    """Yield runs of at most `size` writes of one object, in order."""
    for _, of_object in groupby(writes, key=lambda write: write.object):
        while chunk := list(islice(of_object, size)):
            yield chunk


def _record(write: Write, schema: ObjectSchema) -> dict[str, object]:
    values = {
        name: _json_value(text, schema.fields[name].type) for name, text in write.new_values.items()
    }
    return {"Id": write.record_id, **values}


def _json_value(text: str | None, field_type: str) -> object:
    """Return a canonical text as JSON takes it; None clears the field."""
    if text is None:
        return None
    if field_type in NUMBER_TYPES:
        return float(text) if "." in text else int(text)
    if field_type == "boolean":
        return text == "true"
    return text


def _failure(code: str, message: str, *, is_transient: bool) -> RowResult:
    return RowResult(False, None, (RowError(code, message, (), is_transient),))
