"""Works on started jobs in the background, a batch of rows at a time, and survives a restart."""

import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from orchestration.local_org import bulk_csv, bulk_extract, bulk_jobs, faults, record_writes
from orchestration.local_org.bulk_csv import JobError, Table
from orchestration.local_org.bulk_jobs import Job, Row
from orchestration.local_org.errors import RowError, RowRejected
from orchestration.local_org.guard import Guard
from orchestration.local_org.org import Org
from orchestration.local_org.record_writes import Origin
from orchestration.local_org.schema import Field, SObject
from orchestration.local_org.store import quoted
from orchestration.local_org.writes import Saved, Writer

#: Rows that are saved together: what Salesforce hands to one round of triggers.
BATCH_ROWS = 200
_UNEXPECTED = "InternalServerError : An unexpected error occurred; see the org's log"


def begin(org: Org, job_id: str) -> None:
    """Let a thread of its own work on a job; a fault of ours ends that thread alone."""
    threading.Thread(target=run, args=(org, job_id), name=job_id, daemon=True).start()


def resume(org: Org) -> None:
    """Begin again what an earlier process of this org left unfinished."""
    with org.store.reading() as connection:
        waiting = bulk_jobs.unfinished(connection)
    for job in waiting:
        begin(org, job.job_id)


def run(org: Org, job_id: str) -> None:
    """Work on a job until it is final, whatever part of it was done before."""
    started = time.perf_counter()
    with org.store.writing() as connection:
        job = bulk_jobs.find(connection, job_id)
        if job is None or job.state not in {bulk_jobs.UPLOADED, bulk_jobs.RUNNING}:
            return
        job = bulk_jobs.change(connection, job, state=bulk_jobs.RUNNING)
        content = bulk_jobs.data(connection, job)
    try:
        if is_held(job):
            return
        if job.kind == bulk_jobs.QUERY:
            bulk_extract.extract(org, job)
        else:
            _Work(org, job, content or b"").finish()
        with org.store.writing() as connection:
            _end(connection, job_id, bulk_jobs.COMPLETE, started, org.now_text())
    except JobError as error:
        with org.store.writing() as connection:
            _end(connection, job_id, bulk_jobs.FAILED, started, org.now_text(), str(error))
    except Exception:
        with org.store.writing() as connection:
            _end(connection, job_id, bulk_jobs.FAILED, started, org.now_text(), _UNEXPECTED)
        raise  # the thread ends with its traceback in the org's log file


def is_held(job: Job) -> bool:
    """Whether a fault keeps the job in progress until it is told to go on."""
    return any(each.kind == "job_stays" for each in faults.load(job.faults))


def without_hold(job: Job) -> str:
    """Return the faults of a job that is let go."""
    return faults.dump([each for each in faults.load(job.faults) if each.kind != "job_stays"])


def leave_rest(connection: sqlite3.Connection, job: Job) -> None:
    """Note the rows that a job which is ended will never come to."""
    content = bulk_jobs.data(connection, job) or b""
    try:
        table = bulk_csv.read(content, job.line_ending, job.column_delimiter)
    except JobError:
        return  # the job says why; data that nobody can read has no rows
    rows = enumerate(table.rows[job.processed :], start=job.processed)
    untouched = (Row(at, bulk_jobs.UNTOUCHED, cells) for at, cells in rows)
    bulk_jobs.keep_rows(connection, job, untouched)


def result_rows(table: Table, fields: Sequence[Field]) -> list[list[str]]:
    """Return the cells that results show: only columns named exactly like their field [D]."""
    exact = [name == each.name for name, each in zip(table.header, fields, strict=True)]
    if all(exact):
        return table.rows
    return [
        [cell if kept else "" for cell, kept in zip(cells, exact, strict=True)]
        for cells in table.rows
    ]


