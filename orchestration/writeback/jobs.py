"""Bulk jobs as the warehouse knows them: noted before their data is sent, closed after."""

from dataclasses import dataclass
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from orchestration.crm.client import JobState, Operation


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job whose answers were not fetched yet."""

    job_id: str
    plan_id: str
    run_id: str
    object: str
    operation: str
    records: int


def note_job(
    connection: DuckDBPyConnection,
    plan_id: str,
    run_id: str,
    job_id: str,
    object_name: str,
    operation: Operation,
    records: int,
) -> None:
    """Note a job that takes data, before it gets any."""
    connection.execute(
        "insert into writeback.jobs (job_id, plan_id, run_id, object, operation, state, records, "
        "opened_at) values (?, ?, ?, ?, ?, 'open', ?, ?)",
        [job_id, plan_id, run_id, object_name, operation, records, _now()],
    )


def close_job(connection: DuckDBPyConnection, job_id: str, state: JobState) -> None:
    """Note how a job ended, once every record of it has its outcome."""
    connection.execute(
        "update writeback.jobs set state = ?, closed_at = ? where job_id = ?",
        [state, _now(), job_id],
    )


def open_jobs(connection: DuckDBPyConnection) -> list[OpenJob]:
    """Return the jobs that nobody closed, the oldest first."""
    rows = connection.execute(
        "select job_id, plan_id, run_id, object, operation, records from writeback.jobs "
        "where closed_at is null order by opened_at, job_id"
    ).fetchall()
    return [OpenJob(*row) for row in rows]


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
