"""Bulk API 2.0 query jobs: `/jobs/query…`, from a query to the pages of its results."""

import sqlite3

from orchestration.local_org import (
    bulk_csv,
    bulk_extract,
    bulk_jobs,
    bulk_worker,
    faults,
    soql_compiler,
)
from orchestration.local_org.bulk_jobs import Job
from orchestration.local_org.calls import Call, Reply, not_found
from orchestration.local_org.errors import ApiError

MAX_RECORDS = 250_000
CSV = {"Content-Type": "text/csv"}


def create(call: Call) -> Reply:
    """Answer `POST /jobs/query`: the job begins at once."""
    data = call.record()
    operation, soql = data.get("operation"), data.get("query")
    if operation not in {"query", "queryAll"}:
        raise ApiError(400, "INVALIDOPERATION", f"Operation {operation} is not supported")
    if not isinstance(soql, str) or not soql:
        raise ApiError(400, "INVALIDJOB", "A query string has to be specified")
    query = soql_compiler.compile_query(
        call.org.schema, soql, include_deleted=operation == "queryAll"
    )
    if query.is_count or query.aggregates:
        raise ApiError(400, "INVALIDJOB", "Aggregate queries are not supported by the Bulk API")
    now = call.org.now_text()
    with call.org.store.writing() as connection:
        job = Job(
            job_id=bulk_jobs.new_id(connection),
            kind=bulk_jobs.QUERY,
            operation=operation,
            object=query.shape.type_name,
            user_id=call.user_id,
            created_at=now,
            changed_at=now,
            api_version=call.path["version"],
            state=bulk_jobs.UPLOADED,
            soql=soql,
            faults=faults.dump(call.faults),
            started_by=call.request_id,
        )
        bulk_jobs.insert(connection, job)
    bulk_worker.begin(call.org, job.job_id)
    return Reply(content=job.created_body())


def list_jobs(call: Call) -> Reply:
    """Answer `GET /jobs/query`."""
    with call.org.store.reading() as connection:
        jobs = bulk_jobs.listed(connection, bulk_jobs.QUERY)
    records = [job.created_body() | {"jobType": "V2Query"} for job in jobs]
    return Reply(content={"done": True, "nextRecordsUrl": None, "records": records})


def get(call: Call) -> Reply:
    """Answer `GET /jobs/query/{id}`."""
    with call.org.store.reading() as connection:
        return Reply(content=_found(call, connection).body())


def abort(call: Call) -> Reply:
    """Answer `PATCH /jobs/query/{id}`: a query job can only be aborted."""
    with call.org.store.writing() as connection:
        job = _found(call, connection)
        if call.record().get("state") != bulk_jobs.ABORTED or job.state in bulk_jobs.FINAL:
            raise ApiError(400, "INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
        job = bulk_jobs.change(
            connection, job, state=bulk_jobs.ABORTED, changed_at=call.org.now_text()
        )
    return Reply(content=job.created_body())


def delete(call: Call) -> Reply:
    """Answer `DELETE /jobs/query/{id}`: 204."""
    with call.org.store.writing() as connection:
        job = _found(call, connection)
        if job.state not in bulk_jobs.FINAL:
            message = f"Deleting a job in state {job.state} is not allowed"
            raise ApiError(400, "INVALIDJOBSTATE", message)
        bulk_jobs.delete(connection, job)
    return Reply(204)


def results(call: Call) -> Reply:
    """Answer `GET /jobs/query/{id}/results?maxRecords=…&locator=…`; 409 while it runs."""
    with call.org.store.reading() as connection:
        job = _found(call, connection)
        if job.state != bulk_jobs.COMPLETE or call.path["version"] != job.api_version:
            message = f"Results of job {job.job_id} are not available: {job.state}"
            raise ApiError(409, "INVALIDJOBSTATE", message)
        offset = _number(call, "locator", 0)
        most = min(_number(call, "maxRecords", MAX_RECORDS), MAX_RECORDS)
        rows = bulk_jobs.page(connection, job, offset, most)
    header = [
        name for name, _, _ in bulk_extract.columns(bulk_extract.compiled(call.org, job).shape)
    ]
    following = offset + len(rows)
    headers = {
        **CSV,
        "Sforce-NumberOfRecords": str(len(rows)),
        "Sforce-Locator": str(following) if following < job.processed else "null",
    }
    return Reply(raw=bulk_csv.write(header, rows), headers=headers, records=len(rows))


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name) or str(default)
    if not text.isdigit():
        raise ApiError(400, "INVALIDLOCATOR", f"{name} is no number: {text}")
    return int(text)


def _found(call: Call, connection: sqlite3.Connection) -> Job:
    job = bulk_jobs.find(connection, call.path["job"], bulk_jobs.QUERY)
    if job is None:
        raise not_found()
    return job
