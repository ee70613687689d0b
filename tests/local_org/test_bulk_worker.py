"""Workers of jobs: what goes wrong ends the job, and two at one job do its work once."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestration.local_org import bulk_jobs, bulk_worker
from orchestration.local_org.bulk_jobs import Job
from orchestration.local_org.org import Org

ROWS = 1_000


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    opened = Org.open(tmp_path / "org.db")
    yield opened
    opened.store.close()


@pytest.fixture
def job(org: Org) -> Job:
    """A job that waits for its worker."""
    now = org.now_text()
    with org.store.writing() as connection:
        made = Job(
            job_id=bulk_jobs.new_id(connection),
            kind=bulk_jobs.INGEST,
            operation="insert",
            object="Contact",
            user_id=org.integration_user,
            created_at=now,
            changed_at=now,
            api_version="66.0",
            state=bulk_jobs.UPLOADED,
        )
        bulk_jobs.insert(connection, made)
        names = "".join(f"N{at}\n" for at in range(ROWS))
        bulk_jobs.keep_data(connection, made, f"LastName\n{names}".encode())
    return made


def count(org: Org, query: str) -> int:
    with org.store.reading() as connection:
        return int(connection.execute(query).fetchone()[0])


def state(org: Org, job: Job) -> Job:
    with org.store.reading() as connection:
        found = bulk_jobs.find(connection, job.job_id)
    assert found is not None
    return found


def test_a_job_fails_with_whatever_its_worker_meets(org: Org, job: Job) -> None:
    with org.store.writing() as connection:
        connection.execute('drop table "Contact"')
    with pytest.raises(sqlite3.OperationalError):
        bulk_worker.run(org, job.job_id)
    ended = state(org, job)
    assert (ended.state, ended.processed) == ("Failed", 0)
    assert (ended.error_message or "").startswith("InternalServerError : An unexpected error")
    assert count(org, "select count(*) from bulk_rows where outcome = 'unprocessed'") == ROWS


def test_two_workers_of_a_job_do_its_work_once(org: Org, job: Job) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: bulk_worker.run(org, job.job_id), range(2)))
    ended = state(org, job)
    assert (ended.state, ended.processed, ended.failed) == ("JobComplete", ROWS, 0)
    assert count(org, 'select count(*) from "Contact"') == ROWS
