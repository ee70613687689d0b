"""Sending by bulk job: ask what moved, open, note, upload, start, wait, match the answers (K3)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from orchestration.crm.client import (
    CrmError,
    CrmUnavailableError,
    Job,
    Operation,
    RowError,
    RowResult,
    TooLargeError,
    UnfitRowsError,
)
from orchestration.crm.snapshot import OVERLAP
from orchestration.writeback.books import Attempt, Books
from orchestration.writeback.bulk_answers import take_answers
from orchestration.writeback.jobs import close_job, note_job
from orchestration.writeback.moved import moved_since
from orchestration.writeback.sending_collections import CollectionsSending
from orchestration.writeback.writes import Group, Write

#: A step of a job that surely did nothing is tried this often in all; so is a job.
ATTEMPTS = 3

#: Rows that a job could not lock, or did not come to, go by Collections up to this many.
ROWS_FOR_COLLECTIONS = 2_000


class BulkSending:
    """One pass over writes of one object and operation, in as few jobs as possible.

    `until`: up to when the plan knows the records, by the org's clock.
    """

    def __init__(self, books: Books, object_name: str, until: datetime) -> None:
        self._books = books
        self._object_name = object_name
        self._until = until
        self._left: list[Write] = []

    def send(self, group: Group) -> None:
        """Send everything by jobs, then by Collections what these could not do.

        What moved is asked once, before the first job: after it, the answer would have all that
        this run wrote itself.
        """
        moved_keys = self._leave_moved_alone(group, group.operation)
        remaining = (write for write in group if write.key not in moved_keys)
        while part := list(islice(remaining, self._books.crm.jobs.rows_per_job)):
            self._send_part(part)
        if self._left and not self._books.stopped_because:
            few, self._left = self._left[:ROWS_FOR_COLLECTIONS], self._left[ROWS_FOR_COLLECTIONS:]
            CollectionsSending(self._books).send(few)
        if self._left:
            self._books.stop(
                f"write {self._left[0].object}: {len(self._left):,} records were locked, or not "
                f"reached by their job. The next run sends them."
            )

    def _send_part(self, part: Sequence[Write]) -> None:
        """Send by one job; where it surely did nothing, by another one."""
        rows: Sequence[Write] = part
        for attempt in range(ATTEMPTS):
            if rows and rows[0].operation == "create":
                rows = self._books.complete(rows)
            elif rows and attempt:
                # The job before took its time: somebody may have moved them meanwhile.
                moved_keys = self._leave_moved_alone(rows, rows[0].operation)
                rows = [write for write in rows if write.key not in moved_keys]
            if not rows or self._books.stopped_because:
                return
            rows = self._send_job(rows)
        self._left += rows

    def _send_job(self, rows: Sequence[Write]) -> Sequence[Write]:
        """Send by one job; return the writes that it did not touch and that may be sent again."""
        books = self._books
        try:
            job_id = self._open(rows)
        except CrmError as error:
            books.stop(str(error))
            return []
        with books.sending(rows, job_id) as attempts:
            try:
                if not self._upload(job_id, attempts):
                    return rows
            except UnfitRowsError as error:
                # JSON carries what CSV cannot: those rows go by Collections, the others by a job.
                self._give_up(job_id, attempts, "the job would have had rows that CSV cannot carry")
                unfit = set(error.rows)
                self._left += [row for place, row in enumerate(rows) if place in unfit]
                return [row for place, row in enumerate(rows) if place not in unfit]
            except TooLargeError:
                # More bytes than a job takes: two jobs of half the size.
                self._give_up(job_id, attempts, "more than a job takes")
                half = len(rows) // 2
                if not half:
                    self._left += rows
                    return []
            else:
                return self._run(job_id, attempts)
        self._send_part(rows[:half])
        self._send_part(rows[half:])
        return []

    def _open(self, writes: Sequence[Write]) -> str:
        """Open a job and note it; one that was opened without our knowing stays empty."""
        books, first = self._books, writes[0]
        for left in reversed(range(ATTEMPTS)):
            try:
                job_id = books.crm.jobs.open(first.object, first.operation)
                break
            except CrmUnavailableError:
                if not left:
                    raise
        with books.warehouse.connect() as connection:
            note_job(
                connection, books.plan_id, books.run_id, job_id,
                first.object, first.operation, len(writes),
            )  # fmt: skip
        books.jobs.append(job_id)
        return job_id

    def _leave_moved_alone(self, writes: Iterable[Write], operation: Operation) -> set[str]:
        """Ask what moved and note it; return the keys of those records."""
        books, since = self._books, self._until - OVERLAP
        if operation == "create" or books.stopped_because:
            return set()
        try:
            moved = moved_since(books.crm, books.schemas[self._object_name], writes, since)
        except CrmError as error:
            books.stop(str(error))
            return set()
        books.leave_alone(moved)
        return {record.record_id for record in moved}

    def _upload(self, job_id: str, attempts: Sequence[Attempt]) -> bool:
        """Give the job its records; False if it was given up: it never began, nothing happened."""
        books = self._books
        schema = books.schemas[attempts[0].write.object]
        records = [
            {"Id": attempt.write.record_id}
            if attempt.write.operation == "delete"
            else attempt.write.as_record(schema)
            for attempt in attempts
        ]
        try:
            books.crm.jobs.upload(job_id, records)
        except CrmUnavailableError as error:
            self._give_up(job_id, attempts, str(error))
            return False
        except CrmError as error:
            books.stop(str(error))
            self._give_up(job_id, attempts, str(error))
            return False
        return True

    def _give_up(self, job_id: str, attempts: Sequence[Attempt], reason: str) -> None:
        self._abort(job_id)
        result = RowResult(False, None, (RowError("UNAVAILABLE", reason, (), is_transient=True),))
        for attempt in attempts:
            self._books.note_again(attempt, result)

    def _abort(self, job_id: str) -> None:
        """End a job that never began; where that is not answered it stays open, and empty-handed.

        It is noted as open then, and whoever settles next aborts it.
        """
        books = self._books
        try:
            books.crm.jobs.abort(job_id)
        except CrmError as error:
            books.stop(str(error))
            return
        with books.warehouse.connect() as connection:
            close_job(connection, job_id, "aborted")

    def _run(self, job_id: str, attempts: Sequence[Attempt]) -> Sequence[Write]:
        books = self._books
        try:
            job = self._start_and_wait(job_id, len(attempts))
            left = take_answers(books, job, attempts)
        except CrmError as error:
            # It may be at work still, or done: whoever settles asks for it by its id.
            books.stop(str(error))
            return []
        with books.warehouse.connect() as connection:
            books.record_answers(connection)
            close_job(connection, job_id, job.state)
        self._left += left.locked
        return left.untouched

    def _start_and_wait(self, job_id: str, records: int) -> Job:
        jobs = self._books.crm.jobs
        for left in reversed(range(ATTEMPTS)):
            try:
                jobs.start(job_id)
                break
            except CrmUnavailableError:
                if not left:
                    raise
        return jobs.wait(job_id, records)
