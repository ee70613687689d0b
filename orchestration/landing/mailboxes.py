"""Mailbox exports (A3): mbox files and single mails, into `raw.mailbox_messages`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import orjson
import polars as pl

from orchestration.landing.mail import (
    UnreadableMailError,
    content_hash,
    has_closed_parts,
    parse_mail,
    with_line_feeds,
)
from orchestration.landing.mail_places import MailPlace
from orchestration.landing.mailbox_split import RawMail, split
from orchestration.landing.piece import Outcome, Piece, Target

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


def read(piece: Piece, target: Target) -> Outcome:
    """Load the new mails of a file. The last one waits until it is whole, or the file settles.

    Raises:
        OSError, FileChangedError: the file cannot be read (any more).
    """
    place = MailPlace.of(piece.file)
    reader = _Reader(piece, target, place)
    known = None
    for mail in _mails(piece) if place.is_mbox else _single(piece):
        if mail.is_last and not (piece.is_settled or reader.is_whole(mail)):
            break
        if mail.known_bytes == len(mail.raw):
            known = mail  # said only with what is new, else it would be said again and again
            continue
        if known:
            reader.take(known)
            known = None
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

    def __init__(self, piece: Piece, target: Target, place: MailPlace) -> None:
        self.outcome = Outcome()
        self._piece, self._target, self._place = piece, target, place
        self._rows: list[tuple[int, str]] = []
        self._rejects: list[tuple[int, str, str]] = []
        self._characters = 0

    def is_whole(self, mail: RawMail) -> bool:
        """Tell whether the last mail of a file that may still be written seems to be complete."""
        if self._place.is_in_maildir:
            return True  # mails are moved there when they are complete
        data = with_line_feeds(mail.raw)
        end = b"\n\n" if self._place.is_mbox else b"\n"
        return data.endswith(end) and has_closed_parts(data)

    def take(self, mail: RawMail) -> None:
        """Load a mail, or say why not."""
        piece = self._piece
        piece.take(mail.raw[mail.known_bytes :])
        if mail.is_rest or not mail.raw.strip():
            return
        try:
            self._rows.append((mail.line, orjson.dumps(self._payload(mail)).decode()))
            self._characters += len(self._rows[-1][1])
        except UnreadableMailError as error:
            # What is cut off may go on after all, and be settled then.
            is_cut = mail.is_last and not mail.is_too_large and not self.is_whole(mail)
            self._reject(mail, "truncated" if is_cut else str(error))
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
        if mail.is_too_large:
            raise UnreadableMailError("mail_too_large")
        place = self._place
        payload = parse_mail(
            self._plain(mail.raw),
            place.mailbox,
            folders=place.folders,
            is_draft=place.is_draft,
            limits=self._piece.limits.mail,
        )
        begun = content_hash(self._plain(mail.begun)) if mail.begun else None
        # A line end more at its end makes no other mail of it.
        return payload | {"replaces": begun if begun != payload["content_hash"] else None}

    def _plain(self, raw: bytes) -> bytes:
        """Return a mail as it was before it was put into an mbox (mboxrd)."""
        data = with_line_feeds(raw)
        if self._place.is_mbox and b"\n>" in data:
            data = _QUOTED_FROM.sub(rb"\1", data)
        return data


def _mails(piece: Piece) -> Iterator[RawMail]:
    """Yield the new mails of an mbox.

    What comes behind a mail that was taken for whole may be more of it: then it is given once more,
    and says which it replaces.
    """
    line_end, most, start = piece.content.line_end, piece.limits.mail_bytes, piece.start
    mails = split(piece.chunks(), start.lines + 1, line_end, most)
    first = next(mails, None)
    if first is None:
        return
    if first.has_full_separator or not start.length or not first.raw.strip():
        yield first
        yield from mails
        return
    begun = None
    for begun in split(piece.known_chunks(), 1, line_end, most):  # noqa: B007
        pass
    if begun is None or begun.is_rest or begun.is_too_large:
        is_given_up = begun is not None
        yield from split(piece.chunks(), start.lines + 1, line_end, most, is_given_up=is_given_up)
    else:
        yield from _from_begun(piece, begun)


def _from_begun(piece: Piece, begun: RawMail) -> Iterator[RawMail]:
    """Yield the mails from the last known one on, but for that if nothing has become of it."""
    chunks = chain([begun.raw], piece.chunks())
    known = len(begun.raw)
    replaced = begun.raw
    for mail in split(chunks, begun.line, piece.content.line_end, piece.limits.mail_bytes):
        known_bytes = min(known, len(mail.raw))
        known -= known_bytes
        if known_bytes < len(mail.raw) or mail.raw != begun.raw:
            yield replace(mail, known_bytes=known_bytes, begun=replaced)
        replaced = b""


def _single(piece: Piece) -> Iterator[RawMail]:
    """Yield the mail that a file is. One that grew is read again from its beginning."""
    known_bytes = piece.start.length
    found = bytearray()
    for chunk in piece.chunks_from_the_beginning():
        found += chunk
        if len(found) > piece.limits.mail_bytes:
            yield RawMail(1, bytes(found), is_too_large=True, known_bytes=known_bytes)
            return
    if len(found) > known_bytes:
        begun = bytes(found[:known_bytes])
        yield RawMail(1, bytes(found), is_last=True, known_bytes=known_bytes, begun=begun)
