"""One value at a time: from JSON to what is stored, or the row error that Salesforce gives."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from orchestration.local_org.errors import RowRejected, reject
from orchestration.local_org.identifiers import canonical
from orchestration.local_org.schema import NUMBER_TYPES, Field

Stored = str | int | float | None

_EMAIL = re.compile(r"[^\s@,;<>()\[\]\"\\]+@[^\s@,;<>()\[\]\"\\.]+(?:\.[^\s@,;<>()\[\]\"\\.]+)+")
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)",
    re.IGNORECASE | re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def now_text(moment: datetime | None = None) -> str:
    """Return a moment (default: now) as the API writes it: UTC, whole seconds."""
    utc = (moment or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='seconds')}.000+0000"


def parse_datetime(text: str) -> datetime | None:
    """Read an ISO-8601 datetime with its offset; None if it is none."""
    if not _DATETIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or none of the years 1 to 9999 in UTC
        return None


def to_stored(field: Field, value: object) -> Stored:
    """Check one value against its field and return it as the org keeps it.

    Raises:
        RowRejected: with the code and message that Salesforce would give.
    """
    if value is None or value == "":
        return _empty(field)
    if not _is_readable(field, value):
        raise _not_of_type(field, value)
    return _CONVERTERS[field.type](field, value)


def unreadable(field: Field, value: object) -> str | None:
    """Return what Salesforce's JSON reader says of a value that it cannot give to a field.

    It reads a request as a whole or not at all; None if there is nothing to say.
    """
    if value is None or value == "" or _is_readable(field, value):
        return None
    shown, token = _shown(value)
    return (
        f"Cannot deserialize instance of {_KINDS.get(field.type, 'string')} from {token} value "
        f"{shown} or request may be missing a required field"
    )


def _is_readable(field: Field, value: object) -> bool:
    if field.type == "boolean":
        return isinstance(value, bool)
    if field.type in NUMBER_TYPES:
        if isinstance(value, float):
            return field.type != "int" and math.isfinite(value)
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if field.type == "datetime":
        return parse_datetime(value) is not None
    return field.type != "date" or _parse_date(value) is not None


def _not_of_type(field: Field, value: object) -> RowRejected:
    return reject(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        f"{field.label}: value not of required type: {_shown(value)[0]}",
        field.name,
    )


def _empty(field: Field) -> Stored:
    if field.type == "boolean":
        raise _not_of_type(field, None)
    return None


def _text(field: Field, value: Any) -> Stored:
    # Salesforce trims text: a value with a blank at its end comes back without it.
    text: str = value.strip()
    if "\0" in text:  # ends a text where the org keeps it, so that equal ones are not seen
        raise _not_of_type(field, "a text with NUL")
    if field.length and len(text) > field.length:
        raise reject(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {text} (max length={field.length})",
            field.name,
        )
    return text or None


def _email(field: Field, value: Any) -> Stored:
    text = _text(field, value)
    if text is not None and not _EMAIL.fullmatch(str(text)):
        raise reject(
            "INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field.name
        )
    return text


def _picklist(field: Field, value: Any) -> Stored:
    text = _text(field, value)
    if field.restricted and text is not None and text not in field.allowed_values:
        raise reject(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {text}",
            field.name,
        )
    return text


def _boolean(_field: Field, value: Any) -> Stored:
    return int(value)


def _number(field: Field, value: Any) -> Stored:
    # Digits beyond the scale are rounded; digits before the point must fit.
    bound = Decimal(10) ** (field.precision - field.scale)
    given = Decimal(str(value))
    if abs(given) < bound:
        step = Decimal(1).scaleb(-field.scale)
        rounded = given.quantize(step, rounding=ROUND_HALF_UP)
        if abs(rounded) < bound:
            return float(rounded) + 0.0  # never -0.0
    raise _out_of_range(field, value)


def _integer(field: Field, value: Any) -> Stored:
    if abs(value) >= 10**field.precision:
        raise _out_of_range(field, value)
    return int(value)


def _out_of_range(field: Field, value: float) -> RowRejected:
    return reject(
        "NUMBER_OUTSIDE_VALID_RANGE",
        f"{field.label}: value outside of valid range on numeric field: {value}",
        field.name,
    )


def _datetime(_field: Field, value: Any) -> Stored:
    return now_text(parse_datetime(value))


def _parse_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _date(_field: Field, value: Any) -> Stored:
    return str(value)


def _reference(field: Field, value: Any) -> Stored:
    identifier = canonical(value)
    if identifier is None:
        raise reject(
            "MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", field.name
        )
    return identifier


def _shown(value: object) -> tuple[str, str]:
    if value is None:
        return "null", "VALUE_NULL"
    if isinstance(value, bool):
        return str(value).lower(), f"VALUE_{str(value).upper()}"
    if isinstance(value, str):
        return value, "VALUE_STRING"
    if isinstance(value, int):
        return str(value), "VALUE_NUMBER_INT"
    if isinstance(value, float):
        return str(value), "VALUE_NUMBER_FLOAT"
    return ("[", "START_ARRAY") if isinstance(value, list) else ("{", "START_OBJECT")


#: What Salesforce's JSON reader calls the types of fields that are no text.
_KINDS = {
    "boolean": "boolean",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "int": "int",
    "datetime": "datetime",
    "date": "date",
}

_CONVERTERS: dict[str, Callable[[Field, Any], Stored]] = {
    "id": _reference,
    "reference": _reference,
    "string": _text,
    "textarea": _text,
    "phone": _text,
    "url": _text,
    "combobox": _text,
    "picklist": _picklist,
    "email": _email,
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _integer,
    "datetime": _datetime,
    "date": _date,
}
