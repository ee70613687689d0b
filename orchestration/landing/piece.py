"""What a reader is given (the new part of a file) and what it hands back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from orchestration.landing.content import Content, Prefix, Reading
from orchestration.landing.limits import Limits

_REJECTS = {"line": pl.Int64, "reason": pl.String, "payload": pl.String}
_REJECT = """
insert into raw.rejects (load_id, source, file, line, reason, payload)
select ?, ?, ?, line, reason, payload from landing_rejects
"""


class UnreadableFileError(ValueError):
    """A file that is of no use as a whole; the message is the reason for `raw.rejects`."""


@dataclass
class Piece:
    """The part of a file that has not been loaded yet, from `start` on.

    A reader goes through `chunks` once and tells with `take`, in order, which bytes it has done
    with; what it does not take is read again in the next pass. `is_settled`: nothing more is
    expected to come.
    """

    content: Content
    file: str
    start: Prefix
    is_settled: bool
    limits: Limits
    taken: Reading
    read_bytes: int = field(default=0, init=False)

    def chunks(self) -> Iterator[bytes]:
        """Yield the new bytes.

        Raises:
            OSError, FileChangedError: the file cannot be read (any more).
        """
        self.read_bytes = 0
        for chunk in self.content.chunks(self.start.length):
            self.read_bytes += len(chunk)
            yield chunk

    def chunks_from_the_beginning(self) -> Iterator[bytes]:
        """Yield the known bytes too, for a file that makes sense only as a whole."""
        self.read_bytes = -self.start.length
        for chunk in self.content.chunks():
            self.read_bytes += len(chunk)
            yield chunk

    def known_chunks(self) -> Iterator[bytes]:
        """Yield the bytes that were loaded before, for a look back."""
        left = self.start.length
        for chunk in self.content.chunks():
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    def take(self, data: bytes) -> None:
        """Count the next bytes as loaded, rejected or empty."""
        self.taken.take(data)

    @property
    def pending_bytes(self) -> int:
        """Bytes read but not taken, once all chunks have gone by."""
        return self.start.length + self.read_bytes - self.taken.length


@dataclass
class Outcome:
    """What became of a piece, in records. `skipped`: known to be none of ours, and counted."""

    rows: int = 0
    rejected: int = 0
    skipped: int = 0
    #: Something is cut short at the end and nothing more is expected: said once, in rejects.
    is_cut: bool = False


class Frames:
    """Polars frames that DuckDB reads as views.

    What is registered stays in memory until the connection is closed, so each name is registered
    once and its frame exchanged.
    """

    def __init__(self, connection: DuckDBPyConnection) -> None:
        """Serve frames over a connection."""
        self.connection = connection
        self._streams: dict[str, _ArrowStream] = {}

    def put(self, name: str, frame: pl.DataFrame) -> None:
        """Make a frame readable under a name, in place of the one before."""
        if name not in self._streams:
            self._streams[name] = _ArrowStream(frame)
            self.connection.register(name, self._streams[name])
        self._streams[name].frame = frame

    def forget(self) -> None:
        """Register all names anew: what a transaction registered goes when it is rolled back."""
        for stream in self._streams.values():
            stream.frame = stream.frame.clear()
        self._streams.clear()


@dataclass
class _ArrowStream:
    """A polars frame behind the Arrow stream interface alone.

    DuckDB would look for pyarrow if it saw that this is a polars frame; it needs none for this.
    """

    frame: pl.DataFrame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand out the frame's columns without copying them."""
        return self.frame.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True)
class Target:
    """Where a reader writes: raw tables, within the transaction of one file."""

    connection: DuckDBPyConnection
    frames: Frames
    load_id: int
    loaded_at: datetime
    source: str
    table: str
    file: str
    reject_characters: int

    def frame(self, name: str, frame: pl.DataFrame) -> None:
        """Make a polars frame readable to DuckDB as the view `name`, until it is replaced."""
        self.frames.put(name, frame)

    def execute(self, statement: str, parameters: list[object] | dict[str, object]) -> int:
        """Run a statement that changes rows, and return how many."""
        ((count,),) = self.connection.execute(statement, parameters).fetchall()
        return int(count)

    def skip(self, statement: str, parameters: list[object]) -> int:
        """Run a statement that adds to `raw.skipped` (returning `records`); return the sum."""
        counts = self.connection.execute(statement, parameters).fetchall()
        return sum(int(count) for (count,) in counts)

    def reject(self, line: int | None, reason: str, payload: str | None) -> None:
        """Keep a record, or a whole file, that could not be read (A8)."""
        self.reject_all([(line, reason, payload)])

    def reject_all(self, rejects: Sequence[tuple[int | None, str, str | None]]) -> int:
        """Keep many that could not be read: line, reason and text of each; return how many."""
        if not rejects:
            return 0
        rows = [
            (line, reason, None if text is None else _storable(text[: self.reject_characters]))
            for line, reason, text in rejects
        ]
        self.frame("landing_rejects", pl.DataFrame(rows, schema=_REJECTS, orient="row"))
        return self.execute(_REJECT, [self.load_id, self.source, self.file])


def _storable(text: str) -> str:
    """Replace what UTF-8 cannot hold (lone surrogates, as from bytes that were no UTF-8)."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
