"""JSON files of any layout, into a raw table: DuckDB parses, checks and sorts out, in slices.

A line may hold an object, an array of them or a page (`{"enrollments": [...]}`); a value may also
spread over lines. Python moves slices of some megabytes; it never looks at a record.
"""

import io
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import polars as pl

from orchestration.landing.documents import Fragment, Scanner, Value, opens_document
from orchestration.landing.piece import Outcome, Piece, Target

_SCHEMA = {"line": pl.Int64, "position": pl.Int32, "text": pl.String}
_VALUES_PER_FRAME = 50_000


class TooLargeError(ValueError):
    """A value that must be read whole is larger than the limit."""


@dataclass(frozen=True)
class Check:
    """A key that must have a value, and what refuses a value, as SQL about `{value}`."""

    key: str
    refused_if: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class RecordRules:
    """What makes a JSON object a record of its format: the first failing check is the reason.

    Objects that hold an array under `page_key` are pages of records.
    """

    checks: tuple[Check, ...]
    page_key: str | None = None

    def records(self, *, is_plain: bool) -> str:
        """Return the CTEs that make `checked` records, with reasons, of `landing_lines`.

        `is_plain`: no line holds more than one record, which spares taking them apart.
        """
        # An object has the first key or lacks it; whatever else there is has no keys at all.
        cases = [
            "when coalesce(found[1], '') = '' and json_type(value) <> 'OBJECT' then 'not_an_object'"
        ]
        for number, check in enumerate(self.checks, 1):
            value = f"found[{number}]"
            cases.append(f"when coalesce({value}, '') = '' then 'missing_key: {check.key}'")
            if check.refused_if:
                refused, reason = (
                    sql.format(value=value) for sql in (check.refused_if, check.reason)
                )
                cases.append(f"when {refused} then {reason}")
        page = f"$.{self.page_key}"
        is_page = f"json_type(text, '{page}') = 'ARRAY'" if self.page_key else "false"
        records = _PLAIN if is_plain else _SPLIT.format(is_page=is_page, page=f"{page}[*]")
        return records + _CHECKED.format(
            paths=", ".join(f"'$.{check.key}'" for check in self.checks),
            cases="\n            ".join(cases),
        )


_PLAIN = """
with

records as (

    select
        line, coalesce(position, 0) as position,
        case when not json_valid(text) then trim(text, e' \\t\\r\\n') end as broken,
        case when json_valid(text) then cast(text as json) end as value
    from landing_lines

),
"""

# Only a line that is no JSON is carried on as text: an array's would be copied per element.
_SPLIT = """
with

lines as (

    select line, position, text, case when json_valid(text) then json_type(text) end as kind
    from landing_lines

),

split as (

    select
        line, position,
        case when kind is null then trim(text, e' \\t\\r\\n') end as broken,
        case
            when kind is null and trim(text, e' \\t\\r\\n') = '' then []
            when kind is null then [cast(null as json)]
            when kind = 'ARRAY' and position is null then json_extract(text, '$[*]')
            when kind = 'OBJECT' and position is null and {is_page}
                then json_extract(text, '{page}')
            else [cast(text as json)]
        end as elements
    from lines

),

records as (

    select
        line, broken,
        coalesce(position, generate_subscripts(elements, 1) - 1) as position,
        unnest(elements) as value
    from split

),
"""

_CHECKED = """
found as (

    select *, json_extract_string(value, [{paths}]) as found
    from records

),

checked as (

    select
        line, position, broken, value,
        case
            when value is null then 'broken_json'
            {cases}
        end as reason
    from found

)
"""

# However a record was laid out, its payload reads the same: json() leaves out the white space.
_KEEP = """
insert into {table} (load_id, file, line, position, loaded_at, payload)
{records}
select ?, ?, line, position, ?, json(value) from checked where reason is null
"""

_REJECT = """
insert into raw.rejects (load_id, source, file, line, reason, payload)
{records}
select ?, ?, ?, line, reason, left(coalesce(broken, cast(value as varchar)), ?)
from checked where reason is not null
"""


def read_records(piece: Piece, target: Target, rules: RecordRules) -> Outcome:
    """Load the new part of a JSON file; whole lines first, then what is left at its end.

    Raises:
        TooLargeError: a value is longer than may be read at once.
        OSError, FileChangedError: the file cannot be read (any more).
    """
    reader = _Reader(piece, target, rules)
    tail_start = piece.start.length
    if reader.is_by_line():
        tail_start = max(tail_start, piece.complete)
    if tail_start > piece.start.length:
        with ThreadPoolExecutor(1) as ahead:
            slices = reader.slices(tail_start)
            coming = ahead.submit(next, slices, None)
            while (part := coming.result()) is not None:
                coming = ahead.submit(next, slices, None)
                reader.take_slice(part)
    return reader.take_tail(tail_start)


@dataclass(frozen=True)
class _Slice:
    lines: pl.DataFrame
    undecodable: list[Fragment]


