"""The CSV of Bulk API 2.0: records written as it wants them, results read as it sends them."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from orchestration.crm.client import CrmUnavailableError, Record

#: What an upload may weigh: on its way it grows by half, towards a limit of 150 MB.
BYTES_PER_JOB = 100_000_000

#: What a job accepts in one value.
CHARACTERS_PER_VALUE = 32_000

#: The cell that clears a field; an empty one leaves it as it is.
CLEARED = "#N/A"

_QUOTED_FOR = frozenset(',"\r\n')


def to_csv(records: Sequence[Record]) -> bytes:
    """Return the records as one CSV: `Id` first, the other fields by name, every line LF.

    The same records give the same bytes in every process.

    Raises:
        ValueError: a value that CSV cannot carry, or more bytes than a job takes.
    """
    names = {name for record in records for name in record}
    columns = sorted(names, key=lambda name: (name != "Id", name))
    lines = [",".join(columns), *(_line(record, columns) for record in records)]
    body = "".join(f"{line}\n" for line in lines).encode()
    if len(body) > BYTES_PER_JOB:
        raise ValueError(f"{len(body)} bytes in one bulk job; it takes {BYTES_PER_JOB}")
    return body


def from_csv(body: bytes) -> Iterator[dict[str, str]]:
    """Yield the rows of a result set, line breaks within values kept.

    Raises:
        CrmUnavailableError: what came is no such CSV.
    """
    try:
        text = body.decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            if None in row or None in row.values():
                raise CrmUnavailableError("a bulk job's results have rows of differing length")
            yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise CrmUnavailableError(
            f"a bulk job's results cannot be read ({type(error).__name__})"
        ) from None


def _line(record: Record, columns: Iterable[str]) -> str:
    return ",".join(_cell(record, name) if name in record else "" for name in columns)


def _cell(record: Record, name: str) -> str:
    value = record[name]
    # JSON's empty string clears a field, too, but an empty cell would leave it as it is.
    if value is None or value == "":
        return CLEARED
    try:
        text = _text(value)
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name}: text that is not Unicode") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None
    if _QUOTED_FOR.isdisjoint(text) and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'


def _text(value: object) -> str:
    """Return the value as Salesforce reads it; a refusal never quotes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            raise ValueError("not a finite number")
        return format(Decimal(str(value)), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return _checked(value)
    raise TypeError(f"CSV carries no {type(value).__name__}")


def _checked(text: str) -> str:
    if text == CLEARED:
        raise ValueError(f"the text {CLEARED} would clear the field")
    if "\0" in text or len(text) > CHARACTERS_PER_VALUE:
        raise ValueError(f"text with a NUL, or longer than {CHARACTERS_PER_VALUE} characters")
    return text
