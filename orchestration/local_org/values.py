"""One value at a time: from JSON to what is stored, or the row error that Salesforce gives."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

from orchestration.local_org.errors import reject
from orchestration.local_org.identifiers import canonical
from orchestration.local_org.schema import Field

Stored = str | int | float | None

_EMAIL = re.compile(r"[^\s@,;<>()\[\]\"\\]+@[^\s@,;<>()\[\]\"\\.]+(?:\.[^\s@,;<>()\[\]\"\\.]+)+")
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def now_text(moment: datetime | None = None) -> str:
    """Return a moment (default: now) as the API writes it: UTC, whole seconds."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def parse_datetime(text: str) -> datetime | None:
    """Read an ISO-8601 datetime with its offset; None if it is none."""
    if not _DATETIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def to_stored(field: Field, value: object) -> Stored:
    """Check one value against its field and return it as the org keeps it.

    Raises:
        RowRejected: with the code and message that Salesforce would give.
    """
    if value is None or value == "":
        return _empty(field)
    return _CONVERTERS[field.type](field, value)


def _empty(field: Field) -> Stored:
    if field.type == "boolean":
        raise reject(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            f"{field.label}: value not of required type: null",
            field.name,
        )
    return None


def _text(field: Field, value: object) -> Stored:
    if not isinstance(value, str):
        raise _unreadable("string", value)
    # Salesforce trims text: a value with a blank at its end comes back without it.
    text = value.strip()
    if field.length and len(text) > field.length:
        raise reject(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {text} (max length={field.length})",
            field.name,
        )
    return text or None


def _email(field: Field, value: object) -> Stored:
    text = _text(field, value)
    if text is not None and not _EMAIL.fullmatch(str(text)):
        raise reject(
            "INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field.name
        )
    return text


def _picklist(field: Field, value: object) -> Stored:
    text = _text(field, value)
    if field.restricted and text is not None and text not in field.allowed_values:
        raise reject(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {text}",
            field.name,
        )
    return text


def _boolean(_field: Field, value: object) -> Stored:
    if not isinstance(value, bool):
        raise _unreadable("boolean", value)
    return int(value)


def _number(field: Field, value: object) -> Stored:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _unreadable("double", value)
    # Digits beyond the scale are rounded; digits before the point must fit.
    bound = Decimal(10) ** (field.precision - field.scale)
    given = Decimal(str(value))
    if abs(given) < bound:
        step = Decimal(1).scaleb(-field.scale)
        rounded = given.quantize(step, rounding=ROUND_HALF_UP)
        if abs(rounded) < bound:
            return float(rounded) + 0.0  # never -0.0
    raise _out_of_range(field, value)


def _integer(field: Field, value: object) -> Stored:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _unreadable("int", value)
    if abs(value) >= 10**field.precision:
        raise _out_of_range(field, value)
    return value


def _out_of_range(field: Field, value: float) -> Exception:
    return reject(
        "NUMBER_OUTSIDE_VALID_RANGE",
        f"{field.label}: value outside of valid range on numeric field: {value}",
        field.name,
    )


def _datetime(_field: Field, value: object) -> Stored:
    moment = parse_datetime(value) if isinstance(value, str) else None
    if moment is None:
        raise _unreadable("datetime", value)
    return now_text(moment)


def _date(_field: Field, value: object) -> Stored:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise _unreadable("date", value)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise _unreadable("date", value) from error


def _reference(field: Field, value: object) -> Stored:
    identifier = canonical(value)
    if identifier is None:
        raise reject(
            "MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", field.name
        )
    return identifier


def _unreadable(kind: str, value: object) -> Exception:
    shown, token = _shown(value)
    return reject(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from {token} value {shown} "
        f"or request may be missing a required field at [line:1, column:1]",
    )


def _shown(value: object) -> tuple[str, str]:
    if isinstance(value, bool):
        return str(value).lower(), f"VALUE_{str(value).upper()}"
    if isinstance(value, str):
        return value, "VALUE_STRING"
    if isinstance(value, int):
        return str(value), "VALUE_NUMBER_INT"
    if isinstance(value, float):
        return str(value), "VALUE_NUMBER_FLOAT"
    return ("[", "START_ARRAY") if isinstance(value, list) else ("{", "START_OBJECT")


_CONVERTERS: dict[str, Callable[[Field, object], Stored]] = {
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
