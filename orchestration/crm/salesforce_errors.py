"""What Salesforce's errors mean: those of a whole request, of a row, of a row in a bulk job."""

import re
from itertools import pairwise
from typing import Any

from orchestration.crm.client import (
    CrmError,
    CrmForbiddenError,
    CrmLimitError,
    CrmMissingObjectError,
    CrmRequestError,
    CrmUnavailableError,
    RowError,
)
from orchestration.crm.transport import UNTOUCHED_STATUSES

#: Somebody else was writing, or the org was busy: the value is not at fault.
TRANSIENT_CODES = frozenset(
    {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT"}
)

#: A trigger that runs into a lock hides it behind a code of its own.
_LOCK = "UNABLE_TO_LOCK_ROW"

_API_IS_OFF = frozenset({"API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG"})

#: The day's batches of bulk jobs are used up; the Bulk API writes its codes in either case.
_BULK_QUOTA = "EXCEEDEDQUOTA"
_UNKNOWN = "UNKNOWN"

#: A 404 alone may come from whatever stands in between, while the object or the job is there.
_MISSING = frozenset({"NOT_FOUND", "INVALID_TYPE"})

#: One error of a bulk row, `CODE:message:fields --`, where another one follows.
_ERROR_BEFORE_ANOTHER = re.compile(
    r"\w+:.*?:(?:\w+(?:,\s*\w+)*)?\s*--\s*;?\s*(?=[A-Z][A-Z_]+:)", re.DOTALL
)
_ERROR_CODE = re.compile(r"[A-Za-z][A-Za-z_]*")
_FIELD_NAMES = re.compile(r"\w+(?:[,;\s]+\w+)*")


def request_error(what: str, status: int, content: Any) -> CrmError:
    """Return our own error for a refused request; it carries neither bodies nor messages."""
    code, message = _first_error(content)
    said = f"{what}: Salesforce answered {status} {code}".rstrip()
    is_call_limit = code == "REQUEST_LIMIT_EXCEEDED" and "Concurrent" not in message
    if is_call_limit:
        return CrmLimitError(f"{said}. The day's API calls are used up; run again later.")
    if code.upper() == _BULK_QUOTA:
        return CrmLimitError(
            f"{said}. The day's batches of bulk jobs are used up; run again later."
        )
    if code == "REQUEST_LIMIT_EXCEEDED" or status in UNTOUCHED_STATUSES:
        return CrmUnavailableError(f"{said}, to every attempt")
    if code in TRANSIENT_CODES or not 400 <= status < 500:
        return CrmUnavailableError(said)
    if status == 410:
        return CrmForbiddenError(
            f"{said}. Salesforce has retired the version of its API that Touchline speaks: "
            f"install a newer Touchline.",
            code or "HTTP_410",
        )
    if status == 403 or code in _API_IS_OFF:
        return CrmForbiddenError(
            f"{said}. Salesforce refuses this login, not single records: see that the API is "
            f"enabled, and what the user may do.",
            code,
        )
    if code in _MISSING:
        return CrmMissingObjectError(said)
    if status == 404:
        return CrmUnavailableError(f"{said} without NOT_FOUND, so perhaps from a gateway")
    return CrmRequestError(said, code or f"HTTP_{status}")


def row_errors(row: dict[str, Any]) -> tuple[RowError, ...]:
    """Return why a row of sObject Collections was refused; none where it was taken."""
    errors = tuple(
        _row_error(
            str(error.get("statusCode") or _UNKNOWN),
            str(error.get("message") or ""),
            tuple(error.get("fields") or ()),
        )
        for error in row.get("errors") or ()
    )
    if errors or row.get("success") is True:
        return errors
    return (_row_error(_UNKNOWN, "Salesforce gave no reason", ()),)


def bulk_row_errors(text: str) -> tuple[RowError, ...]:
    """Return the errors of an `sf__Error`: `CODE:message:fields --`, colons in the message kept."""
    ends = [error.end() for error in _ERROR_BEFORE_ANOTHER.finditer(text)]
    return tuple(_bulk_row_error(text[a:b]) for a, b in pairwise([0, *ends, len(text)]))


def _bulk_row_error(text: str) -> RowError:
    code, colon, rest = text.strip("; \r\n").partition(":")
    if not colon or not _ERROR_CODE.fullmatch(code):
        return _row_error(_UNKNOWN, text.strip() or "Salesforce gave no reason", ())
    rest = rest.removesuffix("--").rstrip()
    message, colon, names = rest.rpartition(":")
    if not colon or (names and not _FIELD_NAMES.fullmatch(names)):
        message, names = rest, ""
    return _row_error(code, message, tuple(re.findall(r"\w+", names)))


def _row_error(code: str, message: str, fields: tuple[str, ...]) -> RowError:
    return RowError(code, message, fields, is_transient=code in TRANSIENT_CODES or _LOCK in message)


def _first_error(content: Any) -> tuple[str, str]:
    """Return code and message of Salesforce's `[{"errorCode", "message"}]`."""
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return str(content[0].get("errorCode", "")), str(content[0].get("message", ""))
    return "", ""
