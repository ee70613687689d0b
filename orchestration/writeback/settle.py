"""Finding out what became of everything that was sent by runs that died (K2, K4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from orchestration.crm.client import (
    CallCounts,
    Crm,
    CrmMissingJobError,
    CrmMissingObjectError,
    Job,
    JobState,
    RowError,
    RowResult,
)
from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.warehouse import Warehouse
from orchestration.writeback.books import Attempt, Books, first_sent
from orchestration.writeback.bulk_answers import take_answers
from orchestration.writeback.fates import find_fates
from orchestration.writeback.finish import finish_plan, unfinished_runs
from orchestration.writeback.jobs import OpenJob, close_job, open_jobs
from orchestration.writeback.tables import create_writeback_tables
from orchestration.writeback.writes import Write

_OPEN_ATTEMPTS = """
select
    attempt_id, plan_id, run_id, object, operation, record_id, external_key, job_id, sent_at,
    old_values, new_values
from writeback.ledger
where outcome is null
order by plan_id, run_id, job_id, object, operation, attempt_id
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of attempts without an outcome.

    `written`: they had arrived, `unsent`: nothing of them had, `failed`: refused, or overtaken by
    somebody else. `jobs`: bulk jobs that were asked for.
    """

    jobs: int
    written: int
    unsent: int
    failed: int
    calls: CallCounts


@dataclass(frozen=True, slots=True)
class _Open:
    """An attempt of which only the intent is known."""

    attempt: Attempt
    plan_id: str
    run_id: str
    job_id: str | None
    sent_at: datetime


def settle(warehouse: Warehouse, crm: Crm) -> Settled:
    """Give every attempt its outcome, and every plan; without open attempts, nothing is asked.

    Bulk jobs are asked for by their id: one that did not begin is ended, one at work is waited
    for. Everything else is read: what the org holds is what arrived. To be called before a
    snapshot, so that none is taken while a job of ours is still at work, and before going on with
    a plan. Nobody else may be applying a plan meanwhile.

    Raises:
        CrmError: the CRM does not answer; what is not settled yet stays open.
    """
    calls_before = crm.calls
    with warehouse.connect() as connection:
        create_writeback_tables(connection)
        jobs = open_jobs(connection)
        pending = _open_attempts(connection)
    settling = _Settling(warehouse, crm)
    for job in jobs:
        of_job = [each for each in pending if each.job_id == job.job_id]
        settling.settle_job(job, of_job)
    known_jobs = {job.job_id for job in jobs}
    alone = [each for each in pending if each.job_id not in known_jobs]
    for (plan_id, run_id, *_), group in groupby(alone, key=_of):
        settling.settle_alone(plan_id, run_id, list(group))
    settling.finish_plans()
    return Settled(
        len(jobs), settling.written, settling.unsent, settling.failed, crm.calls - calls_before
    )


@dataclass
class _Settling:
    warehouse: Warehouse
    crm: Crm
    written: int = 0
    unsent: int = 0
    failed: int = 0
    _schemas: dict[str, ObjectSchema] = field(default_factory=dict)
    _runs: list[tuple[str, str | None]] = field(default_factory=list)

    def settle_job(self, noted: OpenJob, pending: Sequence[_Open]) -> None:
        """Ask for a job by its id, have it end, and take its answers."""
        jobs = self.crm.jobs
        try:
            job = jobs.state(noted.job_id)
        except CrmMissingJobError:
            # Salesforce forgets jobs after a week: the records themselves know.
            self.settle_alone(noted.plan_id, noted.run_id, pending)
            self._close(noted, "failed")
            return
        if job.state == "open":
            jobs.abort(noted.job_id)
            # A request of the dead run may have been on its way, and have begun the job first.
            job = jobs.state(noted.job_id)
            if job.state == "aborted" and not job.processed:
                self._note_not_begun(noted, pending)
                self._close(noted, "aborted")
                return
        if job.state == "started":
            job = jobs.wait(noted.job_id, noted.records)
        if pending:
            self._take(noted, job, pending)
        self._close(noted, job.state)

    def settle_alone(self, plan_id: str, run_id: str, pending: Sequence[_Open]) -> None:
        """Read what became of requests whose answers never came."""
        if not pending:
            return
        now = datetime.now(UTC).replace(tzinfo=None)
        latest = max(each.sent_at for each in pending)
        # A clock that was set back says that it is yet to be sent: nobody waits for that.
        seconds_ago = max(0.0, (now - latest).total_seconds())
        books = self._books(plan_id, run_id, pending)
        for (name, _), group in groupby(pending, key=_kind):
            attempts = books.readable([each.attempt for each in group])
            if not attempts:
                continue
            writes = [attempt.write for attempt in attempts]
            since = first_sent(attempts)
            earlier = books.made_earlier(attempts)
            schema = books.schemas[name]
            fates = find_fates(self.crm, schema, writes, since, seconds_ago, earlier)
            for attempt, fate in zip(attempts, fates, strict=True):
                if fate.state == "arrived":
                    books.note_written(attempt, fate.record_id)
                elif fate.state == "overtaken":
                    books.note_overtaken(attempt, fate.reason)
                else:
                    books.note_again(attempt, _nothing("the run died before it was sent"))
                    self.unsent += 1
        self._record(books)

    def _take(self, noted: OpenJob, job: Job, pending: Sequence[_Open]) -> None:
        books = self._books(noted.plan_id, noted.run_id, pending)
        left = take_answers(books, job, [each.attempt for each in pending])
        self.unsent += len(left.locked) + len(left.untouched)
        self._record(books)

    def _note_not_begun(self, noted: OpenJob, pending: Sequence[_Open]) -> None:
        books = self._books(noted.plan_id, noted.run_id, pending)
        for each in pending:
            books.note_again(each.attempt, _nothing("the run died before its job began"))
        self.unsent += len(pending)
        self._record(books)

    def _books(self, plan_id: str, run_id: str, pending: Sequence[_Open]) -> Books:
        for name in {each.attempt.write.object for each in pending} - self._schemas.keys():
            # Afresh: what the snapshot knew of the fields may not be so any more.
            try:
                self._schemas[name] = parse_describe(self.crm.describe(name))
            except CrmMissingObjectError:
                self._schemas[name] = ObjectSchema(name, {})
        books = Books(self.warehouse, self.crm, plan_id, run_id, self._schemas)
        books.resume([each.attempt for each in pending])
        if (plan_id, run_id) not in self._runs:
            self._runs.append((plan_id, run_id))
        return books

    def _record(self, books: Books) -> None:
        self.written += books.written
        self.failed += books.failed.total()
        with self.warehouse.connect() as connection:
            books.record_answers(connection)

    def finish_plans(self) -> None:
        """Bring the plans up to date of which anything was settled, or whose run died."""
        with self.warehouse.connect() as connection:
            connection.begin()
            for plan_id, run_id in dict.fromkeys([*self._runs, *unfinished_runs(connection)]):
                finish_plan(connection, plan_id, run_id, ended_early=True)
            connection.commit()

    def _close(self, noted: OpenJob, state: JobState) -> None:
        with self.warehouse.connect() as connection:
            close_job(connection, noted.job_id, state)


def _open_attempts(connection: DuckDBPyConnection) -> list[_Open]:
    return list(_read(connection.execute(_OPEN_ATTEMPTS).fetchall()))


def _read(rows: Sequence[tuple[Any, ...]]) -> Iterator[_Open]:
    for number, plan_id, run_id, name, operation, record_id, key, job_id, sent_at, old, new in rows:
        write = Write(
            object=name,
            operation=operation,
            record_id=record_id,
            external_key=key,
            old_values=orjson.loads(old),
            new_values=orjson.loads(new),
        )
        yield _Open(Attempt(number, write, sent_at), plan_id, run_id, job_id, sent_at)


def _of(pending: _Open) -> tuple[str, str]:
    return pending.plan_id, pending.run_id


def _kind(pending: _Open) -> tuple[str, str]:
    return pending.attempt.write.object, pending.attempt.write.operation


def _nothing(reason: str) -> RowResult:
    error = RowError("UNSENT", f"nothing of it arrived: {reason}", (), is_transient=True)
    return RowResult(False, None, (error,))
