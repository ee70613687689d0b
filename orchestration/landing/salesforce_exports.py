"""Salesforce CSV exports (A7): records as Data Loader or the Data Export service writes them.

A file holds the records of one object, which its name tells; the header bears the fields' API
names. Records may spread over lines, and one that is broken must not swallow those behind it, so
the file is walked through record by record.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import orjson
import polars as pl

from orchestration.crm.snapshot import FIELDS
from orchestration.landing.lines import BYTE_ORDER_MARK, UTF_16_MARKS
from orchestration.landing.piece import Outcome, Piece, Target, UnreadableFileError
from orchestration.landing.record_sql import REJECT, Check, RecordRules
from orchestration.landing.timestamps import iso_check

_PLACE = "salesforce"
_OBJECTS = {name.lower(): name for name in FIELDS}
_REQUIRED = ("Id", "SystemModstamp")

_ROWS_PER_FRAME = 20_000
#: Salesforce allows a record 1.6 million characters of long text.
_RECORD_BYTES = 8 << 20
# The csv module refuses fields beyond 131,072 characters; its limit is the process's, no reader's.
csv.field_size_limit(_RECORD_BYTES)

#: RFC 4180, but for a quote within an unquoted field, which means itself.
_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n][^,\r\n]*+)?'

_RULES = RecordRules(
    (
        Check(
            "Id",
            "not regexp_full_match({value}, '[A-Za-z0-9]{{18}}')",
            "'invalid_id: ' || left({value}, 100)",
        ),
        iso_check("SystemModstamp"),
    )
)

_KEEP = """
insert into {table} (load_id, file, line, position, loaded_at, payload, envelope)
{records}
select ?, ?, line, 0, ?, value, ?
from checked
where reason is null
"""

_REJECT_TEXTS = """
insert into raw.rejects (load_id, source, file, line, reason, payload)
select ?, ?, ?, line, reason, text
from landing_bad_records
"""


def claims(path: Path) -> bool:
    """Tell whether a path is `salesforce/<Object>*.csv` or `salesforce/<Object>/*.csv`."""
    is_csv = path.name.lower().removesuffix(".gz").endswith(".csv")
    return path.parts[0] == _PLACE and is_csv and _object(path) is not None


def object_of(file: str) -> str:
    """Return the object that a file's name, or its folder's, begins with."""
    return _object(PurePath(file)) or ""


def _object(path: PurePath) -> str | None:
    names = [re.match("[A-Za-z]*", part) for part in (path.name, path.parent.name)]
    found = [_OBJECTS.get(name[0].lower()) for name in names if name]
    return next((name for name in found if name), None)


def read(piece: Piece, target: Target) -> Outcome:
    """Load the new records of an export. The last one waits until it is whole.

    Raises:
        UnreadableFileError: it is no UTF-8, or its header lacks what a record must have.
        OSError, FileChangedError: the file cannot be read (any more).
    """
    columns = _columns(piece)
    if columns is None:
        for _ in piece.chunks():
            pass  # the header is still being written: all of it waits
        return Outcome()
    reader = _Reader(piece, target, columns)
    rest = b""
    for chunk in piece.chunks():
        rest = reader.take(rest + chunk, is_end=False)
    if piece.is_settled:
        reader.take_end(rest)
    reader.flush()
    return reader.outcome


def _columns(piece: Piece) -> list[str] | None:
    """Return the fields that the header names, as the API spells them; None if it has no end.

    Data Loader writes the names in capitals. An empty file is one that is still to be written.
    """
    head = piece.content.head
    if head.startswith(UTF_16_MARKS):
        raise UnreadableFileError("wrong_encoding: UTF-16, deliver it as UTF-8")
    head = head.removeprefix(BYTE_ORDER_MARK)
    found = _pattern(piece, is_end=piece.is_settled).match(head)
    if not found or not head.strip():
        return None
    spelling = {name.lower(): name for name in FIELDS[object_of(piece.file)]}
    names = [name.strip() for name in _fields(found[0].decode("utf-8", "replace"))]
    columns = [spelling.get(name.lower(), name) for name in names]
    for name in _REQUIRED:
        if name not in columns:
            raise UnreadableFileError(f"missing_column: {name}")
    return columns


def _pattern(piece: Piece, *, is_end: bool) -> re.Pattern[bytes]:
    line_end = rb"\r?\n" if piece.content.line_end == b"\n" else rb"\r"
    end = rb"(?:%b|\Z)" % line_end if is_end else line_end
    return re.compile(rb"%b(?:,%b)*+%b" % (_FIELD, _FIELD, end))


def _fields(text: str) -> list[str]:
    """Take a record apart; none where there is nothing on the line.

    Raises:
        csv.Error: a field is longer than Salesforce's longest.
    """
    return next(csv.reader([text.rstrip("\r\n")]), [])


@dataclass
class _Reader:
    piece: Piece
    target: Target
    columns: Sequence[str]
    outcome: Outcome = field(default_factory=Outcome)
    _records: list[tuple[int, str]] = field(default_factory=list, init=False)
    _bad: list[tuple[int, str, str]] = field(default_factory=list, init=False)
    #: What comes next belongs to a record that is too long, up to where a good one begins.
    _is_given_up: bool = field(default=False, init=False)

    def take(self, data: bytes, *, is_end: bool) -> bytes:
        """Take the complete records that a text begins with, and return what is left of it."""
        whole = _pattern(self.piece, is_end=is_end)
        at = 0
        while at < len(data):
            if self._is_given_up:
                end = self._end_of_given_up(data, at, is_end=is_end)
            elif found := whole.match(data, at):
                end = self._take_record(data, at, found.end())
            else:
                end = self._take_broken(data, at, is_end=is_end)
            if end == at:
                break
            self.piece.take(data[at:end])
            at = end
        return data[at:]

    def take_end(self, rest: bytes) -> None:
        """Take a last record without an end if it is whole; else it is cut for good."""
        damage = self.piece.content.damage
        left = rest if damage else self.take(rest, is_end=True)
        if damage or left.strip():
            self.outcome.is_cut = True
            self._reject(left, damage or "truncated")

    def _take_record(self, data: bytes, start: int, end: int) -> int:
        """Take one record and return where the next one begins."""
        if self.piece.taken.length == 0:
            return end  # the header
        try:
            values = _fields(data[start:end].decode())
        except UnicodeDecodeError:
            self._reject(data[start:end], "invalid_utf8")
        except csv.Error:
            self._reject(data[start:end], "broken_csv")
        else:
            if len(values) == len(self.columns):
                self._keep(values)
            elif values and not data.endswith(self.piece.content.line_end, start, end):
                return start  # cut off between two fields: the rest may yet come
            elif values:
                # A quote too many joins it with records behind it: those are good by themselves.
                end = self._next_good(data, start, end) or end
                counts = f"{len(values)} instead of {len(self.columns)}"
                extent = self._extent(data, start, end, ", ")
                self._reject(data[start:end], f"wrong_column_count: {counts}{extent}")
        return end

    def _extent(self, data: bytes, start: int, end: int, before: str) -> str:
        """Say how many lines a reject stands for, where it is more than one.

        How many records they hold, nobody can tell: within open quotes, lines may be text.
        """
        lines = data[start:end].split(self.piece.content.line_end)
        count = sum(1 for line in lines if line.strip())
        return f"{before}{count} lines" if count > 1 else ""

    def _take_broken(self, data: bytes, start: int, *, is_end: bool) -> int:
        """Reject what is no whole record, and return where to go on; `start`: wait for more."""
        is_long = len(data) - start > _RECORD_BYTES
        end = self._next_good(data, start, len(data), may_be_open=is_end or is_long)
        if end is None and is_long:
            self._is_given_up = True
            end = self._end_of_given_up(data, start, is_end=is_end)
            self._reject(data[start:], f"broken_csv: more than {_RECORD_BYTES} bytes in one record")
            return end
        # Nothing good behind it, and no quote open: broken, where it is more than an end cut off.
        if end is None:
            is_broken = is_end and data.endswith(b"\n") and data.count(b'"', start) % 2 == 0
            end = len(data) if is_broken else start
        if end > start:
            self._reject(data[start:end], "broken_csv" + self._extent(data, start, end, ": "))
        return end

    def _end_of_given_up(self, data: bytes, start: int, *, is_end: bool) -> int:
        """Return where a good record begins, or how far there is none; `start`: wait for more."""
        behind = self._next_good(data, start, len(data))
        if behind:
            self._is_given_up = False
            return behind
        last = data.rfind(self.piece.content.line_end, start)
        if is_end or last < 0 or len(data) - last > _RECORD_BYTES:
            return len(data)
        return last  # the line that is under way may turn out to be a record

    def _next_good(
        self, data: bytes, start: int, stop: int, *, may_be_open: bool = True
    ) -> int | None:
        """Find where, behind the first line of a broken record, a good one begins.

        `may_be_open`: even within a quoted field that has been opened and not closed.
        """
        line_end = self.piece.content.line_end
        whole = _pattern(self.piece, is_end=False)
        at = start
        quotes = 0
        while behind := data.find(line_end, at, stop) + 1:
            quotes += data.count(b'"', at, behind)
            at = behind
            found = whole.match(data, at, stop) if may_be_open or quotes % 2 == 0 else None
            if found and self._has_all_columns(found[0]):
                return at
        return None

    def _has_all_columns(self, record: bytes) -> bool:
        try:
            return len(_fields(record.decode("utf-8", "replace"))) == len(self.columns)
        except csv.Error:
            return False

    def _keep(self, values: Sequence[str]) -> None:
        record = {name: value or None for name, value in zip(self.columns, values, strict=True)}
        self._records.append((self.piece.taken.lines + 1, orjson.dumps(record).decode()))
        if len(self._records) >= _ROWS_PER_FRAME:
            self.flush()

    def _reject(self, data: bytes, reason: str) -> None:
        text = data[: 4 * self.target.reject_characters].decode("utf-8", "replace")
        text = text[: self.target.reject_characters]
        self._bad.append((self.piece.taken.lines + 1, reason, text))
        if len(self._bad) >= _ROWS_PER_FRAME:
            self.flush()

    def flush(self) -> None:
        """Hand what was found to the database."""
        target, outcome = self.target, self.outcome
        place = [target.load_id, target.source, target.file]
        records = _RULES.plain()
        if self._records:
            lines = pl.DataFrame(self._records, {"line": pl.Int64, "text": pl.String}, orient="row")
            target.frame("landing_lines", lines.with_columns(position=pl.lit(None, pl.Int32)))
            envelope = orjson.dumps([{"object": object_of(target.file)}]).decode()
            kept = target.execute(
                _KEEP.format(table=target.table, records=records),
                [target.load_id, target.file, target.loaded_at, envelope],
            )
            outcome.rows += kept
            if kept < len(self._records):
                outcome.rejected += target.execute(
                    REJECT.format(records=records), [*place, target.reject_characters]
                )
        if self._bad:
            schema = {"line": pl.Int64, "reason": pl.String, "text": pl.String}
            target.frame("landing_bad_records", pl.DataFrame(self._bad, schema, orient="row"))
            outcome.rejected += target.execute(_REJECT_TEXTS, place)
        self._records, self._bad = [], []
