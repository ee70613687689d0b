"""Mailbox exports (A3): mbox files and single mails, into `raw.mailbox_messages`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import orjson
import polars as pl

from orchestration.landing.mail import UnreadableMailError, is_whole, parse_mail
from orchestration.landing.piece import Outcome, Piece, Target

_ROOT = "mailboxes"
_MAILDIR = {"cur", "new"}
_MAILS_PER_FRAME = 2_000
_SCHEMA = {"line": pl.Int64, "payload": pl.String}

#: `From sender date`: the date tells it from a sentence that begins with "From".
_SEPARATOR = re.compile(rb"From \S.*\d\d:\d\d")
#: The full form counts even where the blank line before it was forgotten.
_FULL_SEPARATOR = re.compile(
    rb"From \S+ +(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)

_INSERT = """
insert into {table} (load_id, file, line, position, loaded_at, payload)
select ?, ?, line, 0, ?, payload from landing_mails
"""


@dataclass(frozen=True)
class _RawMail:
    """A mail as it lies in its file; `raw` is what it takes there and was not loaded before."""

    line: int
    raw: bytes
    data: bytes
    is_last: bool
    is_too_large: bool = False


def claims(path: Path) -> bool:
    """Tell whether a path is `mailboxes/<address>.mbox` or a mail in `mailboxes/<address>/`."""
    if path.parts[0] != _ROOT or len(path.parts) not in {2, 3, 4}:
        return False
    name = path.name.lower().removesuffix(".gz")
    if len(path.parts) == 2:
        return name.endswith(".mbox") and "@" in name
    if "@" not in path.parts[1]:
        return False
    return name.endswith(".eml") if len(path.parts) == 3 else path.parts[2] in _MAILDIR


def address_of(file: str) -> str:
    """Return the mailbox that a file belongs to, by its path in the landing folder."""
    place = PurePosixPath(file).parts[1].lower()
    return place.removesuffix(".gz").removesuffix(".mbox")


def read(piece: Piece, target: Target) -> Outcome:
    """Load the new mails of a file. The last one waits until it is whole, or the file settles.

    Raises:
        OSError, FileChangedError: the file cannot be read (any more).
    """
    is_mbox = piece.file.lower().removesuffix(".gz").endswith(".mbox")
    mails = _split(piece) if is_mbox else _single(piece)
    mailbox = address_of(piece.file)
    rows: list[tuple[int, str]] = []
    outcome = Outcome()
    for mail in mails:
        if mail.is_last and not (piece.is_settled or is_whole(mail.data)):
            break
        piece.take(mail.raw)
        try:
            if mail.is_too_large:
                raise UnreadableMailError("mail_too_large")
            rows.append((mail.line, orjson.dumps(parse_mail(mail.data, mailbox)).decode()))
        except UnreadableMailError as error:
            outcome.rejected += 1
            target.reject(mail.line, str(error), mail.data.decode("utf-8", "replace"))
        if len(rows) >= _MAILS_PER_FRAME:
            outcome.rows += _insert(target, rows)
            rows = []
    outcome.rows += _insert(target, rows)
    if piece.is_settled and piece.content.damage:
        outcome.is_cut = True
        outcome.rejected += 1
        target.reject(None, piece.content.damage, None)
    return outcome


def _insert(target: Target, rows: list[tuple[int, str]]) -> int:
    if rows:
        target.frame("landing_mails", pl.DataFrame(rows, schema=_SCHEMA, orient="row"))
        target.connection.execute(
            _INSERT.format(table=target.table), [target.load_id, target.file, target.loaded_at]
        )
    return len(rows)


def _single(piece: Piece) -> Iterator[_RawMail]:
    found = bytearray()
    is_too_large = False
    for chunk in piece.chunks_from_the_beginning():
        found += chunk
        if len(found) > piece.limits.mail_bytes:
            is_too_large = True
            break
    if found.strip():
        data = bytes(found)
        yield _RawMail(1, data[piece.start.length :], data, is_last=True, is_too_large=is_too_large)


def _split(piece: Piece) -> Iterator[_RawMail]:
    """Yield the mails of an mbox, without their separator lines and `>From` quoting."""
    lines: list[bytes] = []
    first = number = piece.start.lines + 1
    size = 0
    after_blank = True
    most = piece.limits.mail_bytes
    for line in _lines(piece):
        separator = _SEPARATOR if after_blank else _FULL_SEPARATOR
        if size and separator.match(line):
            yield _raw_mail(lines, first, is_last=False, is_too_large=size > most)
            lines, size, first = [], 0, number
        size += len(line)
        lines.append(line)
        if size > most:
            # Too much to wait for: done with, but for what tells which mail it was.
            piece.take(b"".join(lines[1:]))
            del lines[1:]
        after_blank = not line.strip()
        number += line.endswith(b"\n")
    if lines:
        yield _raw_mail(lines, first, is_last=True, is_too_large=size > most)


def _raw_mail(lines: list[bytes], line: int, *, is_last: bool, is_too_large: bool) -> _RawMail:
    raw = b"".join(lines)
    data = b"".join(lines[1:]) if lines and _SEPARATOR.match(lines[0]) else raw
    if b">From " in data:
        data = _QUOTED_FROM.sub(rb"\1", data)
    return _RawMail(line, raw, data, is_last, is_too_large)


def _lines(piece: Piece) -> Iterator[bytes]:
    rest = b""
    for chunk in piece.chunks():
        lines = (rest + chunk).splitlines(keepends=True) if b"\r" not in chunk else None
        if lines is None:
            lines = re.findall(rb"[^\n]*\n|[^\n]+", rest + chunk)
        rest = b"" if lines and lines[-1].endswith(b"\n") else lines.pop() if lines else b""
        yield from lines
    if rest:
        yield rest
