"""JSON files of any layout, into a raw table: DuckDB parses, checks and sorts out, in frames.

A line may hold an object, an array of them or a page (`{"enrollments": [...]}`); a value may also
spread over lines. Python moves blocks of some megabytes; it never looks at a record.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from orchestration.landing.documents import BLANK, Fragment, Scanner, Value, opens_document
from orchestration.landing.lines import Blocks, LineReader
from orchestration.landing.piece import Outcome, Piece, Target
from orchestration.landing.record_sql import (
    IS_MENDABLE,
    KEEP,
    REFUSED,
    REJECT,
    SKIP,
    SORT_OUT,
    SORTED_OUT,
    TAKE_BROKEN,
    RecordRules,
)
from orchestration.landing.windows import WINDOW_BYTES, Found, Windows

_SCHEMA = {"line": pl.Int64, "position": pl.Int32, "text": pl.String}
_Row = tuple[int, int | None, str]
_VALUES_PER_FRAME = 50_000
#: The first line is looked at to tell the layout; a longer one is a document as well.
_FIRST_LINE_BYTES = 8 << 20
#: Frames with lines that may well be blank (there can be millions) are rid of those first.
_SHORT = 2
#: From here on a line is bulky: it may take hundreds of times its length to take it apart.
_BULKY = 64 << 10


def read_records(piece: Piece, target: Target, rules: RecordRules) -> Outcome:
    """Load the new part of a JSON file; whole lines first, then what is left at its end.

    Raises:
        UnreadableFileError: the text is not UTF-8 from its first bytes on.
        OSError, FileChangedError: the file cannot be read (any more).
    """
    reader = _Reader(piece, target, rules)
    blocks = Blocks(piece)
    if _is_by_line(piece, target, rules):
        lines = LineReader(piece, blocks)
        for part in lines:
            reader.reject_all([(bad.line, bad.reason, bad.text) for bad in part.bad])
            reader.take(part.frame)
        reader.take_tail(blocks.rest, lines.line)
    else:
        reader.take_documents()
    return reader.outcome


def _is_by_line(piece: Piece, target: Target, rules: RecordRules) -> bool:
    """Tell whether the first line with something on it stands by itself."""
    beginning = _beginning(piece)
    first = beginning.partition(piece.content.line_end)[0]
    if not first or (rules.form_field and _has_form(beginning, rules.form_field)):
        return True
    if len(first) > _longest_first_line(piece):
        return False
    if _is_json(target, first):
        return True
    text = beginning.decode("utf-8", "surrogateescape")
    return not opens_document(text, is_continued=piece.start.length > 0)


def _has_form(beginning: bytes, form_field: str) -> bool:
    """Tell whether a line is the body of a form post: the first, or one behind a broken first."""
    return re.search(rb"^" + re.escape(form_field.encode()) + rb"=", beginning, re.M) is not None


def _beginning(piece: Piece) -> bytes:
    """Return what there is up to the end of the first line with something on it, or more."""
    found = bytearray()
    for chunk in piece.content.chunks(piece.start.length):
        found += chunk if found else chunk.lstrip(BLANK.encode())
        if piece.content.line_end in found or len(found) > _longest_first_line(piece):
            break
    return bytes(found)


def _longest_first_line(piece: Piece) -> int:
    return min(_FIRST_LINE_BYTES, piece.limits.document_bytes)


@dataclass
class _Reader:
    piece: Piece
    target: Target
    rules: RecordRules
    outcome: Outcome = field(default_factory=Outcome)

    @cached_property
    def _plain(self) -> str | None:
        return self.rules.plain()

    @cached_property
    def _any_layout(self) -> str:
        return self.rules.any_layout()

    @cached_property
    def _any_layout_in_stages(self) -> str:
        return self.rules.any_layout(in_stages=True)

    def take(self, frame: pl.DataFrame, *, is_last_look: bool = False) -> None:
        """Load the lines of a frame."""
        for part in _portions(frame, self.piece.limits.frame_bytes):
            self._take(part, is_last_look=is_last_look)

    def _take(self, frame: pl.DataFrame, *, is_last_look: bool) -> None:
        """Load lines; those that are surely one object each go the short way."""
        if self._plain is None:
            self._load_any_layout(frame, is_last_look=is_last_look)
            return
        is_object = frame["text"].str.starts_with("{")
        # A frame as it came has many chunks, which DuckDB's threads share; a filtered one has one.
        if is_object.all():
            self._load_plain(frame, self._plain, is_last_look=is_last_look)
        elif not is_object.any():
            self._load_any_layout(frame, is_last_look=is_last_look)
        else:
            self._load_plain(frame.filter(is_object), self._plain, is_last_look=is_last_look)
            self._load_any_layout(frame.filter(~is_object), is_last_look=is_last_look)

    def _load_plain(self, frame: pl.DataFrame, records: str, *, is_last_look: bool) -> None:
        self.target.frame("landing_lines", frame)
        if self._keep(records) == frame.height:
            return  # one record to a line, and all are in: no need to look for rejects
        self.target.connection.execute(SORT_OUT.format(records=records) + REFUSED)
        broken = self._take_broken("true")
        self._refuse()
        if broken:
            frame = pl.DataFrame(broken, schema=_SCHEMA, orient="row")
            self._load_any_layout(frame, is_last_look=is_last_look)

    def _load_any_layout(self, frame: pl.DataFrame, *, is_last_look: bool) -> None:
        if (frame["text"].str.len_bytes() < _SHORT).any():
            frame = frame.filter(frame["text"].str.strip_chars() != "")
        is_bulky = (frame["text"].str.len_bytes() >= _BULKY).any()
        records = self._any_layout_in_stages if is_bulky else self._any_layout
        self.target.frame("landing_lines", frame)
        # Taking lines apart costs more than keeping what came of it for a moment.
        self.target.connection.execute(SORT_OUT.format(records=records))
        self._keep(SORTED_OUT)
        broken = [] if is_last_look else self._take_broken(IS_MENDABLE)
        self._refuse()
        if broken:
            found = (each for line, _, text in broken for each in _found_in(line, text))
            self._take_found(found, is_last_look=True)

    def _keep(self, records: str) -> int:
        target = self.target
        kept = target.execute(
            KEEP.format(table=target.table, records=records),
            [target.load_id, target.file, target.loaded_at],
        )
        self.outcome.rows += kept
        return kept

    def _take_broken(self, condition: str) -> list[_Row]:
        statement = TAKE_BROKEN.format(condition=condition)
        return self.target.connection.execute(statement).fetchall()

    def _refuse(self) -> None:
        target, outcome = self.target, self.outcome
        place = [target.load_id, target.source, target.file]
        outcome.rejected += target.execute(
            REJECT.format(records=SORTED_OUT), [*place, target.reject_characters]
        )
        if self.rules.skips:
            outcome.skipped += target.skip(SKIP.format(records=SORTED_OUT), place)

    def take_documents(self) -> None:
        """Take a text whose lines mean nothing in themselves."""
        windows = Windows(self.piece, self.piece.start.lines + 1)
        self._take_found(windows.of_piece())
        self._end(windows)

    def take_tail(self, data: bytes, line: int) -> None:
        """Take the complete values of what is left behind the last whole line."""
        if self._is_whole_form(data):
            self._take_found([Value(line, None, data.decode())])
            self.piece.take(data)
            return
        windows = Windows(self.piece, line)
        self._take_found(windows.of_text(data))
        self._end(windows)

    def _end(self, windows: Windows) -> None:
        """Let what is cut off wait for its rest, or reject it if there is none to come."""
        left, damage = windows.left.strip(BLANK), self.piece.content.damage
        if self.piece.is_settled and (left or damage):
            self.outcome.is_cut = True
            self.reject_all([(windows.left_line, damage or "truncated", left)])

    def _is_whole_form(self, data: bytes) -> bool:
        """Tell whether a file ends in the whole body of a form post, but for the line end."""
        prefix = f"{self.rules.form_field}=".encode()
        if self.rules.form_field is None or not (data.startswith(prefix) and data.isascii()):
            return False
        ((is_valid,),) = self.target.connection.execute(
            f"select try(json_valid({self.rules.text()})) from (select ? as text)", [data.decode()]
        ).fetchall()
        return bool(is_valid)

    def _take_found(self, found: Iterable[Found], *, is_last_look: bool = False) -> None:
        """Load values and reject fragments, some megabytes at a time."""
        rows: list[_Row] = []
        rejects: list[tuple[int, str, str]] = []
        size = 0
        for each in found:
            size += len(each.text)
            if not _is_unicode(each.text):
                rejects.append((each.line, "invalid_utf8", each.text))
            elif isinstance(each, Fragment):
                rejects.append((each.line, each.reason, each.text))
            else:
                rows.append((each.line, each.position, each.text))
            if len(rows) + len(rejects) >= _VALUES_PER_FRAME or size >= WINDOW_BYTES:
                self._take_rows(rows, is_last_look=is_last_look)
                self.reject_all(rejects)
                rows, rejects, size = [], [], 0
        self._take_rows(rows, is_last_look=is_last_look)
        self.reject_all(rejects)

    def _take_rows(self, rows: list[_Row], *, is_last_look: bool) -> None:
        if rows:
            frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
            self.take(frame, is_last_look=is_last_look)

    def reject_all(self, rejects: Sequence[tuple[int, str, str]]) -> None:
        """Keep records that could not be read: line, reason and text of each."""
        self.outcome.rejected += self.target.reject_all(rejects)


def _portions(frame: pl.DataFrame, most: int) -> Iterator[pl.DataFrame]:
    """Yield the lines of a frame by less than `most` bytes and one line more."""
    ends = frame["text"].str.len_bytes().cast(pl.Int64).cum_sum()
    if not len(ends) or ends[-1] <= most:
        yield frame
        return
    start = 0
    for length in (ends // most).rle().struct.field("len"):
        yield frame.slice(start, length)
        start += length


def _found_in(line: int, text: str) -> list[Found]:
    """Return the values and fragments of a broken line; only itself where it holds no object."""
    scanner = Scanner(text, line, is_line=True)
    found = list(scanner.values())
    if rest := text[scanner.end :].strip(BLANK):
        found.append(Fragment(line, rest))
    has_object = any(isinstance(each, Value) and each.text.startswith("{") for each in found)
    return found if has_object else [Fragment(line, text)]


def _is_json(target: Target, data: bytes) -> bool:
    # DuckDB, not the standard library: it builds no objects of a line of many megabytes.
    text = data.decode("utf-8", "replace")
    ((is_valid,),) = target.connection.execute("select json_valid(?)", [text]).fetchall()
    return bool(is_valid)


def _is_unicode(text: str) -> bool:
    """Tell whether a text has no lone surrogates, as from bytes that were no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
