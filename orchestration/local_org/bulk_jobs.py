"""Bulk jobs as the org keeps them: their state, their data, and what became of each row."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from orchestration.local_org import identifiers

INGEST, QUERY = "ingest", "query"
OPEN, UPLOADED, RUNNING = "Open", "UploadComplete", "InProgress"
COMPLETE, FAILED, ABORTED = "JobComplete", "Failed", "Aborted"
FINAL = frozenset({COMPLETE, FAILED, ABORTED})
SUCCESSFUL, REFUSED, UNTOUCHED, FOUND = "successful", "failed", "unprocessed", "found"

#: Spreads consecutive rows over the results: their order is promised to nobody [D].
_SCATTER, _SCATTER_MODULUS = 48_271, 65_521


@dataclass(frozen=True)
class Job:
    """One bulk job; `processed` includes `failed`, `started_by` is a request of the log."""

    job_id: str
    kind: str
    operation: str
    object: str
    user_id: str
    created_at: str
    changed_at: str
    api_version: str
    state: str = OPEN
    line_ending: str = "LF"
    column_delimiter: str = "COMMA"
    external_id_field: str | None = None
    soql: str | None = None
    processed: int = 0
    failed: int = 0
    error_message: str | None = None
    milliseconds: int = 0
    faults: str = "[]"
    started_by: int = 0

    def created_body(self) -> dict[str, Any]:
        """Return the job as the call that opened it, or changed its state, reports it."""
        body: dict[str, Any] = {
            "id": self.job_id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user_id,
            "createdDate": self.created_at,
            "systemModstamp": self.changed_at,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.api_version),
            "lineEnding": self.line_ending,
            "columnDelimiter": self.column_delimiter,
        }
        if self.external_id_field:
            body["externalIdFieldName"] = self.external_id_field
        if self.kind == INGEST and self.state == OPEN:
            body["contentUrl"] = (
                f"services/data/v{self.api_version}/jobs/ingest/{self.job_id}/batches"
            )
        return body

    def body(self) -> dict[str, Any]:
        """Return the job as whoever asks for it sees it."""
        body = {
            **self.created_body(),
            "jobType": "V2Ingest" if self.kind == INGEST else "V2Query",
            "numberRecordsProcessed": self.processed,
            "retries": 0,
            "totalProcessingTime": self.milliseconds,
        }
        if self.kind == INGEST:
            body["numberRecordsFailed"] = self.failed
            body["apiActiveProcessingTime"] = self.milliseconds
            body["apexProcessingTime"] = 0
        if self.error_message is not None:
            body["errorMessage"] = self.error_message
        return body


@dataclass(frozen=True)
class Row:
    """What became of one data row; `cells` are its values as they were sent."""

    number: int
    outcome: str
    cells: list[str]
    record_id: str | None = None
    is_created: bool = False
    error: str | None = None


def new_id(connection: sqlite3.Connection) -> str:
    """Return the id of the next job."""
    (number,) = connection.execute(
        "insert into id_numbers values ('bulk_job', 1) "
        "on conflict (object) do update set last = last + 1 returning last"
    ).fetchone()
    return identifiers.build("750", int(number))


def insert(connection: sqlite3.Connection, job: Job) -> None:
    """Keep a new job."""
    row = asdict(job)
    marks = ", ".join(f":{name}" for name in row)
    connection.execute(f"insert into bulk_jobs ({', '.join(row)}) values ({marks})", row)


def change(connection: sqlite3.Connection, job: Job, **changes: Any) -> Job:
    """Change a job and return it as it is now."""
    changed = replace(job, **changes)
    assignments = ", ".join(f"{name} = :{name}" for name in changes)
    connection.execute(
        f"update bulk_jobs set {assignments} where job_id = :job_id", asdict(changed)
    )
    return changed


def find(connection: sqlite3.Connection, job_id: str, kind: str | None = None) -> Job | None:
    """Return a job, of any kind or of one; 15 characters of its id will do."""
    wanted = identifiers.canonical(job_id)
    found = _read(connection, "job_id = ? and kind = coalesce(?, kind)", (wanted, kind))
    return next(iter(found), None)


def listed(connection: sqlite3.Connection, kind: str) -> list[Job]:
    """Return all jobs of a kind, the newest first."""
    return _read(connection, "kind = ? order by job_id desc", (kind,))


def unfinished(connection: sqlite3.Connection) -> list[Job]:
    """Return the jobs that were begun and did not end."""
    return _read(connection, "state in (?, ?) order by job_id", (UPLOADED, RUNNING))


def delete(connection: sqlite3.Connection, job: Job) -> None:
    """Forget a job, its data and its results."""
    for table in ("bulk_jobs", "bulk_data", "bulk_rows"):
        connection.execute(f"delete from {table} where job_id = ?", (job.job_id,))


def keep_data(connection: sqlite3.Connection, job: Job, content: bytes) -> bool:
    """Keep the data of a job; False if it has some already."""
    return bool(
        connection.execute(
            "insert or ignore into bulk_data values (?, ?)", (job.job_id, content)
        ).rowcount
    )


def data(connection: sqlite3.Connection, job: Job) -> bytes | None:
    """Return the data of a job, or None if it never got any."""
    row = connection.execute(
        "select content from bulk_data where job_id = ?", (job.job_id,)
    ).fetchone()
    return bytes(row[0]) if row else None


def keep_rows(connection: sqlite3.Connection, job: Job, rows: Iterable[Row]) -> None:
    """Keep what became of rows."""
    connection.executemany(
        "insert or replace into bulk_rows values (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                job.job_id,
                row.number,
                row.outcome,
                row.record_id,
                row.is_created,
                row.error,
                orjson.dumps(row.cells).decode(),
            )
            for row in rows
        ),
    )


def rows(connection: sqlite3.Connection, job: Job, outcome: str) -> Iterator[Row]:
    """Yield the rows of one outcome, not in the order in which they were sent."""
    for number, record_id, is_created, error, cells in connection.execute(
        f"select row_number, record_id, is_created, error, cells from bulk_rows "
        f"where job_id = ? and outcome = ? "
        f"order by ((row_number + 1) * {_SCATTER}) % {_SCATTER_MODULUS}, row_number",
        (job.job_id, outcome),
    ):
        yield Row(number, outcome, orjson.loads(cells), record_id, bool(is_created), error)


def page(connection: sqlite3.Connection, job: Job, offset: int, most: int) -> list[list[str]]:
    """Return the cells of what a query job found, from a row on, in the order of the query."""
    found = connection.execute(
        "select cells from bulk_rows where job_id = ? and row_number >= ? and outcome = ? "
        "order by row_number limit ?",
        (job.job_id, offset, FOUND, most),
    )
    return [orjson.loads(cells) for (cells,) in found]


def _read(
    connection: sqlite3.Connection, condition: str, parameters: tuple[str | None, ...]
) -> list[Job]:
    cursor = connection.execute(f"select * from bulk_jobs where {condition}", parameters)
    names = [column[0] for column in cursor.description]
    return [Job(**dict(zip(names, row, strict=True))) for row in cursor]
