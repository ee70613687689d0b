"""Bulk API 2.0 ingest jobs: `/jobs/ingest…`, from opening a job to its three result sets."""

from collections.abc import Iterable, Sequence
from typing import Any

from orchestration.local_org import bulk_csv, bulk_jobs, bulk_worker, faults
from orchestration.local_org.bulk_jobs import Job
from orchestration.local_org.calls import Call, Reply, not_found
from orchestration.local_org.errors import ApiError
from orchestration.local_org.schema import SObject

#: 150 MB after the growth of base64, which Salesforce counts [D].
MAX_BYTES = 150_000_000 * 2 // 3
CSV = {"Content-Type": "text/csv"}  # without a charset, as live orgs answer [G]
_OPERATIONS = frozenset({"insert", "update", "upsert", "delete"})
_STATES = {bulk_jobs.COMPLETE: "Completed", bulk_jobs.UPLOADED: "Closed"}


def create(call: Call) -> Reply:
    """Answer `POST /jobs/ingest`: an open job, in which nothing happens yet."""
    data = call.record()
    operation = data.get("operation")
    if operation == "hardDelete":
        message = "hardDelete is not enabled for your user or organization"
        raise ApiError(400, "FEATURENOTENABLED", message)
    if operation not in _OPERATIONS:
        raise ApiError(400, "INVALIDOPERATION", f"Operation {operation} is not supported")
    sobject = _sobject(call, data.get("object"))
    if data.get("contentType", "CSV") != "CSV":
        raise ApiError(400, "INVALIDCONTENTTYPE", "contentType must be CSV")
    line_ending = _one_of(data, "lineEnding", bulk_csv.LINE_ENDINGS, "LF")
    delimiter = _one_of(data, "columnDelimiter", bulk_csv.DELIMITERS, "COMMA")
    key = _external_id(sobject, data) if operation == "upsert" else None
    now = call.org.now_text()
    with call.org.store.writing() as connection:
        job = Job(
            job_id=bulk_jobs.new_id(connection),
            kind=bulk_jobs.INGEST,
            operation=operation,
            object=sobject.name,
            user_id=call.user_id,
            created_at=now,
            changed_at=now,
            api_version=call.path["version"],
            line_ending=line_ending,
            column_delimiter=delimiter,
            external_id_field=key,
        )
        bulk_jobs.insert(connection, job)
    return Reply(content=job.created_body())


def list_jobs(call: Call) -> Reply:
    """Answer `GET /jobs/ingest`."""
    with call.org.store.reading() as connection:
        jobs = bulk_jobs.listed(connection, bulk_jobs.INGEST)
    records = [job.created_body() | {"jobType": "V2Ingest"} for job in jobs]
    return Reply(content={"done": True, "nextRecordsUrl": None, "records": records})


def get(call: Call) -> Reply:
    """Answer `GET /jobs/ingest/{id}`."""
    with call.org.store.reading() as connection:
        return Reply(content=_found(call, connection).body())


def upload(call: Call) -> Reply:
    """Answer `PUT /jobs/ingest/{id}/batches`: 201; a job takes data once."""
    if len(call.body) > MAX_BYTES:
        raise ApiError(400, "CLIENTINPUTERROR", f"Data is larger than {MAX_BYTES} bytes")
    with call.org.store.writing() as connection:
        job = _found(call, connection)
        if job.state != bulk_jobs.OPEN:
            raise ApiError(400, "INVALIDJOBSTATE", f"Job is not open: {job.state}")
        if not bulk_jobs.keep_data(connection, job, call.body):
            message = (
                f"Found multiple contents for job: <{job.job_id}>, please 'Close' / 'Abort' / "
                f"'Delete' the current Job then create a new Job and make sure you only do 'PUT' "
                f"once on a given Job."
            )
            raise ApiError(400, "CLIENTINPUTERROR", message)
    return Reply(201, raw=b"", records=_row_count(call.body))


