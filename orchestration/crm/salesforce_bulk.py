"""Bulk API 2.0 ingest jobs behind the `BulkJobs` Protocol."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import requests

from orchestration.crm.bulk_csv import from_csv, to_csv
from orchestration.crm.client import (
    CrmMissingJobError,
    CrmMissingObjectError,
    CrmRequestError,
    CrmUnavailableError,
    Job,
    JobRow,
    JobState,
    Operation,
    Record,
    RowResult,
    TooLargeError,
)
from orchestration.crm.salesforce_errors import bulk_row_errors
from orchestration.crm.salesforce_values import check_ids, ids_of, to_json
from orchestration.crm.transport import JobPatience

#: At 2,000 bytes a record, far above what mapped fields weigh, an upload stays under its limit.
ROWS_PER_JOB = 50_000

JSON = "application/json"
CSV = "text/csv; charset=UTF-8"

_JOBS = "jobs/ingest"
_OPERATIONS: Mapping[Operation, str] = {"update": "update", "create": "insert", "delete": "delete"}
_STATES: Mapping[str, JobState] = {
    "Open": "open",
    "UploadComplete": "started",
    "InProgress": "started",
    "JobComplete": "done",
    "Failed": "failed",
    "Aborted": "aborted",
}
_FINAL_STATES: frozenset[JobState] = frozenset({"done", "failed", "aborted"})
_SUCCESSES, _FAILURES, _UNPROCESSED = "successfulResults", "failedResults", "unprocessedrecords"


class Send(Protocol):
    """Sends one request to the org, with the session's token; refusals become our own errors."""

    def __call__(
        self,
        what: str,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = JSON,
    ) -> requests.Response:
        """Return the answer; `what` is for messages."""
        ...


class SalesforceJobs:
    """Bulk jobs of one org, over the session that all its requests use."""

    def __init__(self, send: Send, patience: JobPatience) -> None:
        self._send_request = send
        self._patience = patience

    @property
    def rows_per_job(self) -> int:
        """What one job may carry; an upload is limited in bytes, too."""
        return ROWS_PER_JOB

    def open(self, object_name: str, operation: Operation) -> str:
        """Open a job and return its id.

        Raises:
            CrmUnavailableError: no answer; there may be an open job without data, which Salesforce
                drops after seven days.
        """
        job = {
            "object": object_name,
            "operation": _OPERATIONS[operation],
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        answer = self._send_request(f"open a job for {object_name}", "POST", _JOBS, to_json(job))
        return _job(answer).id

    def upload(self, job_id: str, records: Sequence[Record]) -> None:
        """Give an open job its records; None clears a field, an absent key leaves it untouched.

        Raises:
            TooLargeError: too many records or bytes.
            UnfitRowsError: values that CSV cannot carry.
            CrmUnavailableError: no answer; abort the job and open another.
        """
        if not 0 < len(records) <= ROWS_PER_JOB:
            raise TooLargeError(
                f"{len(records)} records in one bulk job; it takes 1 to {ROWS_PER_JOB}"
            )
        if any("Id" in record for record in records):
            check_ids(ids_of(records))
        answer = self._send("upload", "PUT", job_id, "/batches", to_csv(records), CSV)
        if answer.status_code != 201:
            raise CrmUnavailableError(
                f"upload of bulk job {job_id}: Salesforce answered {answer.status_code}, not 201"
            )

    def start(self, job_id: str) -> None:
        """Have the job begin; a job that began already is left as it is."""
        self._become(job_id, "UploadComplete", {"started", "done", "failed"})

    def abort(self, job_id: str) -> None:
        """End a job; what it did already stays done, and a job that has ended is left as it is."""
        self._become(job_id, "Aborted", _FINAL_STATES)

    def state(self, job_id: str) -> Job:
        """Ask once how the job stands.

        Raises:
            CrmMissingJobError: Salesforce has forgotten it.
        """
        return _job(self._send("state", "GET", job_id))

    def wait(self, job_id: str, records: int) -> Job:
        """Ask until the job has ended; the first question waits as long as `records` need.

        Raises:
            CrmUnavailableError: not within the deadline; the job goes on nevertheless.
        """
        patience = self._patience
        deadline = time.monotonic() + patience.deadline
        pause = patience.first_wait + records / patience.rows_per_second
        while True:
            time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
            job = self.state(job_id)
            if job.state in _FINAL_STATES:
                return job
            if time.monotonic() >= deadline:
                raise CrmUnavailableError(
                    f"bulk job {job_id} has not ended within {patience.deadline:.0f} seconds; "
                    f"Salesforce goes on with it"
                )
            pause = min(pause * patience.growth, patience.longest_wait)

    def results(self, job_id: str) -> Iterator[JobRow]:
        """Yield what became of every record; all three sets are fetched before the first row."""
        sets = {
            name: self._send("results", "GET", job_id, f"/{name}").content
            for name in (_SUCCESSES, _FAILURES, _UNPROCESSED)
        }
        return (_job_row(name, row) for name, body in sets.items() for row in from_csv(body))

    def _become(
        self, job_id: str, state: str, good_enough: frozenset[JobState] | set[JobState]
    ) -> None:
        try:
            self._send("state", "PATCH", job_id, body=to_json({"state": state}))
        except (CrmUnavailableError, CrmRequestError):
            # A lost answer, or the refusal of a second request: the job itself knows.
            if self.state(job_id).state not in good_enough:
                raise

    def _send(
        self,
        what: str,
        method: str,
        job_id: str,
        path: str = "",
        body: bytes | None = None,
        content_type: str = JSON,
    ) -> requests.Response:
        said = f"{what} of bulk job {job_id}"
        try:
            return self._send_request(said, method, f"{_JOBS}/{job_id}{path}", body, content_type)
        except CrmMissingObjectError:
            raise CrmMissingJobError(
                f"{said}: Salesforce does not know it; it keeps jobs for seven days"
            ) from None


def _job(answer: requests.Response) -> Job:
    try:
        told: dict[str, Any] = answer.json()
        return Job(
            id=told["id"],
            state=_STATES[told["state"]],
            processed=int(told.get("numberRecordsProcessed") or 0),
            failed=int(told.get("numberRecordsFailed") or 0),
            error=told.get("errorMessage") or None,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CrmUnavailableError("Salesforce's answer does not describe a bulk job") from None


def _job_row(name: str, row: Mapping[str, str]) -> JobRow:
    columns = {column: value for column, value in row.items() if not column.startswith("sf__")}
    if name == _UNPROCESSED:
        return JobRow(columns, None)
    errors = bulk_row_errors(row.get("sf__Error", "")) if name == _FAILURES else ()
    return JobRow(columns, RowResult(name == _SUCCESSES, row.get("sf__Id") or None, errors))
