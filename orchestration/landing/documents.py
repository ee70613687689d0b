"""JSON values that spread over lines, or share one: found one by one in a text.

Only what DuckDB cannot take line by line comes here: pretty-printed files, values without line
ends between them, and the cut-off end of a file.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Value:
    """A record's text. `position` is its index in an array; None: it stood by itself."""

    line: int
    position: int | None
    text: str


@dataclass(frozen=True)
class Fragment:
    """Text that is no JSON value."""

    line: int
    text: str


def opens_document(text: str, *, is_continued: bool) -> bool:
    """Tell whether `text` (which does not start with a line of JSON) starts a longer value.

    True as well for a value that is cut off by the end of the text. A broken line followed by
    other lines is no document.
    """
    start = _after_space(text, 0)
    if is_continued and text[start : start + 1] in {",", "]"}:
        return True
    if text[start : start + 1] == "[":
        start = _after_space(text, start + 1)
        if text[start : start + 1] in {"]", ""}:
            return True
    try:
        _, end = _decode(text, start)
    except json.JSONDecodeError as error:
        return _is_cut(error, text)
    return end > start


@dataclass
class Scanner:
    """Walks over the values of a text; `end` is then the offset behind the last one.

    A text that continues a file may begin inside an array (`is_continued`).
    """

    text: str
    line: int
    is_continued: bool = False
    end: int = 0
    _counted: int = field(default=0, init=False)

    def values(self) -> Iterator[Value | Fragment]:
        """Yield values, and fragments between them; what is cut off at the end stays behind."""
        at = _after_space(self.text, 0)
        position = 0 if self.is_continued and self.text[at : at + 1] in {",", "]"} else None
        while at < len(self.text):
            mark = self.text[at]
            if position is None and mark == "[":
                at, position = at + 1, 0
            elif position is not None and mark == "]":
                at, position = at + 1, None
                self.end = at
            elif position is not None and mark == ",":
                at += 1
            else:
                try:
                    _, stop = _decode(self.text, at)
                except json.JSONDecodeError as error:
                    stop = -1 if _is_cut(error, self.text) else self._next_record(at)
                    if stop < 0:
                        return
                    yield Fragment(self._line_of(at), self.text[at:stop].rstrip())
                else:
                    if stop == len(self.text) and mark not in "[{":
                        return  # a number or a word may still grow
                    yield Value(self._line_of(at), position, self.text[at:stop])
                    position = None if position is None else position + 1
                at = self.end = stop
            at = _after_space(self.text, at)
        if position is None:
            self.end = len(self.text)

    def _next_record(self, broken: int) -> int:
        """Find where reading may go on: a line that begins as the broken record's line does."""
        line_start = self.text.rfind("\n", 0, broken) + 1
        indent = re.escape(self.text[line_start:broken]) if line_start < broken else ""
        if indent.strip("\\ \t"):
            indent = r"[ \t]*"
        found = re.compile(rf"\n{indent}(?=[\[{{])").search(self.text, broken)
        return found.end() if found else -1

    def _line_of(self, offset: int) -> int:
        self.line += self.text.count("\n", self._counted, offset)
        self._counted = offset
        return self.line


def _decode(text: str, start: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError:
        raise json.JSONDecodeError("Nested too deeply", text, start) from None


def _is_cut(error: json.JSONDecodeError, text: str) -> bool:
    return error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip())


def _after_space(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    return space.end() if space else start