@dataclass
class _Reader:
    piece: Piece
    target: Target
    rules: RecordRules
    rows: int = 0
    rejected: int = 0

    def __post_init__(self) -> None:
        self.line = self.piece.start.lines + 1

    def is_by_line(self) -> bool:
        """Tell whether the first line with something on it stands by itself."""
        beginning = b""
        for block in _blocks(self.piece, self.piece.complete):
            beginning = block.lstrip()
            if beginning:
                break
        first = beginning.partition(b"\n")[0]
        if not first:
            return True
        try:
            json.loads(first)
        except (ValueError, RecursionError):
            text = beginning.decode("utf-8", "surrogateescape")
            return not opens_document(text, is_continued=self.piece.start.length > 0)
        return True

    def slices(self, stop: int) -> Iterator[_Slice]:
        """Yield the lines up to `stop`; runs beside the database, which it leaves alone."""
        for block in _blocks(self.piece, stop):
            part = _slice(block, self.line)
            self.line += part.lines.height
            yield part

    def take_slice(self, part: _Slice) -> None:
        for fragment in part.undecodable:
            self._reject(fragment, "invalid_utf8")
        self.take(part.lines)

    def take(self, frame: pl.DataFrame) -> None:
        target = self.target
        is_plain = not self.rules.page_key and frame["text"].str.starts_with("{").all()
        records = self.rules.records(is_plain=is_plain)
        target.frame("landing_lines", frame)
        kept = _changed(
            target,
            _KEEP.format(table=target.table, records=records),
            [target.load_id, target.file, target.loaded_at],
        )
        self.rows += kept
        if is_plain and kept == frame.height:
            return  # one record to a line, and all are in: no need to look for rejects
        self.rejected += _changed(
            target,
            _REJECT.format(records=records),
            [target.load_id, target.source, target.file, target.reject_characters],
        )

    def take_tail(self, start: int) -> Outcome:
        """Take the complete values behind `start`; the rest waits, or is cut for good."""
        piece = self.piece
        if piece.whole - start > piece.limits.document_bytes:
            raise TooLargeError(f"more than {piece.limits.document_bytes} bytes in one value")
        data = b"".join(piece.chunks(start, piece.whole))
        text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        scanner = Scanner(text, self.line, is_continued=start > 0)
        found = scanner.values()
        while batch := list(islice(found, _VALUES_PER_FRAME)):
            self._take_values(batch)
        left = text[scanner.end :]
        is_cut = piece.is_settled and bool(left.strip() or piece.content.damage)
        if is_cut:
            line = self.line + text.count("\n", 0, scanner.end)
            self._reject(Fragment(line, left.strip()), piece.content.damage or "truncated")
        behind = len(left.encode("utf-8", "surrogateescape"))
        return Outcome(self.rows, self.rejected, piece.whole - behind, is_cut)

    def _take_values(self, values: Iterable[Value | Fragment]) -> None:
        rows = []
        for value in values:
            if not _is_unicode(value.text):
                self._reject(Fragment(value.line, value.text), "invalid_utf8")
            elif isinstance(value, Fragment):
                self._reject(value, "broken_json")
            else:
                rows.append((value.line, value.position, value.text))
        if rows:
            self.take(pl.DataFrame(rows, schema=_SCHEMA, orient="row"))

    def _reject(self, fragment: Fragment, reason: str) -> None:
        self.target.reject(fragment.line, reason, fragment.text)
        self.rejected += 1


def _blocks(piece: Piece, stop: int) -> Iterator[bytes]:
    """Yield blocks of whole lines from the piece's start to `stop`, which is a line end."""
    held: list[bytes] = []
    size = 0
    for chunk in piece.chunks(piece.start.length, stop):
        cut = chunk.rfind(b"\n") + 1
        held.append(chunk)
        size += len(chunk)
        if cut and size >= piece.limits.slice_bytes:
            held[-1] = chunk[:cut]
            yield b"".join(held)
            held, size = [chunk[cut:]], len(chunk) - cut
        elif size > piece.limits.document_bytes:
            raise TooLargeError(f"more than {piece.limits.document_bytes} bytes in one line")
    if held and size:
        yield b"".join(held)


def _slice(block: bytes, first_line: int) -> _Slice:
    block = block.removeprefix(b"\xef\xbb\xbf")
    undecodable: list[Fragment] = []
    try:
        _ = block.isascii() or block.decode()
    except UnicodeDecodeError:
        block, undecodable = _without_undecodable(block, first_line)
    # The line end in front keeps polars from taking the first bytes for a compressed file.
    frame = pl.read_lines(io.BytesIO(b"\n" + block), name="text").slice(1)
    return _Slice(
        frame.select(
            pl.int_range(first_line, first_line + frame.height, dtype=pl.Int64).alias("line"),
            pl.lit(None, dtype=pl.Int32).alias("position"),
            "text",
        ),
        undecodable,
    )


def _without_undecodable(block: bytes, first_line: int) -> tuple[bytes, list[Fragment]]:
    lines = block.split(b"\n")
    undecodable = []
    for number, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError:
            text = line.decode("utf-8", "replace")
            undecodable.append(Fragment(first_line + number, text))
            lines[number] = b""
    return b"\n".join(lines), undecodable


def _changed(target: Target, statement: str, parameters: list[object]) -> int:
    ((count,),) = target.connection.execute(statement, parameters).fetchall()
    return int(count)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