class _Work:
    """One job being worked on."""

    def __init__(self, org: Org, job: Job, content: bytes) -> None:
        self._org = org
        self._job = job
        self._faults = faults.load(job.faults)
        self._table = bulk_csv.read(content, job.line_ending, job.column_delimiter)
        sobject = org.schema.find(job.object)
        if sobject is None:
            raise JobError(f"InvalidEntity : Entity '{job.object}' is not supported")
        self._sobject: SObject = sobject
        is_delete = job.operation == "delete"
        self._fields = bulk_csv.columns(sobject, self._table, only_ids=is_delete)
        self._shown = result_rows(self._table, self._fields)

    def finish(self) -> None:
        """Work through the batches; each is saved with its results, or not at all.

        A batch begins where the job stands: another thread may be at work on it too.
        """
        total = len(self._table.rows)
        while True:
            with self._org.store.writing() as connection:
                job = bulk_jobs.find(connection, self._job.job_id)
                if job is None or job.state != bulk_jobs.RUNNING or job.processed >= total:
                    return
                first = job.processed
                last = min(first + BATCH_ROWS, self._end_of_rows(first))
                outcome = self._batch(connection, first, last)
                bulk_jobs.keep_rows(connection, job, outcome)
                failed = sum(row.outcome == bulk_jobs.REFUSED for row in outcome)
                now = self._org.now_text()
                bulk_jobs.change(
                    connection, job, processed=last, failed=job.failed + failed, changed_at=now
                )

    def _end_of_rows(self, first: int) -> int:
        """Return where the rows end, or where a fault has the job end before.

        Raises:
            JobError: a fault has the job end here.
        """
        total = len(self._table.rows)
        for fault in self._faults:
            message = f"InternalServerError : {fault.message}"
            if fault.kind == "job_fails":
                raise JobError(message)
            if fault.kind == "job_partly":
                last = fault.after_rows or total // 2
                if first >= last:
                    raise JobError(message)
                total = min(total, last)
        return total

    def _batch(self, connection: sqlite3.Connection, first: int, last: int) -> list[Row]:
        records: dict[int, dict[str, Any]] = {}
        results: dict[int, tuple[Saved, bool]] = {}
        for at in range(first, last):
            try:
                records[at] = bulk_csv.record(self._fields, self._table.rows[at])
            except RowRejected as rejected:
                results[at] = (Saved(None, (rejected.error,)), False)
        writer = Writer(
            connection,
            self._org.schema,
            self._job.user_id,
            self._org.now_text(),
            Origin(self._job.started_by, record_writes.BULK, self._job.job_id),
            Guard(self._org.rules, self._faults),
        )
        results.update(self._save(writer, records))
        return [self._row(at, *results[at]) for at in range(first, last)]

    def _save(
        self, writer: Writer, records: Mapping[int, dict[str, Any]]
    ) -> dict[int, tuple[Saved, bool]]:
        operation, sobject = self._job.operation, self._sobject
        given = list(records.values())
        if operation == "upsert":
            return self._upsert(writer, records)
        if operation == "delete":
            saved = writer.delete(sobject, [each.get("Id") for each in given])
        elif operation == "insert":
            saved = writer.create(sobject, given)
        else:
            saved = writer.update(sobject, given)
        is_created = operation == "insert"
        return {at: (each, is_created) for at, each in zip(records, saved, strict=True)}

    def _upsert(
        self, writer: Writer, records: Mapping[int, dict[str, Any]]
    ) -> dict[int, tuple[Saved, bool]]:
        key = self._sobject.find(self._job.external_id_field or "")
        if key is None:
            raise JobError(f"InvalidBatch : Field name not found : {self._job.external_id_field}")
        holders = _holders(writer.connection, self._sobject, key, records.values())
        results: dict[int, tuple[Saved, bool]] = {}
        new: dict[int, dict[str, Any]] = {}
        known: dict[int, dict[str, Any]] = {}
        for at, record in records.items():
            value = record.get(key.name)
            found = holders.get(key.folded(value), [])
            if value is None:
                error = RowError("MISSING_ARGUMENT", f"{key.name} not specified")
                results[at] = (Saved(None, (error,)), False)
            elif len(found) > 1:
                message = f"{key.name}: more than one record found for external id field: {found}"
                results[at] = (Saved(None, (RowError("DUPLICATE_EXTERNAL_ID", message),)), False)
            elif found:
                rest = {name: one for name, one in record.items() if name != key.name}
                known[at] = {**rest, "id": found[0]}
            else:
                new[at] = record
        updated = writer.update(self._sobject, list(known.values()))
        created = writer.create(self._sobject, list(new.values()))
        results.update({at: (one, False) for at, one in zip(known, updated, strict=True)})
        results.update({at: (one, True) for at, one in zip(new, created, strict=True)})
        return results

    def _row(self, at: int, saved: Saved, is_created: bool) -> Row:
        cells = self._shown[at]
        if saved.is_success:
            return Row(at, bulk_jobs.SUCCESSFUL, cells, saved.record_id, is_created)
        error = "".join(_error_text(each) for each in saved.errors)
        return Row(at, bulk_jobs.REFUSED, cells, None, False, error)


def _end(
    connection: sqlite3.Connection,
    job_id: str,
    state: str,
    started: float,
    now: str,
    error_message: str | None = None,
) -> None:
    job = bulk_jobs.find(connection, job_id)
    if job is not None and job.state == bulk_jobs.RUNNING:
        if state == bulk_jobs.FAILED:
            leave_rest(connection, job)
        bulk_jobs.change(
            connection,
            job,
            state=state,
            error_message=error_message,
            changed_at=now,
            milliseconds=round((time.perf_counter() - started) * 1000),
        )


def _error_text(error: RowError) -> str:
    fields = f"{','.join(error.fields)} " if error.fields else ""
    return f"{error.code}:{error.message}:{fields}--"


def _holders(
    connection: sqlite3.Connection, sobject: SObject, key: Field, records: Any
) -> dict[str, list[str]]:
    """Return the ids of the live records that hold a key, by the key as Salesforce compares it."""
    wanted = [each[key.name] for each in records if each.get(key.name) is not None]
    found: dict[str, list[str]] = {}
    for value, record_id in connection.execute(
        f'select {quoted(key.name)}, "Id" from {quoted(sobject.name)} '
        f'where {quoted(key.name)} in (select value from json_each(?)) and "IsDeleted" = 0',
        (orjson.dumps(wanted).decode(),),
    ):
        found.setdefault(key.folded(value), []).append(record_id)
    return found
