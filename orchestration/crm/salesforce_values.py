"""Values as Salesforce takes them, in JSON and in the CSV of bulk jobs; a refusal quotes none."""

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from orchestration.crm.client import Record

#: The cell that clears a field; an empty one leaves it as it is.
CLEARED = "#N/A"

#: What a bulk job accepts in one value.
CHARACTERS_PER_CELL = 32_000


def to_json(content: object) -> bytes:
    """Return a request's body.

    Raises:
        ValueError: a value that JSON cannot carry, such as NaN, or a time without a zone.
    """
    return json.dumps(content, allow_nan=False, default=_in_json).encode()


def to_cell(value: object) -> str:
    """Return a value as the text of a CSV cell, which clears the field where the value is blank.

    Raises:
        ValueError: a value that such a cell cannot carry.
    """
    # JSON's empty string clears a field, too, but an empty cell would leave it as it is.
    if value is None or value == "":
        return CLEARED
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return format(_finite(Decimal(str(value))), "f")
    if isinstance(value, str):
        return _checked(value)
    return str(_in_json(value))


def check_ids(record_ids: Sequence[str | None]) -> None:
    """Refuse a missing id and one that comes twice, in its short form or its long one."""
    if not all(record_ids):
        raise ValueError("every record needs an Id")
    if len({short_id(str(record_id)) for record_id in record_ids}) < len(record_ids):
        raise ValueError("no Id may come twice")


def short_id(record_id: str) -> str:
    """Return what tells records apart; the rest only repeats it, in whatever case."""
    return record_id[:15]


def ids_of(records: Sequence[Record]) -> list[str | None]:
    """Return each record's id."""
    return [record.get("Id") for record in records]


def _in_json(value: object) -> Any:
    """Return what JSON knows no type for as something that it knows."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        utc = value.astimezone(UTC)
        return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        _finite(value)
        return int(value) if value == value.to_integral_value() else float(value)
    raise ValueError(f"Salesforce takes no {type(value).__name__}")


def _finite(number: Decimal) -> Decimal:
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _checked(text: str) -> str:
    if text == CLEARED:
        raise ValueError(f"the text {CLEARED} would clear the field")
    if "\0" in text or len(text) > CHARACTERS_PER_CELL:
        raise ValueError(f"text with a NUL, or longer than {CHARACTERS_PER_CELL} characters")
    return text
