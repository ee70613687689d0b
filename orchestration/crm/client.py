"""What Touchline asks of a CRM: one Protocol, its plain data and its exceptions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

#: A record as the CRM sends or takes it: API field name to JSON value.
Record = Mapping[str, Any]


class CrmError(RuntimeError):
    """The CRM could not do what was asked; the message carries neither secrets nor bodies.

    `code` is the CRM's own error code where it gave one, else ours.
    """

    code = "UNKNOWN"

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code or self.code


class CrmLoginError(CrmError):
    """The CRM refused the login, or refused the session again right after a new login."""

    code = "LOGIN"


class CrmUnavailableError(CrmError):
    """No usable answer, after every retry that was allowed; what was sent may have arrived."""

    code = "UNAVAILABLE"


class CrmMissingJobError(CrmError):
    """The CRM knows no such bulk job (any more): Salesforce keeps them for seven days."""

    code = "MISSING_JOB"


class CrmLimitError(CrmError):
    """The org's daily allowance of API calls is used up: come back later, do not retry."""

    code = "LIMIT"


class CrmMissingObjectError(CrmError):
    """The object does not exist in this org, or the login may not see it."""

    code = "MISSING_OBJECT"


class CrmForbiddenError(CrmError):
    """The CRM refuses what this login asks, whatever is in it: the API is off, a right is gone."""

    code = "FORBIDDEN"


class CrmRequestError(CrmError):
    """The CRM refused a whole request, perhaps because of one of its records."""

    code = "REFUSED"


class TooLargeError(ValueError):
    """More records or bytes than one job takes; nothing was sent."""


class UnfitRowsError(ValueError):
    """Records with a value that a job's CSV cannot carry; nothing was sent.

    `rows`: their places among the records.
    """

    def __init__(self, message: str, rows: Sequence[int]) -> None:
        super().__init__(message)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class RowError:
    """Why the CRM refused one record. `is_transient`: the same write may succeed later."""

    code: str
    message: str
    fields: tuple[str, ...]
    is_transient: bool


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one record, at the position at which it was sent.

    `id` is the record's id where the CRM named it (failures often carry none).
    """

    success: bool
    id: str | None
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class CallCounts:
    """HTTP requests really made, retries included."""

    login: int = 0
    read: int = 0
    write: int = 0

    def __sub__(self, earlier: "CallCounts") -> "CallCounts":
        """Return the calls made since `earlier`."""
        return CallCounts(
            self.login - earlier.login, self.read - earlier.read, self.write - earlier.write
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The org's daily allowance of API calls, and what is left of it."""

    daily_calls: int
    daily_calls_left: int


#: What a bulk job does with its records.
Operation = Literal["update", "create", "delete"]

#: `open`: takes data, nothing happens yet; `started`: being worked on; the others are final.
JobState = Literal["open", "started", "done", "failed", "aborted"]


@dataclass(frozen=True, slots=True)
class Job:
    """A bulk job as the CRM tells of it; `processed` includes those that failed."""

    id: str
    state: JobState
    processed: int
    failed: int
    error: str | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """What became of one record of a bulk job; answers come in any order.

    `columns` are the record's values as they were sent, as text, to know it by. `result` is None
    where the job ended before it came to the record: nothing was done with it.
    """

    columns: Mapping[str, str]
    result: RowResult | None


class BulkJobs(Protocol):
    """Jobs that work on many records in the background, for few calls.

    The order that survives a crash: `open`, note the id, `upload`, `start`. Before `start` nothing
    happens to any record, so a job whose fate is unknown is either asked for by its id, or
    aborted.
    """

    @property
    def rows_per_job(self) -> int:
        """How many records one job may carry."""
        ...

    def open(self, object_name: str, operation: Operation) -> str:
        """Open a job and return its id."""
        ...

    def upload(self, job_id: str, records: Sequence[Record]) -> None:
        """Give an open job its records; None clears a field, an absent key leaves it untouched.

        Raises:
            TooLargeError: too many records or bytes.
            UnfitRowsError: values that CSV cannot carry.
        """
        ...

    def start(self, job_id: str) -> None:
        """Have the job begin; a job that began already is left as it is."""
        ...

    def abort(self, job_id: str) -> None:
        """End a job; what it did already stays done."""
        ...

    def state(self, job_id: str) -> Job:
        """Ask once how the job stands.

        Raises:
            CrmMissingJobError: the CRM has forgotten it.
        """
        ...

    def wait(self, job_id: str, records: int) -> Job:
        """Ask until the job is done, failed or aborted; `records` says how patiently.

        Raises:
            CrmUnavailableError: not within the deadline.
        """
        ...

    def results(self, job_id: str) -> Iterator[JobRow]:
        """Yield what became of every record of a final job, from all three result sets."""
        ...


class Crm(Protocol):
    """A CRM as the pipeline sees it. Nothing is contacted before the first call."""

    @property
    def rows_per_write(self) -> int:
        """How many records one write request may carry."""
        ...

    @property
    def calls(self) -> CallCounts:
        """What was asked of the CRM so far, counted here and not by the CRM."""
        ...

    def describe(self, object_name: str) -> dict[str, Any]:
        """Return the object's metadata as the CRM words it (`schema.parse_describe` reads it).

        Raises:
            CrmMissingObjectError: no such object for this login.
        """
        ...

    def query(self, soql: str, *, include_deleted: bool = False) -> Iterator[list[Record]]:
        """Yield the result page by page, without the `attributes` of each record."""
        ...

    def update_many(self, object_name: str, records: Sequence[Record]) -> list[RowResult]:
        """Update records by their `Id`: one request, one result per record, in the order given.

        Raises:
            ValueError: more than `rows_per_write` records, an id missing or given twice, or a
                value that JSON cannot carry. Nothing was sent.
            CrmUnavailableError: no answer; which records were changed is not known.
        """
        ...

    def create_many(self, object_name: str, records: Sequence[Record]) -> list[RowResult]:
        """Create records: one request that is never repeated, one result per record, in order."""
        ...

    def delete_many(self, object_name: str, record_ids: Sequence[str]) -> list[RowResult]:
        """Put records into the recycle bin: one request, one result per id, in order."""
        ...

    @property
    def jobs(self) -> BulkJobs:
        """Writing in bulk."""
        ...

    @property
    def latest_limits(self) -> Limits | None:
        """The daily allowance as the latest answer told it in passing; None if none did."""
        ...

    def limits(self) -> Limits:
        """Ask for the daily allowance of calls."""
        ...

    def server_time(self) -> datetime:
        """Return the CRM's clock (UTC, whole seconds) as of its latest answer."""
        ...

    @property
    def user_id(self) -> str:
        """Whose login this is, known once anything was answered; empty before."""
        ...
