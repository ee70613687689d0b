"""JSON values that spread over lines, or share one: found one by one in a text.

Only what DuckDB cannot take line by line comes here: pretty-printed files, values without line
ends between them, lines that are broken, and the cut-off end of a file. Where a value ends is told
by its brackets; whether it is JSON, DuckDB says.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

#: Numbers stay text: some have more digits than Python takes.
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)

#: Zeroes are what a log that was emptied while its writer went on begins with; byte order marks
#: come with files that were put one behind the other.
BLANK = " \t\r\n\0\ufeff"
_SPACE = re.compile(f"[{BLANK}]*")
#: All up to the next bracket that is in no string. It never steps back, however much it read.
_TO_BRACKET = re.compile(r'(?:[^"{}\[\]]++|"(?:[^"\\\n]++|\\.)*+")*+([{}\[\]])?', re.DOTALL)
_SCALAR = re.compile(
    r'"(?:[^"\\\n]++|\\.)*+"|-?(?:\d++(?:\.\d++)?(?:[eE][+-]?\d++)?|Infinity)|NaN|true|false|null'
)
#: Where a record may begin on the line of a broken one: not where a value may stand within it.
_INNER_BEGINNING = re.compile(r'(?<=[^\s:,\[{])[ \t]*(?=[\[{]\s*[{"])')
_BEGINNING = re.compile(r'(?=[\[{]\s*[{"])')
_HEAD_OF_LINE = re.compile(r"\n\s*+(?<=\n)[\[{]")
_CLOSING = {"{": "}", "[": "]"}

#: How far a value is looked through before it is asked whether the next record has begun.
_NEAR = 64 << 10
#: How far it is looked through before that: many a value ends on its line, soon.
_VERY_NEAR = 1 << 10
_MOST_INDENT = 200
#: A line that is broken more often than this is no log's.
_MOST_BREAKS = 20
_CUT = -1
_BROKEN = -2


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
    reason: str = "broken_json"


def opens_document(text: str, *, is_continued: bool) -> bool:
    """Tell whether `text` (which does not start with a line of JSON) starts a longer value.

    True as well for a value that is cut off by the end of the text. A broken line followed by
    other lines is no document, and neither is one that breaks off where the next record begins: its
    writer died, or the rest of it came later.
    """
    start = after_space(text, 0)
    if _breaks_off(text, start):
        return False
    if is_continued and text[start : start + 1] in {",", "]"}:
        return True
    if text[start : start + 1] == "[":
        start = after_space(text, start + 1)
        if text[start : start + 1] in {"]", ""}:
            return True
    try:
        _, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return _is_cut(error, text)
    except RecursionError:
        end, _ = _bracketed_end(text, start)
    return end > start


def _breaks_off(text: str, start: int) -> bool:
    """Tell whether a line has part of a record that is not to go on, and the next begins one.

    No pattern does this in one go without looking at the line once for each of its quotes.
    """
    end = text.find("\n", start)
    if end < 0 or text[start] not in _CLOSING or text.find('"', start, end) < 0:
        return False
    last = text[start:end].rstrip(" \t\r")[-1]
    return not (last.isspace() or last in ",:[{") and bool(_HEAD_OF_LINE.match(text, end))


@dataclass
class Scanner:
    """Walks over the values of a text; `end` is then the offset behind the last one.

    `line` is the number of the line that the text begins on; `position` is that of its first value
    where it begins inside an array, and afterwards that of the value behind `end`. A text that
    continues a file (`is_continued`) may begin inside an array without anybody knowing. Where the
    text `is_line`, a record behind a broken one is looked for on the same line.
    """

    text: str
    line: int
    position: int | None = None
    is_continued: bool = False
    is_line: bool = False
    end: int = field(default=0, init=False)
    #: Where the value begins that is cut off, and its position.
    cut: tuple[int, int | None] = field(default=(0, None), init=False)
    _counted: int = field(default=0, init=False)
    _breaks: int = field(default=0, init=False)
    #: By the pattern of what comes before a record: up to where it was sought, where it was found.
    _sought: dict[re.Pattern[str], tuple[int, re.Match[str] | None]] = field(
        default_factory=dict, init=False
    )

    def values(self) -> Iterator[Value | Fragment]:
        """Yield values, and fragments between them; what is cut off at the end stays behind."""
        at = after_space(self.text, 0)
        position = self.position
        if self.is_continued and self.text[at : at + 1] in {",", "]"}:
            position = 0
        while at < len(self.text):
            mark = self.text[at]
            if position is None and mark == "[":
                at, position = at + 1, 0
            elif position is not None and mark == "]":
                at, position = at + 1, None
                self.end, self.position = at, position
            elif position is not None and mark == ",":
                at += 1
            else:
                stop, is_value = self._stop(at)
                if stop == _CUT:
                    break
                if is_value:
                    yield Value(self.line_of(at), position, self.text[at:stop])
                    position = None if position is None else position + 1
                else:
                    yield Fragment(self.line_of(at), self.text[at:stop].rstrip())
                at = self.end = stop
                self.position = position
            at = after_space(self.text, at)
        self.cut = at, position
        if position is None and at == len(self.text):
            self.end = at

    def line_of(self, offset: int) -> int:
        """Return the number of the line at an offset; offsets may only grow."""
        self.line += self.text.count("\n", self._counted, offset)
        self._counted = offset
        return self.line

    def next_record(self, broken: int) -> int:
        """Return the offset where reading may go on: a line that begins as the broken one's does.

        -1 where there is none.
        """
        if self.text.find("\n", broken) < 0:
            return -1
        found = self.before_record(broken).search(self.text, broken)
        return found.end() if found else -1

    def _near_record(self, at: int) -> int:
        """Return what `next_record` does, -1 where there is none near; offsets may only grow.

        Of many values on one line, each would look for the same line end.
        """
        pattern = self.before_record(at)
        most = min(at + _NEAR, len(self.text))
        stop, found = self._sought.get(pattern, (at, None))
        if found.start() < at if found else stop < most:
            stop = at + 2 * _NEAR
            found = pattern.search(self.text, at, stop)
            self._sought[pattern] = stop, found
        return found.end() if found and found.end() < most else -1

    def before_record(self, offset: int) -> re.Pattern[str]:
        """Return the pattern of what comes before a record like the one at an offset."""
        near = self.text[max(offset - _MOST_INDENT, 0) : offset]
        indent = near[near.rfind("\n") + 1 :]
        if indent.strip(" \t") or len(indent) == _MOST_INDENT:
            indent = "[ \t]*"
        return re.compile(rf"\n{indent}(?=[\[{{])")

    def _stop(self, at: int) -> tuple[int, bool]:
        """Return where the value at an offset ends, and whether it is one; `_CUT` if it is cut."""
        if self.text[at] not in _CLOSING:
            return self._scalar_stop(at)
        if self.is_line:
            return self._stop_on_line(at)
        very_near = at + _VERY_NEAR
        # Cut where the line ends: beyond, it depends on what follows whether this is one value.
        line_end = self.text.find("\n", at, very_near)
        beginning = self.text[at : very_near if line_end < 0 else line_end]
        if _CLOSING[beginning[0]] in beginning and (end := _decoded_end(beginning)) > 0:
            return at + end, True
        following = self._near_record(at)
        if following >= 0:
            end = _decoded_end(self.text[at : following + 1])
            if end == _BROKEN:
                return following, False
            if end != _CUT:
                return at + end, True
        end, reached = _bracketed_end(self.text, at)
        if end == _BROKEN:
            return self.next_record(at if following < 0 else reached), False
        return end, True

    def _scalar_stop(self, at: int) -> tuple[int, bool]:
        found = _SCALAR.match(self.text, at)
        if found:
            # A number or a word may still grow.
            return (found.end() if found.end() < len(self.text) else _CUT), True
        if not self.is_line:
            return self.next_record(at), False
        beginning = _BEGINNING.search(self.text, at + 1)
        return (beginning.end() if beginning else _CUT), False

    def _stop_on_line(self, at: int) -> tuple[int, bool]:
        try:
            return _DECODER.raw_decode(self.text, at)[1], True
        except json.JSONDecodeError:
            self._breaks += 1
            beginning = _INNER_BEGINNING.search(self.text, at + 1)
            if beginning is None or self._breaks > _MOST_BREAKS:
                return _CUT, False
            return beginning.end(), False
        except RecursionError:
            return _bracketed_end(self.text, at)[0], True


def _decoded_end(text: str) -> int:
    """Return where the value that a text begins with ends; it may be cut by the text's end."""
    try:
        return _DECODER.raw_decode(text)[1]
    except json.JSONDecodeError as error:
        return _CUT if _is_cut(error, text) else _BROKEN
    except RecursionError:
        return _CUT


def _bracketed_end(text: str, start: int) -> tuple[int, int]:
    """Return where the brackets that open at an offset are closed, and how far was looked.

    However deep they are, and in the memory of the brackets alone.
    """
    expected = []
    at = start
    while found := _TO_BRACKET.match(text, at):
        at = found.end()
        bracket = found[1]
        if bracket is None:
            # The text ends here, or a string that is not closed on its line begins.
            return (_CUT if text.find("\n", at) < 0 else _BROKEN), at
        if bracket in _CLOSING:
            expected.append(_CLOSING[bracket])
        elif expected.pop() != bracket:
            return _BROKEN, at
        elif not expected:
            return at, at
    return _CUT, at


def _is_cut(error: json.JSONDecodeError, text: str) -> bool:
    return error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip())


def after_space(text: str, start: int) -> int:
    """Return the offset of the first character from `start` on that is not white space."""
    space = _SPACE.match(text, start)
    return space.end() if space else start
