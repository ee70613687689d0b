"""The whole lines of a text file, in frames that the database takes in at once."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl

from orchestration.landing.piece import Piece, UnreadableFileError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: From so many bytes a line on, lines are long.
_LONG_LINE = 4 << 10


@dataclass(frozen=True)
class BadLine:
    """A line that is no text that the database could look at."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class _LongLine:
    beginning: bytes


@dataclass(frozen=True)
class Lines:
    """Some lines (`line` from 1, `text`) and those among them that could not be decoded."""

    frame: pl.DataFrame
    bad: list[BadLine]


@dataclass
class Blocks:
    """Iterates over blocks of whole lines; what stands behind the last line end is `rest`.

    A line longer than may be held in memory is given up, all but its beginning.

    Raises:
        UnreadableFileError: the text is not UTF-8 from its first bytes on.
    """

    piece: Piece
    rest: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        if self.piece.content.head.startswith(UTF_16_MARKS):
            raise UnreadableFileError("wrong_encoding: UTF-16, deliver it as UTF-8")

    def __iter__(self) -> Iterator[bytes | _LongLine]:
        """Yield blocks of some megabytes."""
        piece, line_end = self.piece, self.piece.content.line_end
        held: list[bytes] = []
        size = 0
        is_given_up = False
        for chunk in piece.chunks():
            data = chunk
            if is_given_up:
                end = data.find(line_end) + 1 or len(data)
                piece.take(data[:end])
                is_given_up = not data[:end].endswith(line_end)
                data = data[end:]
            cut = data.rfind(line_end) + 1
            if cut:
                yield b"".join([*held, data[:cut]])
                held, size = [], 0
            held.append(data[cut:])
            size += len(data) - cut
            if size > piece.limits.document_bytes:
                for part in held:
                    piece.take(part)
                # The hole in front of a log that was emptied while its writer went on is no line.
                is_given_up = any(part.strip(b"\0") for part in held)
                if is_given_up:
                    yield _LongLine(held[0][: piece.limits.reject_characters])
                held, size = [], 0
        self.rest = b"".join(held)


@dataclass
class LineReader:
    """Iterates over the lines of blocks, as many at a time as the database likes.

    `line` is then the number of the line behind the last one.
    """

    piece: Piece
    blocks: Blocks
    line: int = field(init=False)

    def __post_init__(self) -> None:
        self.line = self.piece.start.lines + 1

    def __iter__(self) -> Iterator[Lines]:
        """Yield lines; the next ones are prepared while the caller is busy with these."""
        with ThreadPoolExecutor(1) as ahead:
            gathered = self._gathered()
            coming = ahead.submit(next, gathered, None)
            while (lines := coming.result()) is not None:
                coming = ahead.submit(next, gathered, None)
                yield lines

    def _gathered(self) -> Iterator[Lines]:
        limits = self.piece.limits
        frames: list[pl.DataFrame] = []
        bad: list[BadLine] = []
        rows = size = 0
        for block in self.blocks:
            if isinstance(block, _LongLine):
                bad.append(_long_line(self.line, block, limits.document_bytes))
                self.line += 1
                continue
            self.piece.take(block)
            if block.isspace():
                self.line += block.count(self.piece.content.line_end)
                continue
            frames.append(self._frame(block, bad))
            rows += frames[-1].height
            size += len(block)
            # Long lines take many times their length while they are taken apart.
            most = limits.frame_bytes // (8 if size > rows * _LONG_LINE else 1)
            while rows >= limits.frame_rows or size >= most:
                frame = pl.concat(frames, rechunk=False)
                yield Lines(frame.head(limits.frame_rows), bad)
                frames, bad = [frame.slice(limits.frame_rows)], []
                rows, size = frames[0].height, 0
        if rows or bad:
            yield Lines(pl.concat(frames or [_numbered(pl.Series("text", [], pl.String), 1)]), bad)

    def _frame(self, block: bytes, bad: list[BadLine]) -> pl.DataFrame:
        """Return the lines of a block that are UTF-8; the others join `bad`."""
        first = self.line
        if first == 1:
            block = block.removeprefix(BYTE_ORDER_MARK)
        if self.piece.content.line_end == b"\r":
            block = block.replace(b"\r", b"\n")
        try:
            _ = block.isascii() or block.decode()
        except UnicodeDecodeError:
            block = _without_undecodable(block, first, bad)
        # The line end in front keeps polars from taking the first bytes for a compressed file.
        texts = pl.read_lines(io.BytesIO(b"\n" + block), name="text").slice(1)
        self.line += texts.height
        return _numbered(texts["text"], first)


def _numbered(texts: pl.Series, first: int) -> pl.DataFrame:
    numbers = pl.int_range(first, first + len(texts), dtype=pl.Int64, eager=True)
    # A line is no element of an array; its records may be.
    positions = pl.Series("position", [None], dtype=pl.Int32).new_from_index(0, len(texts))
    return pl.DataFrame({"line": numbers, "position": positions, "text": texts})


def _long_line(line: int, found: _LongLine, most: int) -> BadLine:
    text = found.beginning.decode("utf-8", "replace")
    return BadLine(line, f"too_large: more than {most} bytes in one line", text)


def _without_undecodable(block: bytes, first: int, bad: list[BadLine]) -> bytes:
    lines = block.split(b"\n")
    for number, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError:
            bad.append(BadLine(first + number, "invalid_utf8", line.decode("utf-8", "replace")))
            lines[number] = b""
    return b"\n".join(lines)
