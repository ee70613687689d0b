"""The headers of a mail, or of a part of one: found, unfolded, decoded, bounded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from orchestration.landing.mail_limits import MailLimits
from orchestration.landing.mail_text import legible, words_decoded

#: Mail as we know it began with RFC 772 (September 1980), and no clock is 75 years fast; both
#: ends of 1980 and 2100 are what unset clocks and made-up dates are found beyond.
FIRST_YEAR, LAST_YEAR = 1980, 2100

#: Possessive: ways back would be remembered, a hundred bytes for each line of a header.
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_MESSAGE_ID = re.compile(r"<([^<>]+)>")
_BARE_ID = re.compile(r"[^\s<>,]+")
_PARAMETER = re.compile(
    r'[;\s]([\w-]+)(?:\*0?\*?)?\s{0,20}=\s{0,20}(?:"((?:[^"\\]|\\.){0,1000})"|([^;\s]*))'
)
_ADDRESS_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.){0,200})"|\((?P<comment>[^()]*)\)|<(?P<angle>[^<>]*)>'
    r'|(?P<end>[,;])|(?P<group>:)|(?P<text>[^"(<,;:]+|["(<])'
)
_DATE_CHARACTERS = 200
_PARAMETER_CHARACTERS = 4_000
#: A year 0000 would be read as 2000.
_YEAR_ZERO = re.compile(r"(?<![\d:+-])00\d\d(?![\d:])")


@dataclass
class Headers:
    """Header fields by lower-case name, in their order, as bytes; `capped` names what was cut."""

    fields: dict[str, list[bytes]]
    limits: MailLimits
    capped: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, data: bytes, start: int, end: int, limits: MailLimits) -> "Headers":
        """Read the fields between two offsets (line ends are line feeds); other lines are left."""
        headers = cls({}, limits)
        if end - start > limits.header_bytes:
            end = start + limits.header_bytes
            headers.capped.add("headers")
        for found in _FIELD.finditer(data, start, end):
            name = found[1].decode("ascii").lower()
            values = headers.fields.setdefault(name, [])
            if len(values) < limits.same_fields:
                values.append(found[2])
            else:
                headers.capped.add(name)
        return headers

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a header."""
        return name in self.fields

    def text(self, name: str) -> str | None:
        """Return the first header of a name: decoded (RFC 2047, raw 8-bit), unfolded, trimmed."""
        values = self.fields.get(name)
        if values is None:
            return None
        text = " ".join(words_decoded(self.raw_text(name)).split())
        if len(text) > self.limits.field_characters:
            self.capped.add(name)
        return text[: self.limits.field_characters]

    def raw_text(self, name: str) -> str:
        """Return the first header of a name as it was written, or nothing."""
        values = self.fields.get(name)
        return self._legible(name, values[0], self.limits.field_bytes) if values else ""

    def message_ids(self, name: str) -> list[str]:
        """Return the Message-IDs of a header, without brackets; the first and the last of many."""
        values = self.fields.get(name)
        ids = message_ids(legible(values[0])) if values else []
        most = self.limits.message_ids
        if len(ids) > most:
            self.capped.add(name)
            ids = [ids[0], *ids[1 - most :]]
        return [each[: self.limits.field_characters] for each in ids]

    def message_id(self, name: str) -> str | None:
        """Return the first Message-ID of a header."""
        return next(iter(self.message_ids(name)), None)

    def addresses(self, name: str) -> list[tuple[str, str]]:
        """Return (display name, lower-case address) of all headers of a name; either may be ''."""
        found: list[tuple[str, str]] = []
        most, longest = self.limits.addresses, self.limits.field_characters
        left = self.limits.field_bytes  # of all together: hundreds of long ones take minutes
        for value in self.fields.get(name, ()):
            for display, address in addresses(self._legible(name, value, left)):
                if len(found) == most:
                    self.capped.add(name)
                    return found
                found.append((display[:longest], address[:longest]))
            left = max(left - len(value), 0)
        return found

    def dates(self, name: str) -> Iterator[str]:
        """Yield the plausible times in headers of a name, each behind its last semicolon."""
        for value in self.fields.get(name, ()):
            if date := iso_date(legible(value[-_DATE_CHARACTERS:]).rpartition(";")[2]):
                yield date

    def _legible(self, name: str, value: bytes, most: int) -> str:
        if len(value) > most:
            self.capped.add(name)
            value = value[:most]
        return legible(value)


def message_ids(text: str | None) -> list[str]:
    """Return the Message-IDs of a References header, without brackets, in order."""
    if not text:
        return []
    found = _MESSAGE_ID.findall(text) or _BARE_ID.findall(text)
    return [each for each in ("".join(each.split()) for each in found) if each]


def iso_date(text: str | None) -> str | None:
    """Return the UTC time that a mail's date stands for; none that is unreadable or implausible.

    A time without a zone, or with one that nobody knows, is taken as UTC.
    """
    text = (text or "").strip()[:_DATE_CHARACTERS]
    if not text or _YEAR_ZERO.search(text):
        return None
    try:
        at = _moment(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if FIRST_YEAR <= at.year <= LAST_YEAR else None


def _moment(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return datetime.fromisoformat(text)


def addresses(text: str) -> list[tuple[str, str]]:
    """Return (display name, lower-case address) of an address list (RFC 5322, 3.4), leniently."""
    found: list[tuple[str, str]] = []
    words: list[str] = []
    comment, angle = "", None
    for token in _ADDRESS_TOKEN.finditer(text + ","):
        kind = token.lastgroup
        content = token[kind] if kind else ""
        if kind == "text":
            words.append(content)
        elif kind == "quoted":
            words.append(re.sub(r"\\(.)", r"\1", content))
        elif kind == "comment":
            comment = comment or content
        elif kind == "angle":
            angle = content if angle is None else angle
        elif kind == "group":
            words = []  # what went before is the name of a group of addresses
        else:
            if any(word.strip() for word in words) or angle is not None:
                found.append(_mailbox(" ".join("".join(words).split()), comment, angle))
            words, comment, angle = [], "", None
    return found


def _mailbox(words: str, comment: str, angle: str | None) -> tuple[str, str]:
    if angle is not None:
        address = angle.strip() if "@" not in angle else "".join(angle.split())
        display = " ".join(words_decoded(words or comment).split())
        return display, "" if " " in address else address.lower()
    match words.split(" ", 3):
        case [user, "at", host] if "." in host[1:-1]:  # pipermail hides addresses so
            words = f"{user}@{host}"
    display = " ".join(words_decoded(comment).split())
    if "@" in words:
        return display, max(words.split(), key=lambda word: "@" in word).lower()
    # One bare word is a user of the mail server's own machine; several are a name.
    return (display or words_decoded(words), "") if " " in words else (display, words.lower())


def parameter(value: str, name: str) -> str | None:
    """Return a parameter of a structured header such as Content-Type."""
    for found in _PARAMETER.finditer(value[:_PARAMETER_CHARACTERS]):
        if found[1].lower() == name:
            quoted = found[2]
            return found[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return None
