"""JSON files of any layout, into a raw table: DuckDB parses, checks and sorts out, in frames.

A line may hold an object, an array of them or a page (`{"enrollments": [...]}`); a value may also
spread over lines. Python moves blocks of some megabytes; it never looks at a record.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import polars as pl

from orchestration.landing.documents import Fragment, Scanner, Value, opens_document
from orchestration.landing.lines import BYTE_ORDER_MARK, Blocks, LineReader
from orchestration.landing.piece import Outcome, Piece, Target
from orchestration.landing.record_sql import (
    KEEP,
    REJECT,
    SKIP,
    SORT_OUT,
    SORTED_OUT,
    RecordRules,
)

_SCHEMA = {"line": pl.Int64, "position": pl.Int32, "text": pl.String}
_VALUES_PER_FRAME = 50_000


def read_records(piece: Piece, target: Target, rules: RecordRules) -> Outcome:
    """Load the new part of a JSON file; whole lines first, then what is left at its end.

    Raises:
        UnreadableFileError: a value is longer than may be read at once, or no line is UTF-8.
        OSError, FileChangedError: the file cannot be read (any more).
    """
    reader = _Reader(piece, target, rules)
    blocks = Blocks(piece)
    if _is_by_line(piece, target, rules):
        lines = LineReader(piece, blocks)
        for part in lines:
            for bad in part.bad:
                reader.reject(bad.line, bad.reason, bad.text)
            reader.take(part.frame)
        reader.take_tail(blocks.rest, lines.line)
    else:
        reader.take_tail(blocks.documents(), piece.start.lines + 1)
    return reader.outcome


def _is_by_line(piece: Piece, target: Target, rules: RecordRules) -> bool:
    """Tell whether the first line with something on it stands by itself."""
    beginning = _beginning(piece)
    first = beginning.partition(piece.content.line_end)[0]
    if not first or (rules.form_field and first.startswith(f"{rules.form_field}=".encode())):
        return True
    if _is_json(target, first):
        return True
    text = beginning.decode("utf-8", "surrogateescape")
    return not opens_document(text, is_continued=piece.start.length > 0)


def _beginning(piece: Piece) -> bytes:
    """Return what there is up to the end of the first line with something on it, or more."""
    found = bytearray()
    for chunk in piece.content.chunks(piece.start.length):
        found += chunk if found else chunk.lstrip()
        if piece.content.line_end in found or len(found) > piece.limits.document_bytes:
            break
    return bytes(found).removeprefix(BYTE_ORDER_MARK)


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

    def take(self, frame: pl.DataFrame) -> None:
        """Load the lines of a frame; those that are surely one object each go the short way."""
        if self._plain is None:
            self._load(frame, self._any_layout)
            return
        is_object = frame["text"].str.starts_with("{")
        # A frame as it came has many chunks, which DuckDB's threads share; a filtered one has one.
        if is_object.all():
            self._load(frame, self._plain)
        elif not is_object.any():
            self._load(frame, self._any_layout)
        else:
            self._load(frame.filter(is_object), self._plain)
            self._load(frame.filter(~is_object), self._any_layout)

    def _load(self, frame: pl.DataFrame, records: str) -> None:
        if frame.is_empty():
            return
        target, outcome = self.target, self.outcome
        place = [target.load_id, target.source, target.file]
        target.frame("landing_lines", frame)
        if records == self._any_layout:
            # Taking lines apart costs more than keeping what came of it for a moment.
            target.connection.execute(SORT_OUT.format(records=records))
            records = SORTED_OUT
        kept = target.execute(
            KEEP.format(table=target.table, records=records),
            [target.load_id, target.file, target.loaded_at],
        )
        outcome.rows += kept
        if records == self._plain and kept == frame.height:
            return  # one record to a line, and all are in: no need to look for rejects
        outcome.rejected += target.execute(
            REJECT.format(records=records), [*place, target.reject_characters]
        )
        if self.rules.skips:
            outcome.skipped += target.skip(SKIP.format(records=records), place)

    def take_tail(self, data: bytes, line: int) -> None:
        """Take the complete values of what is left; the rest waits, or is cut for good."""
        piece = self.piece
        if self._is_whole_form(data):
            self._take_values([Value(line, None, data.decode())])
            piece.take(data)
            return
        text = data.decode("utf-8", "surrogateescape")
        if piece.content.line_end == b"\r":
            text = text.replace("\r", "\n")
        scanner = Scanner(text.removeprefix("\ufeff"), line, is_continued=piece.taken.length > 0)
        found = scanner.values()
        while batch := list(islice(found, _VALUES_PER_FRAME)):
            self._take_values(batch)
        left = scanner.text[scanner.end :]
        if piece.is_settled and (left.strip() or piece.content.damage):
            self.outcome.is_cut = True
            at = line + scanner.text.count("\n", 0, scanner.end)
            self.reject(at, piece.content.damage or "truncated", left.strip())
        piece.take(data[: len(data) - len(left.encode("utf-8", "surrogateescape"))])

    def _is_whole_form(self, data: bytes) -> bool:
        """Tell whether a file ends in the whole body of a form post, but for the line end."""
        prefix = f"{self.rules.form_field}=".encode()
        if self.rules.form_field is None or not (data.startswith(prefix) and data.isascii()):
            return False
        ((is_valid,),) = self.target.connection.execute(
            f"select try(json_valid({self.rules.text()})) from (select ? as text)", [data.decode()]
        ).fetchall()
        return bool(is_valid)

    def _take_values(self, values: Iterable[Value | Fragment]) -> None:
        rows = []
        for value in values:
            if not _is_unicode(value.text):
                self.reject(value.line, "invalid_utf8", value.text)
            elif isinstance(value, Fragment):
                self.reject(value.line, "broken_json", value.text)
            else:
                rows.append((value.line, value.position, value.text))
        if rows:
            self.take(pl.DataFrame(rows, schema=_SCHEMA, orient="row"))

    def reject(self, line: int, reason: str, text: str) -> None:
        """Keep a record that could not be read."""
        self.target.reject(line, reason, text)
        self.outcome.rejected += 1


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
