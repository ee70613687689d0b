"""The CSV of bulk jobs: read as strictly as Salesforce reads it, and written as it writes it."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.local_org.errors import RowRejected, reject
from orchestration.local_org.schema import NUMBER_TYPES, Field, SObject

DELIMITERS = {
    "COMMA": ",",
    "TAB": "\t",
    "SEMICOLON": ";",
    "PIPE": "|",
    "CARET": "^",
    "BACKQUOTE": "`",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"
MAX_HEADER, MAX_CELL = 32_000, 32_000

_QUOTED = re.compile(rb'"[^"]*"')
#: Numbers in ASCII, and no more liberties than these: Python would also take 1_000 and blanks.
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRUE = frozenset({"yes", "y", "true", "on", "1"})
_FALSE = frozenset({"no", "n", "false", "off", "0"})


class JobError(Exception):
    """Data that fails a whole job; the message is the job's `errorMessage`."""


@dataclass(frozen=True)
class Table:
    """Uploaded data: the names of its columns, and the cells of its rows as text."""

    header: list[str]
    rows: list[list[str]]


def read(content: bytes, line_ending: str, column_delimiter: str) -> Table:
    """Read uploaded data.

    Raises:
        JobError: another line ending than the job's, no UTF-8, rows that do not fit the header.
    """
    outside_quotes = _QUOTED.sub(b'""', content)
    declared = outside_quotes.count(LINE_ENDINGS[line_ending].encode())
    returns = 0 if line_ending == "LF" else declared
    if (outside_quotes.count(b"\n"), outside_quotes.count(b"\r")) != (declared, returns):
        raise JobError(
            "ClientInputError : LineEnding is invalid on user data. "
            f"Current LineEnding setting is {line_ending}"
        )
    delimiter = DELIMITERS[column_delimiter]
    if re.search(rb'[^"\n' + re.escape(delimiter.encode()) + rb']"', outside_quotes):
        raise JobError(
            "InvalidBatch : Failed to parse CSV: a quote within a value, or a blank before it"
        )
    try:
        # A byte order mark is no blank: it becomes part of the first column's name.
        text = content.decode("utf-8")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = [line for line in reader if line]
    except UnicodeDecodeError as error:
        raise JobError("InvalidBatch : Data is not UTF-8") from error
    except csv.Error as error:
        raise JobError(f"InvalidBatch : Failed to parse CSV: {error}") from error
    if not lines:
        raise JobError("InvalidBatch : Unable to find any header")
    return Table(_header(lines[0]), [_fitting(line, len(lines[0])) for line in lines[1:]])


def header(content: bytes, column_delimiter: str) -> list[str]:
    """Return the column names of uploaded data; none where they cannot be read."""
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8", errors="replace", newline="")
    try:
        return next(csv.reader(lines, delimiter=DELIMITERS[column_delimiter]), [])
    except csv.Error:
        return []  # the job says why


def columns(sobject: SObject, table: Table, *, only_ids: bool) -> list[Field]:
    """Return the fields behind the columns.

    Raises:
        JobError: the object has no such field, or a deletion brings more than ids.
    """
    found = []
    for name in table.header:
        each = sobject.find(name)
        if each is None:
            raise JobError(f"InvalidBatch : Field name not found : {name}")
        found.append(each)
    if only_ids and [each.type for each in found] != ["id"]:
        raise JobError("InvalidBatch : Data for a delete job may only have the column Id")
    return found


def record(fields: Sequence[Field], cells: Sequence[str]) -> dict[str, Any]:
    """Return a row as JSON would say it: an empty cell says nothing, `#N/A` empties the field.

    Raises:
        RowRejected: a cell that is no value of its field's type.
    """
    return {
        each.name: None if cell == NULL else _value(each, cell)
        for each, cell in zip(fields, cells, strict=True)
        if cell != ""
    }


def write(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a result set: every value in quotes, LF at the end of each line [D]."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def shown(value: object, kind: str) -> str:
    """Return a stored value as bulk results write it; `kind` is its field's type."""
    if value is None:
        return ""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "datetime":
        return str(value).replace("+0000", "Z")
    return str(value)


def _header(names: list[str]) -> list[str]:
    if sum(map(len, names)) > MAX_HEADER:
        raise JobError(f"InvalidBatch : Header is longer than {MAX_HEADER} characters")
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise JobError(f"InvalidBatch : Duplicate field name : {name}")
        seen.add(name.lower())
    return names


def _fitting(cells: list[str], width: int) -> list[str]:
    if len(cells) != width:
        raise JobError(
            f"InvalidBatch : A row has {len(cells)} fields, but the header has {width} fields"
        )
    return cells


def _value(field: Field, cell: str) -> Any:
    if len(cell) > MAX_CELL:
        raise reject(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {cell[:80]} (max length={MAX_CELL})",
            field.name,
        )
    if field.type == "boolean":
        word = cell.lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        raise _not_of_type(field, cell)
    if field.type in NUMBER_TYPES:
        pattern = _WHOLE if field.type == "int" else _NUMBER
        if not pattern.fullmatch(cell):
            raise _not_of_type(field, cell)
        return int(cell) if field.type == "int" else float(cell)
    return cell


def _not_of_type(field: Field, cell: str) -> RowRejected:
    return reject(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        f"{field.label}: value not of required type: {cell}",
        field.name,
    )
