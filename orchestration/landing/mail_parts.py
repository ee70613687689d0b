"""The parts of a mail: found within bounds, without recursion, without copying; their texts.

The standard library's parser goes through every line of every part, calls itself for parts within
parts, and knows no bounds; here whatever is not asked for is only passed over.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from orchestration.landing.mail_headers import Headers, parameter
from orchestration.landing.mail_limits import MailLimits
from orchestration.landing.mail_text import decoded, from_base64

#: Longer ones are none (RFC 2046 allows 70 characters).
_BOUNDARY_CHARACTERS = 1_000
_MEDIA_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\n|\Z)")


@dataclass(frozen=True)
class Part:
    """A mail or a part of one: the bytes of `data` between two offsets (line ends: line feeds)."""

    data: bytes
    start: int
    end: int
    limits: MailLimits
    #: Its type where it does not say: a digest's parts are mails.
    default_type: str = "text/plain"

    @cached_property
    def body_start(self) -> int:
        """Offset of the body: behind the first empty line, or at the end if there is none."""
        if self.data.startswith(b"\n", self.start, self.end):
            return self.start + 1
        at = self.data.find(b"\n\n", self.start, self.end)
        return self.end if at < 0 else at + 2

    @cached_property
    def headers(self) -> Headers:
        """The part's header fields."""
        return Headers.read(self.data, self.start, self.body_start, self.limits)

    @cached_property
    def content_type(self) -> str:
        """The media type, in lower case."""
        found = _MEDIA_TYPE.match(self.headers.raw_text("content-type"))
        return found[1].lower() if found else self.default_type

    @cached_property
    def boundary(self) -> bytes | None:
        """What separates the parts within, if there are any."""
        if not self.content_type.startswith("multipart/"):
            return None
        boundary = parameter(self.headers.raw_text("content-type"), "boundary")
        if not boundary or len(boundary) > _BOUNDARY_CHARACTERS:
            return None
        return boundary.rstrip().encode("utf-8", "replace")

    @cached_property
    def is_text(self) -> bool:
        """Tell whether it is plain text, or claims to have parts and has none."""
        if self.content_type.startswith("multipart/"):
            return next(self.children(), None) is None
        return self.content_type == "text/plain"

    @property
    def is_attached(self) -> bool:
        """Tell whether it is a file that came along, not something to read."""
        disposition = self.headers.raw_text("content-disposition").strip().lower()
        return disposition.startswith("attachment")

    def children(self) -> Iterator["Part"]:
        """Yield the parts within a multipart; the last may lack its closing boundary."""
        if self.boundary is None:
            return
        default = "message/rfc822" if self.content_type == "multipart/digest" else "text/plain"
        delimiter = b"\n--" + self.boundary
        start = -1
        at = self.data.find(delimiter, self.body_start - 1, self.end)
        while at >= 0:
            behind = at + len(delimiter)
            if mark := _AFTER_BOUNDARY.match(self.data, behind, self.end):
                if start >= 0:
                    yield Part(self.data, start, max(at, start), self.limits, default)
                start = mark.end()
                if mark[1]:
                    return
            at = self.data.find(delimiter, max(behind, start - 1), self.end)
        if 0 <= start < self.end:
            yield Part(self.data, start, self.end, self.limits, default)

    def message(self) -> "Part":
        """Return the mail that a message/rfc822 part holds."""
        start, body = self.body_start, self.data
        while start < self.end and body[start : start + 1] == b"\n":
            start += 1
        return Part(self.data, start, self.end, self.limits)

    def content(self, most: int) -> bytes:
        """Return up to so many bytes of the body, without their transfer encoding."""
        encoding = self.headers.raw_text("content-transfer-encoding").strip().lower()
        body = self.data[self.body_start : min(self.end, self.body_start + most)]
        if encoding == "base64":
            return from_base64(body)
        return binascii.a2b_qp(body) if encoding == "quoted-printable" else body

    def text(self, most: int) -> str:
        """Return the text that up to so many bytes of the body stand for."""
        charset = parameter(self.headers.raw_text("content-type"), "charset")
        return decoded(self.content(most), charset)


def walk(mail: Part) -> list[Part]:
    """Return a mail and its parts in reading order; a mail within it is a part like any other.

    Beyond `limits.parts` and `limits.depth` nothing is looked at.
    """
    limits, capped = mail.limits, mail.headers.capped
    found: list[Part] = []
    waiting = [iter((mail,))]
    while waiting:
        part = next(waiting[-1], None)
        if part is None:
            waiting.pop()
        elif len(found) == limits.parts:
            capped.add("parts")
            break
        else:
            found.append(part)
            if part.boundary is not None:
                if len(waiting) <= limits.depth:
                    waiting.append(part.children())
                else:
                    capped.add("parts")
    return found
