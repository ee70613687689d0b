"""Where mails lie (A3): which mailbox and which of its folders a path in the landing folder is."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

_ROOT = "mailboxes"
_MAILDIR = ("cur", "new")
#: What a Maildir's files say of their mails: `1790000000.M1P2.host:2,DS` is a draft that was seen.
_FLAGS = re.compile(r"[:;!]2,([A-Za-z]*)\Z")
#: RFC 3501, 5.1.3: how names of folders that are not ASCII are written, `Entw&APw-rfe`.
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_MBOX = re.compile(r"\.mbox(\.gz)?\Z", re.IGNORECASE)


@dataclass(frozen=True)
class MailPlace:
    """What a mail's path says of it: `folders` are those of the mailbox, outermost first."""

    mailbox: str
    folders: tuple[str, ...]
    is_mbox: bool
    is_in_maildir: bool
    is_draft: bool

    @classmethod
    def of(cls, file: str) -> "MailPlace":
        """Tell the place of a file by its path inside the landing folder."""
        path = PurePosixPath(file)
        is_in_maildir = not _is_mbox(path) and _has_maildir_parent(path)
        flags = _FLAGS.search(path.name) if is_in_maildir else None
        return cls(
            _MBOX.sub("", path.parts[1]).lower(),
            tuple(_folders(path)),
            is_mbox=_is_mbox(path),
            is_in_maildir=is_in_maildir,
            is_draft=flags is not None and "D" in flags[1],
        )


def claims(path: Path) -> bool:
    """Tell whether a path is `mailboxes/<address>.mbox`, or mail below `mailboxes/<address>/`."""
    if path.parts[0] != _ROOT or len(path.parts) == 1:
        return False
    if not is_below_mailbox(path):
        return len(path.parts) == 2 and _is_mbox(path) and "@" in path.name
    return _is_mbox(path) or _is_mail(path) or _has_maildir_parent(path)


def scope_of(file: str) -> str:
    """Return within what contents are compared: the same mail elsewhere says something else."""
    place = MailPlace.of(file)
    return "\n".join((place.mailbox, *place.folders, "draft" if place.is_draft else ""))


def is_below_mailbox(path: PurePath) -> bool:
    """Tell whether a path leads into `mailboxes/<address>/`."""
    return len(path.parts) > 2 and path.parts[0] == _ROOT and "@" in path.parts[1]


def is_maildir_mail(path: PurePath) -> bool:
    """Tell whether a path is a mail of a Maildir below a mailbox."""
    return is_below_mailbox(path) and _has_maildir_parent(path)


def is_maildir_draft(path: PurePath) -> bool:
    """Tell whether a mail server may still be writing a file, into the `tmp` of a Maildir."""
    return is_below_mailbox(path) and path.parts[-2] == "tmp" and not _is_mail(path)


def _folders(path: PurePosixPath) -> Iterator[str]:
    folders = list(path.parts[2:])
    is_named_by_folder = not _MBOX.search(path.name)
    if folders and is_named_by_folder:
        del folders[-1]
    if folders and is_named_by_folder and _has_maildir_parent(path):
        del folders[-1]
    for folder in folders:
        # Maildir++ writes the folders above before it: `.Clients.Sent`.
        parts = folder[1:].split(".") if folder.startswith(".") else [_MBOX.sub("", folder)]
        for part in parts:
            plain = _SHIFTED.sub(_unshifted, part).replace("\0", "")
            yield unicodedata.normalize("NFC", plain)


def _unshifted(found: re.Match[str]) -> str:
    if not found[1]:
        return "&"
    text = f"+{found[1].replace(',', '/')}-".encode("ascii").decode("utf-7", "replace")
    return text.encode("utf-8", "replace").decode()


def _is_mbox(path: PurePath) -> bool:
    """Tell an mbox by its name; Apple Mail exports a folder `Sent.mbox` with a file `mbox`."""
    in_folder = path.name == "mbox" and _MBOX.search(path.parent.name) is not None
    return in_folder or _MBOX.search(path.name) is not None


def _is_mail(path: PurePath) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".eml")


def _has_maildir_parent(path: PurePath) -> bool:
    return len(path.parts) > 3 and path.parts[-2] in _MAILDIR
