"""Texts whose lines mean nothing, taken apart a window at a time, however long they are."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from orchestration.landing.documents import BLANK, Fragment, Scanner, Value
from orchestration.landing.piece import Piece

WINDOW_BYTES = 16 << 20

Found = Value | Fragment


@dataclass
class Windows:
    """The values of a text that begins on `line`, and in the end what is left of it.

    `left` is then cut off, and begins on the line `left_line`. A value that is longer than may be
    held in memory is given up, all but its beginning.
    """

    piece: Piece
    line: int
    left: str = field(default="", init=False)
    _position: int | None = field(default=None, init=False)
    _is_continued: bool = field(init=False)
    _cut: tuple[int, int | None] = field(default=(0, None), init=False)
    #: What comes before the record behind one that was given up.
    _sought: re.Pattern[str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._is_continued = self.piece.taken.length > 0

    @property
    def left_line(self) -> int:
        """The line on which what is left begins."""
        blank = len(self.left) - len(self.left.lstrip(BLANK))
        return self.line + self.left.count("\n", 0, blank)

    def of_piece(self) -> Iterator[Found]:
        """Yield what is found in everything that the piece has.

        Raises:
            OSError, FileChangedError: the file cannot be read (any more).
        """
        most = self.piece.limits.document_bytes
        wanted = min(WINDOW_BYTES, most)
        held = b""
        for chunk in self.piece.chunks():
            held += chunk
            if len(held) < wanted:
                continue
            held = yield from self.of_text(held)
            if len(held) > most:
                yield self._give_up(held)
                held = b""
            # What is cut off is looked at anew when there is twice as much of it.
            wanted = min(max(WINDOW_BYTES, 2 * len(held)), most + 1)
        yield from self.of_text(held)

    def of_text(self, data: bytes) -> Generator[Found, None, bytes]:
        """Yield what is found in a text, and return the rest that is cut off."""
        text = self._text(data)
        if self._sought:
            text = self._behind_given_up(text, self._sought)
        scanner = Scanner(text, self.line, self._position, is_continued=self._is_continued)
        if self._sought is None:
            yield from scanner.values()
        self.line = scanner.line_of(scanner.end)
        self.left = text[scanner.end :]
        self._position, self._is_continued = scanner.position, False
        self._cut = scanner.cut[0] - scanner.end, scanner.cut[1]
        begin = len(data) - len(self.left.encode("utf-8", "surrogateescape"))
        self.piece.take(data[:begin])
        return data[begin:]

    def _text(self, data: bytes) -> str:
        text = data.decode("utf-8", "surrogateescape")
        return text.replace("\r", "\n") if self.piece.content.line_end == b"\r" else text

    def _give_up(self, held: bytes) -> Fragment:
        limits = self.piece.limits
        at, position = self._cut
        scanner = Scanner(self.left, self.line)
        self._sought = scanner.before_record(at)
        self._position = None if position is None else position + 1
        found = Fragment(
            scanner.line_of(at),
            self.left[at : at + limits.reject_characters],
            f"too_large: more than {limits.document_bytes} bytes in one value",
        )
        self.line = scanner.line_of(len(self.left))
        self.left = ""
        self.piece.take(held)
        return found

    def _behind_given_up(self, text: str, sought: re.Pattern[str]) -> str:
        """Leave out what belongs to a value that was given up."""
        found = sought.search(text)
        if found:
            self._sought = None
            begin = found.end()
        else:
            # The line that is under way may yet turn out to be the next record's.
            last = text.rfind("\n")
            begin = len(text) if last < 0 or text[last:].strip(BLANK) else last
        self.line += text.count("\n", 0, begin)
        return text[begin:]
