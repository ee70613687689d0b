"""One REST call as the endpoints see it, and their reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import orjson

from orchestration.local_org.errors import ApiError
from orchestration.local_org.faults import Fault
from orchestration.local_org.org import Org
from orchestration.local_org.schema import SObject
from orchestration.local_org.values import parse_datetime


@dataclass(frozen=True)
class Call:
    """A request after routing and sign-in; `base` is `/services/data/vXX.X`."""

    org: Org
    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    path: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    user_id: str = ""
    instance_url: str = ""
    request_id: int = 0
    faults: tuple[Fault, ...] = ()

    def check_media_type(self, wanted: str) -> None:
        """Refuse a body that does not say that it is what the address takes.

        Raises:
            ApiError: 415 UNSUPPORTED_MEDIA_TYPE.
        """
        given = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given != wanted:
            message = f"MediaType of '{given}' is not supported by this resource"
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message)

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ApiError: JSON_PARSER_ERROR; NaN and Infinity are no JSON.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            message = f"Unexpected character at [line:{error.lineno}, column:{error.colno}]"
            raise ApiError(400, "JSON_PARSER_ERROR", message) from error

    def record(self) -> dict[str, Any]:
        """Return the body as one record."""
        data = self.json()
        if not isinstance(data, dict):
            raise ApiError(
                400, "JSON_PARSER_ERROR", "The HTTP entity body is required to be an object"
            )
        return data

    def sobject(self, name: str | None = None) -> SObject:
        """Return the object that the path (or `name`) says.

        Raises:
            ApiError: 404 NOT_FOUND, as for any address that does not exist.
        """
        found = self.org.schema.find(self.path["object"] if name is None else name)
        if found is None or found.union_of:
            raise not_found()
        return found


@dataclass(frozen=True)
class Reply:
    """An answer; `records` and `failed` go to the request log only, `raw` is sent as it is."""

    status: int = 200
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    records: int = 0
    failed: int = 0
    raw: bytes | None = None

    def body(self) -> bytes:
        """Return the JSON text, or what is no JSON; nothing for 204 and 304."""
        if self.raw is not None:
            return self.raw
        return b"" if self.status in {204, 304} else orjson.dumps(self.content)


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """Return 404 NOT_FOUND [R]."""
    return ApiError(404, "NOT_FOUND", message)


def http_date(moment: datetime | str) -> str:
    """Return a moment, or a stored datetime, as HTTP headers write it."""
    if isinstance(moment, str):
        moment = parse_datetime(moment) or datetime.now(UTC)
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def header_date(headers: Mapping[str, str], name: str) -> datetime | None:
    """Read a conditional header (second resolution); None if it is absent.

    Raises:
        ApiError: 400, as the date cannot be read.
    """
    text = headers.get(name)
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError as error:
        message = f"Invalid value for header {name}: {text}"
        raise ApiError(400, "INVALID_HEADER", message) from error


def split_list(text: str) -> Sequence[str]:
    """Split a comma-separated parameter."""
    return [each.strip() for each in text.split(",") if each.strip()]
