"""What a reader is given (the new part of a file) and what it hands back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from orchestration.landing.content import Content, Prefix
from orchestration.landing.limits import Limits


@dataclass(frozen=True)
class Piece:
    """The part of a file that has not been loaded: from `start` on, `complete` up to the last
    line end, `whole` up to the last byte. `is_settled`: nothing more is expected to come.
    """  # noqa: D205

    content: Content
    file: str
    start: Prefix
    complete: int
    whole: int
    is_settled: bool
    limits: Limits

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the content's bytes between two offsets."""
        return self.content.chunks(start, stop) if stop > start else iter(())


@dataclass(frozen=True)
class Outcome:
    """What became of a piece: counts of records, and the offset up to which it was taken in."""

    rows: int
    rejected: int
    consumed: int
    #: Something is cut short at the end and nothing more is expected: said once, in rejects.
    is_cut: bool = False


@dataclass(frozen=True)
class Target:
    """Where a reader writes: raw tables, within the transaction of one file."""

    connection: DuckDBPyConnection
    load_id: int
    loaded_at: datetime
    source: str
    table: str
    file: str
    reject_characters: int

    def frame(self, name: str, frame: pl.DataFrame) -> None:
        """Make a polars frame readable to DuckDB as the view `name`, until it is replaced."""
        self.connection.register(name, ArrowStream(frame))

    def reject(self, line: int | None, reason: str, payload: str | None) -> None:
        """Keep a record, or a whole file, that could not be read (A8)."""
        text = None if payload is None else _storable(payload[: self.reject_characters])
        self.connection.execute(
            "insert into raw.rejects values (?, ?, ?, ?, ?, ?)",
            [self.load_id, self.source, self.file, line, reason, text],
        )


@dataclass(frozen=True)
class ArrowStream:
    """A polars frame behind the Arrow stream interface alone.

    DuckDB would look for pyarrow if it saw that this is a polars frame; it needs none for this.
    """

    frame: pl.DataFrame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand out the frame's columns without copying them."""
        return self.frame.__arrow_c_stream__(requested_schema)


def _storable(text: str) -> str:
    """Replace what UTF-8 cannot hold (lone surrogates, as from bytes that were no UTF-8)."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
