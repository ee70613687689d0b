"""What Touchline asks of a CRM: one Protocol, its plain data and its exceptions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

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

    def limits(self) -> Limits:
        """Ask for the daily allowance of calls."""
        ...

    def server_time(self) -> datetime:
        """Return the CRM's clock (UTC, whole seconds) as of its latest answer."""
        ...