def set_state(call: Call) -> Reply:
    """Answer `PATCH /jobs/ingest/{id}`: `UploadComplete` starts the job, `Aborted` ends it."""
    wanted = call.record().get("state")
    if wanted not in {bulk_jobs.UPLOADED, bulk_jobs.ABORTED}:
        raise ApiError(400, "INVALIDJOBSTATE", f"A job cannot be set to state {wanted}")
    with call.org.store.writing() as connection:
        job = _found(call, connection)
        is_allowed = (
            job.state == bulk_jobs.OPEN
            if wanted == bulk_jobs.UPLOADED
            else job.state not in bulk_jobs.FINAL
        )
        if not is_allowed:
            word = "Closing" if wanted == bulk_jobs.UPLOADED else "Aborting"
            state = _STATES.get(job.state, job.state)
            raise ApiError(400, "INVALIDJOBSTATE", f"{word} already {state} Job not allowed")
        if wanted == bulk_jobs.ABORTED:
            bulk_worker.leave_rest(connection, job)
        job = bulk_jobs.change(
            connection,
            job,
            state=wanted,
            changed_at=call.org.now_text(),
            started_by=call.request_id,
            faults=faults.dump(call.faults),
        )
    if wanted == bulk_jobs.UPLOADED:
        bulk_worker.begin(call.org, job.job_id)
    return Reply(content=job.created_body())


def delete(call: Call) -> Reply:
    """Answer `DELETE /jobs/ingest/{id}`: 204; a job that is open or running stays."""
    with call.org.store.writing() as connection:
        job = _found(call, connection)
        if job.state in {bulk_jobs.OPEN, bulk_jobs.RUNNING}:
            message = f"Deleting a job in state {job.state} is not allowed"
            raise ApiError(400, "INVALIDJOBSTATE", message)
        bulk_jobs.delete(connection, job)
    return Reply(204)


def successful_results(call: Call) -> Reply:
    """Answer `GET /jobs/ingest/{id}/successfulResults`."""
    return _results(call, bulk_jobs.SUCCESSFUL, ("sf__Id", "sf__Created"))


def failed_results(call: Call) -> Reply:
    """Answer `GET /jobs/ingest/{id}/failedResults`; the id of a failed row is empty."""
    return _results(call, bulk_jobs.REFUSED, ("sf__Id", "sf__Error"))


def unprocessed_records(call: Call) -> Reply:
    """Answer `GET /jobs/ingest/{id}/unprocessedRecords`: rows that the job never came to."""
    return _results(call, bulk_jobs.UNTOUCHED, ())


def _results(call: Call, outcome: str, extra: Sequence[str]) -> Reply:
    with call.org.store.reading() as connection:
        job = _found(call, connection)
        if job.state not in bulk_jobs.FINAL:
            message = f"Results are not available while the job is in state {job.state}"
            raise ApiError(400, "INVALIDJOBSTATE", message)
        data = bulk_jobs.data(connection, job) or b""
        header = bulk_csv.header(data, job.column_delimiter)
        rows = list(bulk_jobs.rows(connection, job, outcome))
    lines: Iterable[list[str]]
    if outcome == bulk_jobs.SUCCESSFUL:
        lines = ([row.record_id or "", str(row.is_created).lower(), *row.cells] for row in rows)
    elif outcome == bulk_jobs.REFUSED:
        lines = (["", row.error or "", *row.cells] for row in rows)
    else:
        lines = (row.cells for row in rows)
    content = bulk_csv.write([*extra, *header], lines)
    return Reply(raw=content, headers=CSV, records=len(rows))


def _row_count(content: bytes) -> int:
    """Return about how many rows were sent, for the request log: lines without the header."""
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    return max(0, lines - 1)


def _found(call: Call, connection: Any) -> Job:
    job = bulk_jobs.find(connection, call.path["job"], bulk_jobs.INGEST)
    if job is None:
        raise not_found()
    return job


def _sobject(call: Call, name: object) -> SObject:
    found = call.org.schema.find(name) if isinstance(name, str) else None
    if found is None or found.union_of:
        message = f"Entity '{name}' is not supported by the Bulk API."
        raise ApiError(400, "INVALIDENTITY", message)
    return found


def _one_of(data: dict[str, Any], key: str, known: Iterable[str], default: str) -> str:
    given = data.get(key, default)
    if given not in known:
        raise ApiError(400, "INVALIDJOB", f"{key} must be one of {', '.join(known)}")
    return str(given)


def _external_id(sobject: SObject, data: dict[str, Any]) -> str:
    name = data.get("externalIdFieldName")
    found = sobject.find(name) if isinstance(name, str) else None
    if found is None or not found.external_id:
        message = f"External ID field {name} does not exist on {sobject.name}"
        raise ApiError(400, "INVALIDJOB", message)
    return found.name
