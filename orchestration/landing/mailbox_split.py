"""An mbox cut into its mails, block by block, whatever its line ends are (formats.md 1.6)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

#: `From sender date`: the date tells it from a sentence that begins with "From".
_SEPARATOR = re.compile(rb"From \S[^\r\n]*\d\d:\d\d")
_FULL_SEPARATOR = re.compile(
    rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d"
)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BLANK_LINE_BEFORE = re.compile(rb"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)\Z")
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:|>*From ")
_LOOKBACK_BYTES = 256
#: Longer lines are neither separators nor the beginning of a header.
_LINE_BYTES = 4_096


@dataclass(frozen=True)
class RawMail:
    """A mail as it lies in its file, separator line and all.

    Of a mail that is too large, only the beginning is one; what follows are pieces that are
    `is_rest`. `is_last`: the file ends here, and the mail may go on some day.

    `known_bytes` of it were taken in by an earlier load, which took `begun` for the mail.
    """

    line: int
    raw: bytes
    is_last: bool = False
    is_too_large: bool = False
    is_rest: bool = False
    known_bytes: int = 0
    begun: bytes = b""

    @property
    def has_full_separator(self) -> bool:
        """Tell whether it begins as only a mail in an mbox does."""
        return _FULL_SEPARATOR.match(self.raw) is not None


def split(
    chunks: Iterable[bytes],
    first_line: int,
    line_end: bytes,
    most: int,
    *,
    is_given_up: bool = False,
) -> Iterator[RawMail]:
    """Yield the mails of an mbox, each byte once; `most` is what may be held of one, in bytes.

    `is_given_up`: it begins within a mail that is too large.
    """
    buffer = _Buffer()
    line = first_line
    for chunk in chain(chunks, (None,)):
        buffer.add(chunk)
        while (at := buffer.next_separator()) is not None:
            raw = buffer.cut(at)
            yield RawMail(line, raw, is_rest=is_given_up)
            line, is_given_up = line + raw.count(line_end), False
        if is_given_up or buffer.held > most:
            raw = buffer.cut(buffer.scanned)
            yield RawMail(line, raw, is_too_large=not is_given_up, is_rest=is_given_up)
            line, is_given_up = line + raw.count(line_end), True
    if raw := buffer.cut(None):
        yield RawMail(line, raw, is_last=True, is_rest=is_given_up)


class _Buffer:
    """Bytes that were read and not yet cut off; `scanned`: where to look for a separator next."""

    def __init__(self) -> None:
        self.scanned = 1  # what begins at the very first byte is no mail behind another
        self._data = b""
        self._begin = 0
        self._is_all = False

    @property
    def held(self) -> int:
        return len(self._data) - self._begin

    def add(self, chunk: bytes | None) -> None:
        """Take the next bytes, or learn that there are no more."""
        if chunk is None:
            self._is_all = True
            return
        dropped = max(self._begin - _LOOKBACK_BYTES, 0)
        self._data = self._data[dropped:] + chunk
        self._begin -= dropped
        self.scanned -= dropped

    def cut(self, at: int | None) -> bytes:
        """Return the bytes before an offset, or all, and hold them no more."""
        end = len(self._data) if at is None else max(at, self._begin)
        piece = self._data[self._begin : end]
        self._begin = end
        return piece

    def next_separator(self) -> int | None:
        """Return where the next mail begins; None if the bytes so far do not tell."""
        while (at := self._data.find(b"From ", self.scanned)) >= 0:
            is_separator = self._data[at - 1] in b"\r\n" and self._begins_mail(at)
            if is_separator is None:
                self.scanned = at
                return None
            self.scanned = at + 1
            if is_separator:
                return at
        self.scanned = max(self.scanned, len(self._data) - len("From"))
        return None

    def _begins_mail(self, at: int) -> bool | None:
        """Tell whether a line that begins with "From " begins a mail; None: not known yet."""
        end = _LINE_END.search(self._data, at, at + _LINE_BYTES)
        following = end.end() if end else len(self._data)
        is_in_sight = _LINE_END.search(self._data, following, following + _LINE_BYTES)
        if not (is_in_sight or self._is_all or len(self._data) > at + 2 * _LINE_BYTES):
            return None
        is_full = _FULL_SEPARATOR.match(self._data, at) is not None
        before = max(at - _LOOKBACK_BYTES, 0)
        is_after_blank = _BLANK_LINE_BEFORE.search(self._data, before, at) is not None
        if is_full and is_after_blank:
            return True
        if not is_full and not (is_after_blank and _SEPARATOR.match(self._data, at)):
            return False
        # Some quote no "From ", others forget the empty line: headers follow, or it is a sentence.
        return end is not None and _HEADER.match(self._data, following) is not None
