"""Sending a plan's writes: re-read, intent, request, outcome, chunk by chunk (K2, K4, K5)."""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from itertools import groupby, islice

from duckdb import DuckDBPyConnection

from orchestration.crm.client import Crm, CrmError, CrmRequestError, RowError, RowResult
from orchestration.crm.schema import ObjectSchema
from orchestration.warehouse import Warehouse, WarehouseLockedError
from orchestration.writeback.ledger import (
    Outcome,
    Write,
    record_intents,
    record_left_alone,
    record_outcomes,
)
from orchestration.writeback.moved import moved_records
from orchestration.writeback.refusals import NUMBER_TYPES

#: A row that Salesforce could not take just now is sent this often in all.
ATTEMPTS_PER_ROW = 3

#: Rows sent again one by one in a run; when more are locked, something else holds the org.
ROWS_SENT_AGAIN = 200

#: Locks pass: seconds to wait before the second attempt, twice as many before the third.
SECONDS_BEFORE_AGAIN = 0.5

#: Extra requests spent on finding the row for which Salesforce refuses a whole request.
SEARCH_REQUESTS = 60


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One row about to be sent, under its number in the ledger."""

    number: int
    write: Write


@dataclass
class Sending:
    """One pass over a plan's writes, and its figures, in records; `failed` is by code.

    `moved` records changed in Salesforce since the snapshot and were not sent.

    Between two requests the warehouse is open briefly, never during one. When the org refuses
    to go on, or the warehouse stays locked, the pass ends early and `stopped_because` says why.
    """

    warehouse: Warehouse
    crm: Crm
    plan_id: str
    run_id: str
    schemas: MappingOf[str, ObjectSchema]
    written: int = 0
    moved: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    stopped_because: str | None = None
    _answered: list[Outcome] = field(default_factory=list)
    _again: list[Write] = field(default_factory=list)
    _searches_left: int = SEARCH_REQUESTS

    def send_all(self, writes: Iterable[Write]) -> None:
        """Send everything in chunks, then the rows that were locked, one by one."""
        try:
            for chunk in _chunks(writes, self.crm.rows_per_write):
                if self.stopped_because:
                    return
                self._send(self._as_planned(chunk), attempts_left=ATTEMPTS_PER_ROW - 1)
            for attempts_left in reversed(range(ATTEMPTS_PER_ROW - 1)):
                self._send_again(attempts_left)
        except WarehouseLockedError as error:
            self.stop(str(error))

    def stop(self, reason: str) -> None:
        """End the pass; the first reason stands."""
        self.stopped_because = self.stopped_because or reason

    def record_answers(self, connection: DuckDBPyConnection) -> None:
        """Write the answers that are not in the ledger yet."""
        record_outcomes(connection, self._answered)
        self._answered = []

    def _send_again(self, attempts_left: int) -> None:
        locked, self._again = self._again, []
        if locked:
            time.sleep(SECONDS_BEFORE_AGAIN * (ATTEMPTS_PER_ROW - 1 - attempts_left))
        for chunk in _chunks(locked, self.crm.rows_per_write):
            # A lock means that somebody else was writing: that may have moved the record.
            for write in self._as_planned(chunk):
                if not self.stopped_because:
                    self._send([write], attempts_left)

    def _as_planned(self, chunk: Sequence[Write]) -> list[Write]:
        """Return the rows whose records are still as the plan found them; note the others (K2)."""
        if self.stopped_because:
            return []
        try:
            moved = moved_records(self.crm, self.schemas[chunk[0].object], chunk)
        except CrmError as error:
            self.stop(str(error))
            return []
        if moved:
            with self.warehouse.connect() as connection:
                record_left_alone(connection, self.plan_id, moved)
            self.moved += len(moved)
        moved_ids = {record.record_id for record in moved}
        return [write for write in chunk if write.record_id not in moved_ids]

    def _send(self, chunk: Sequence[Write], attempts_left: int) -> None:
        if not chunk:
            return
        with self.warehouse.connect() as connection:
            connection.begin()
            numbers = record_intents(connection, self.plan_id, self.run_id, chunk)
            connection.commit()
        attempts = [_Attempt(*pair) for pair in zip(numbers, chunk, strict=True)]
        try:
            refusal = self._ask(attempts, attempts_left)
            if refusal:
                self._search(attempts, refusal, attempts_left)
        finally:
            # Right after the answer, whatever came instead of it: what is known is recorded.
            with self.warehouse.connect() as connection:
                self.record_answers(connection)

    def _ask(self, attempts: Sequence[_Attempt], attempts_left: int) -> CrmRequestError | None:
        """Send one request and note its answers; return a refusal of the request as a whole."""
        name = attempts[0].write.object
        rows = [_record(attempt.write, self.schemas[name]) for attempt in attempts]
        try:
            results = self.crm.update_many(name, rows)
        except CrmRequestError as refusal:
            return refusal
        except CrmError as error:
            # Perhaps the rows arrived, perhaps not: the next snapshot tells.
            self.stop(str(error))
            self._note_refused(attempts, error, is_transient=True)
            return None
        for attempt, result in zip(attempts, results, strict=True):
            self._note(attempt, result, attempts_left)
        return None

    def _search(
        self, attempts: Sequence[_Attempt], refusal: CrmRequestError, attempts_left: int
    ) -> None:
        """Halve a refused request until the row at fault is alone, and spare the others.

        A row is at fault itself only if it was refused alone while the org took its neighbours.
        Where both first halves are refused, or the reason changes, it is not about rows at all.
        """
        refused, alone = deque([attempts]), list[_Attempt]()
        while refused and not self.stopped_because:
            group = refused.popleft()
            if len(group) == 1:
                alone += group
                continue
            middle = len(group) // 2
            halves = [
                half
                for half in (group[:middle], group[middle:])
                if self._is_refused(half, refusal, attempts_left)
            ]
            refused += halves
            if self._searches_left < 2 or (group is attempts and len(halves) == 2):
                self.stop(str(refusal))
        self._note_refused(alone, refusal, is_transient=len(attempts) == 1)
        for group in refused:
            self._note_refused(group, refusal, is_transient=True)

    def _is_refused(
        self, attempts: Sequence[_Attempt], refusal: CrmRequestError, attempts_left: int
    ) -> bool:
        if self.stopped_because:
            return True
        self._searches_left -= 1
        answer = self._ask(attempts, attempts_left)
        if answer and answer.code != refusal.code:
            self.stop(str(answer))
        return answer is not None

    def _note_refused(
        self, attempts: Sequence[_Attempt], error: CrmError, *, is_transient: bool
    ) -> None:
        """Note a refusal that came for a request and not for its rows."""
        result = RowResult(False, None, (RowError(error.code, str(error), (), is_transient),))
        for attempt in attempts:
            self._note(attempt, result, attempts_left=0)

    def _note(self, attempt: _Attempt, result: RowResult, attempts_left: int) -> None:
        if result.success:
            self.written += 1
            self._answered.append(Outcome(attempt.number, "written"))
            return
        error = (
            result.errors[0] if result.errors else RowError("UNKNOWN", "no reason given", (), False)
        )
        goes_again = error.is_transient and attempts_left > 0 and len(self._again) < ROWS_SENT_AGAIN
        if goes_again:
            self._again.append(attempt.write)
        else:
            self.failed[error.code] += 1
        self._answered.append(
            Outcome(
                attempt.number,
                "retried" if goes_again else "failed",
                error.code,
                error.message,
                tuple(name for each in result.errors for name in each.fields),
                error.is_transient,
            )
        )


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
