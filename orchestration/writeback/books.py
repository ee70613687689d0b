"""One run's books: intents before, answers after, its figures, and why it ends early (K4)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from orchestration.crm.client import Crm, RowError, RowResult
from orchestration.crm.schema import ObjectSchema
from orchestration.warehouse import Warehouse
from orchestration.writeback.ledger import (
    LeftAlone,
    Outcome,
    record_intents,
    record_left_alone,
    record_outcomes,
    records_made,
)
from orchestration.writeback.mapping_sections import Limits
from orchestration.writeback.refusal_codes import Handling, refusal
from orchestration.writeback.writes import Write

#: Fewer answers than these say nothing about the share of refusals.
ANSWERS_FOR_A_SHARE = 200

_NO_REASON = RowError("UNKNOWN", "no reason given", (), is_transient=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One record about to be sent, under its number in the ledger."""

    number: int
    write: Write
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))


@dataclass
class Books:
    """What a run sends, and what came of it, in records; `failed` is by code.

    `moved` records were left alone. `created`: external key to id, for records that refer to
    those which this plan created. `jobs`: ids of the bulk jobs that the run opened. Between two
    requests the warehouse is open briefly, never during one. `stopped_because` says why the run
    ends early; nothing is sent any more then.
    """

    warehouse: Warehouse
    crm: Crm
    plan_id: str
    run_id: str
    schemas: Mapping[str, ObjectSchema]
    limits: Limits = field(default_factory=Limits)
    written: int = 0
    moved: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    created: dict[str, str] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    stopped_because: str | None = None
    _answered: list[Outcome] = field(default_factory=list)
    _overtaken: list[LeftAlone] = field(default_factory=list)
    _waiting: set[int] = field(default_factory=set)

    @property
    def unknown(self) -> int:
        """How many records were sent without anybody knowing yet what became of them."""
        return len(self._waiting)

    def stop(self, reason: str) -> None:
        """End the run; the first reason stands."""
        self.stopped_because = self.stopped_because or reason

    @contextmanager
    def sending(
        self, writes: Sequence[Write], job_id: str | None = None
    ) -> Iterator[list[Attempt]]:
        """Note intents, yield them, and note what is known when the sending is over.

        Also when something else than an answer ends it: what is known is recorded.
        """
        with self.warehouse.connect() as connection:
            connection.begin()
            numbers = record_intents(connection, self.plan_id, self.run_id, writes, job_id)
            connection.commit()
        self._waiting.update(numbers)
        try:
            yield [Attempt(*pair) for pair in zip(numbers, writes, strict=True)]
        finally:
            with self.warehouse.connect() as connection:
                self.record_answers(connection)
            self._watch()

    def resume(self, attempts: Sequence[Attempt]) -> None:
        """Take over attempts of a run that died."""
        self._waiting.update(attempt.number for attempt in attempts)

    def record_answers(self, connection: DuckDBPyConnection) -> None:
        """Write the answers that are not in the ledger yet."""
        record_outcomes(connection, self._answered)
        self._answered = []
        if self._overtaken:
            record_left_alone(connection, self.plan_id, self._overtaken)
            self._overtaken = []

    def leave_alone(self, records: Sequence[LeftAlone]) -> None:
        """Note records that are not sent after all, and why."""
        if records:
            with self.warehouse.connect() as connection:
                record_left_alone(connection, self.plan_id, records)
            self.moved += len(records)

    def complete(self, writes: Sequence[Write]) -> list[Write]:
        """Return the creations that have all that they need; note the others."""
        complete: list[Write] = []
        lacking: list[LeftAlone] = []
        for write in writes:
            unmet = [key for key in write.refers_to.values() if key not in self.created]
            if unmet:
                reason = f"{unmet[0]}, which it belongs to, was not created: with the next run"
            elif None in write.texts.values():
                reason = "crm.activities does not have the planned text any more: with the next run"
            else:
                complete.append(write.resolved(self.created))
                continue
            lacking.append(LeftAlone(write.object, write.key, "stale", reason))
        self.leave_alone(lacking)
        return complete

    def readable(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Return the attempts that a read can tell about, by the fields that are still there.

        An update is taken or refused as a whole: what is left of it tells about all of it.
        """
        readable: list[Attempt] = []
        for attempt in attempts:
            write = attempt.write
            known = self.schemas[write.object].fields.keys()
            if write.operation == "update":
                new = {name: value for name, value in write.new_values.items() if name in known}
                old = {name: value for name, value in write.old_values.items() if name in known}
                narrowed, can_tell = replace(write, new_values=new, old_values=old), bool(new)
            else:
                narrowed, can_tell = write, write.key_field is None or write.key_field in known
            if known and can_tell:
                readable.append(replace(attempt, write=narrowed))
            else:
                self.note_overtaken(attempt, "its fields are gone, or hidden: nobody can tell")
        return readable

    def made_earlier(self, attempts: Sequence[Attempt]) -> set[str]:
        """Return the records that attempts before these created under the same keys."""
        keys = [each.write.external_key for each in attempts if each.write.operation == "create"]
        if not keys:
            return set()
        with self.warehouse.connect() as connection:
            return records_made(connection, attempts[0].write.object, keys)

    def note_written(self, attempt: Attempt, record_id: str | None = None) -> None:
        """Salesforce said so, or shows it."""
        self.written += 1
        write = attempt.write
        if write.operation == "create" and record_id and write.external_key:
            self.created[write.external_key] = record_id
        self._note(Outcome(attempt.number, "written", record_id))

    def note_refused(self, attempt: Attempt, result: RowResult, *, is_transient: bool) -> None:
        """Salesforce refused it, and it is not sent again in this run."""
        error = first_error(result)
        self.failed[error.code] += 1
        if refusal(error.code).handling is Handling.STOP:
            self.stop(f"{error.code}. {refusal(error.code).remedy}")
        self._note(_refused(attempt, "failed", result, is_transient=is_transient))

    def note_again(self, attempt: Attempt, result: RowResult) -> None:
        """Nothing came of it; the record is sent again, now or by the next run."""
        self._note(_refused(attempt, "retried", result, is_transient=True))

    def note_overtaken(self, attempt: Attempt, reason: str) -> None:
        """The record holds neither the old nor the new values: it is not ours to touch now."""
        write = attempt.write
        self._overtaken.append(LeftAlone(write.object, write.key, "stale", reason))
        self.failed["OVERTAKEN"] += 1
        error = RowResult(False, None, (RowError("OVERTAKEN", reason, (), is_transient=True),))
        self._note(_refused(attempt, "failed", error, is_transient=True))

    def _note(self, outcome: Outcome) -> None:
        self._waiting.discard(outcome.attempt_id)
        self._answered.append(outcome)

    def _watch(self) -> None:
        """End the run when too much is refused, or too few of the day's calls are left (K3)."""
        failed = self.failed.total()
        answers = self.written + failed
        if answers >= ANSWERS_FOR_A_SHARE and failed > self.limits.failed_share * answers:
            (code, count), *_ = self.failed.most_common(1)
            self.stop(
                f"{failed:,} of {answers:,} records were refused, most of them ({count:,}) for "
                f"{code}. {refusal(code).remedy} (limits: failed_share in the mapping)"
            )
        left = self.crm.latest_limits
        if left and left.daily_calls_left < self.limits.api_reserve_share * left.daily_calls:
            self.stop(
                f"{left.daily_calls_left:,} of the org's {left.daily_calls:,} daily API calls are "
                f"left, which is its reserve (limits: api_reserve_share in the mapping). Run again "
                f"later."
            )


def first_sent(attempts: Sequence[Attempt]) -> datetime:
    """Return when the first of these attempts was sent (UTC)."""
    return min(attempt.sent_at for attempt in attempts)


def first_error(result: RowResult) -> RowError:
    """Return what Salesforce objects to first."""
    return result.errors[0] if result.errors else _NO_REASON


def _refused(attempt: Attempt, outcome: str, result: RowResult, *, is_transient: bool) -> Outcome:
    error = first_error(result)
    return Outcome(
        attempt.number,
        outcome,
        None,
        error.code,
        attempt.write.safe(error.message),
        tuple(name for each in result.errors for name in each.fields),
        is_transient,
    )
