"""Mailbox exports (A3): mbox files and single mails, into `raw.mailbox_messages`."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

import orjson
import polars as pl

from orchestration.landing.mail import (
    UnreadableMailError,
    has_closed_parts,
    parse_mail,
    with_line_feeds,
)
from orchestration.landing.mailbox_split import RawMail, split
from orchestration.landing.piece import Outcome, Piece, Target

_ROOT = "mailboxes"
_MAILDIR = {"cur", "new"}
_MAILS_PER_FRAME, _FRAME_CHARACTERS = 2_000, 16 << 20
_SCHEMA = {"line": pl.Int64, "payload": pl.String}
_REJECT_SCHEMA = {"line": pl.Int64, "reason": pl.String, "payload": pl.String}
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)

_INSERT = """
insert into {table} (load_id, file, line, position, loaded_at, payload)
select ?, ?, line, 0, ?, payload from landing_mails
"""
_REJECT = """
insert into raw.rejects (load_id, source, file, line, reason, payload)
select ?, ?, ?, line, reason, payload from landing_mail_rejects
"""


def claims(path: Path) -> bool:
    """Tell whether a path is `mailboxes/<address>.mbox` or a mail in `mailboxes/<address>/`."""
    if path.parts[0] != _ROOT or len(path.parts) not in {2, 3, 4}:
        return False
    name = path.name.lower().removesuffix(".gz")
    if len(path.parts) == 2:
        return name.endswith(".mbox") and "@" in name
    if "@" not in path.parts[1]:
        return False
    return name.endswith(".eml") if len(path.parts) == 3 else _is_in_maildir(path)


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
    reader = _Reader(piece, target, is_mbox=is_mbox)
    for mail in _mails(piece) if is_mbox else _single(piece):
        if mail.is_last and not (piece.is_settled or reader.is_whole(mail)):
            break
        reader.take(mail)
    reader.flush()
    outcome = reader.outcome
    if piece.is_settled and piece.content.damage:
        outcome.is_cut = True
        outcome.rejected += 1
        target.reject(None, piece.content.damage, None)
    return outcome


class _Reader:
    """Turns mails into rows and rejects, and writes them by the frame."""

    def __init__(self, piece: Piece, target: Target, *, is_mbox: bool) -> None:
        self.outcome = Outcome()
        self._piece, self._target, self._is_mbox = piece, target, is_mbox
        self._mailbox = address_of(piece.file)
        self._rows: list[tuple[int, str]] = []
        self._rejects: list[tuple[int, str, str]] = []
        self._characters = 0

    def is_whole(self, mail: RawMail) -> bool:
        """Tell whether the last mail of a file that may still be written seems to be complete."""
        if _is_in_maildir(PurePosixPath(self._piece.file)):
            return True  # mails are moved there when they are complete
        data = with_line_feeds(mail.raw)
        end = b"\n\n" if self._is_mbox else b"\n"
        return data.endswith(end) and has_closed_parts(data)

    def take(self, mail: RawMail) -> None:
        """Load a mail, or say why not."""
        piece = self._piece
        # A single mail that grew is read again from its beginning.
        piece.take(mail.raw if self._is_mbox else mail.raw[piece.start.length :])
        if mail.is_rest or not mail.raw.strip():
            return
        try:
            self._rows.append((mail.line, orjson.dumps(self._payload(mail)).decode()))
            self._characters += len(self._rows[-1][1])
        except UnreadableMailError as error:
            self._reject(mail, str(error))
        except MemoryError:
            raise  # is the machine's fault: next time the mail may load
        except Exception:  # noqa: BLE001 one mail must never end a load (formats.md 1.6)
            # What the error says may quote the mail, which the reject holds anyway.
            self._reject(mail, "unreadable_mail")
        mails = len(self._rows) + len(self._rejects)
        if mails >= _MAILS_PER_FRAME or self._characters >= _FRAME_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        target = self._target
        place = [target.load_id, target.file, target.loaded_at]
        if self._rows:
            target.frame("landing_mails", pl.DataFrame(self._rows, _SCHEMA, orient="row"))
            self.outcome.rows += target.execute(_INSERT.format(table=target.table), place)
        if self._rejects:
            frame = pl.DataFrame(self._rejects, _REJECT_SCHEMA, orient="row")
            target.frame("landing_mail_rejects", frame)
            place = [target.load_id, target.source, target.file]
            self.outcome.rejected += target.execute(_REJECT, place)
        self._rows, self._rejects, self._characters = [], [], 0

    def _reject(self, mail: RawMail, reason: str) -> None:
        most = self._piece.limits.reject_characters
        beginning = mail.raw[: 4 * most].decode("utf-8", "replace")[:most]
        self._rejects.append((mail.line, reason, beginning))
        self._characters += len(beginning)

    def _payload(self, mail: RawMail) -> dict[str, object]:
        start = self._piece.start
        if mail.is_too_large:
            raise UnreadableMailError("mail_too_large")
        is_first_of_more = start.length > 0 and mail.line == start.lines + 1
        if self._is_mbox and is_first_of_more and not mail.has_separator:
            raise UnreadableMailError("mail_continued")
        data = with_line_feeds(mail.raw)
        if self._is_mbox and b"\n>" in data:
            data = _QUOTED_FROM.sub(rb"\1", data)
        return parse_mail(data, self._mailbox, limits=self._piece.limits.mail)


def _mails(piece: Piece) -> Iterator[RawMail]:
    line_end, most = piece.content.line_end, piece.limits.mail_bytes
    return split(piece.chunks(), piece.start.lines + 1, line_end, most)


def _single(piece: Piece) -> Iterator[RawMail]:
    found = bytearray()
    for chunk in piece.chunks_from_the_beginning():
        found += chunk
        if len(found) > piece.limits.mail_bytes:
            yield RawMail(1, bytes(found), is_too_large=True)
            return
    if len(found) > piece.start.length:
        yield RawMail(1, bytes(found), is_last=True)


def _is_in_maildir(path: PurePath) -> bool:
    return len(path.parts) == 4 and path.parts[2] in _MAILDIR
