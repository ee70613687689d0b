"""Where mails lie (A3): which mailbox and which of its folders a path in the landing folder is."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

ROOT = "mailboxes"
_MAILDIR = ("cur", "new")
#: What a Maildir's files say of their mails: `1790000000.M1P2.host:2,DS` is a draft that was seen.
_FLAGS = re.compile(r"[:;!]2,([A-Za-z]*)\Z")
#: RFC 3501, 5.1.3: how names of folders that are not ASCII are written, `Entw&APw-rfe`.
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


@dataclass(frozen=True)
class Place:
    """What a mail's path says of it: `folder` is the innermost of the mailbox, empty if none."""

    mailbox: str
    folder: str
    is_mbox: bool
    is_in_maildir: bool
    is_draft: bool

    @classmethod
    def of(cls, file: str) -> "Place":
        """Tell the place of a file by its path inside the landing folder."""
        path = PurePosixPath(file)
        return cls(
            address_of(file),
            _folder(path),
            is_mbox=_is_mbox(path),
            is_in_maildir=_is_in_maildir(path),
            is_draft=bool((flags := _FLAGS.search(path.name)) and "D" in flags[1]),
        )


def claims(path: Path) -> bool:
    """Tell whether a path is `mailboxes/<address>.mbox`, or mail below `mailboxes/<address>/`."""
    if path.parts[0] != ROOT or len(path.parts) == 1:
        return False
    if len(path.parts) == 2:
        return _is_mbox(path) and "@" in path.name
    return "@" in path.parts[1] and (_is_mbox(path) or _is_mail(path) or _is_in_maildir(path))


def is_hidden(path: PurePath) -> bool:
    """Tell whether a path is somebody's draft, or a mail server's own business.

    A part that begins with a dot hides what is in it, but for the folders of a Maildir (Maildir++),
    whose mails are moved out of `tmp` when they are complete.
    """
    names = path.parts
    is_mailbox = len(names) > 2 and names[0] == ROOT and "@" in names[1]
    if is_mailbox and names[-2] == "tmp":
        return True
    is_in_folder = is_mailbox and _is_in_maildir(path) and not names[-1].startswith(".")
    hidden = [name for name in names if name.startswith(".")]
    return bool(hidden) and not (is_in_folder and hidden == [names[2]])


def may_hold_mail(folder: PurePath) -> bool:
    """Tell whether a hidden folder may be one of a Maildir."""
    names = folder.parts
    return len(names) == 3 and names[0] == ROOT and "@" in names[1]


def address_of(file: str) -> str:
    """Return the mailbox that a file belongs to, by its path in the landing folder."""
    place = PurePosixPath(file).parts[1].lower()
    return place.removesuffix(".gz").removesuffix(".mbox")


def _folder(path: PurePosixPath) -> str:
    inner = path.parts[2:]
    if not inner:
        return ""
    if _is_in_maildir(path):
        names = inner[:-2]
    elif _is_mail(path) or _plain_name(path) == "mbox":
        names = inner[:-1]
    else:
        names = (*inner[:-1], _plain_name(path))
    name = names[-1] if names else ""
    # Maildir++ writes the folders above before it: `.Clients.Sent`.
    name = name.rpartition(".")[2] if name.startswith(".") else name
    return _SHIFTED.sub(_unshifted, name.removesuffix(".mbox"))


def _unshifted(found: re.Match[str]) -> str:
    if not found[1]:
        return "&"
    shifted = f"+{found[1].replace(',', '/')}-"
    return shifted.encode("ascii").decode("utf-7", "replace")


def _is_mbox(path: PurePath) -> bool:
    """Tell an mbox by its name; Apple Mail exports a folder `Sent.mbox` with a file `mbox`."""
    name = _plain_name(path).lower()
    return name.endswith(".mbox") or (name == "mbox" and path.parent.suffix.lower() == ".mbox")


def _is_mail(path: PurePath) -> bool:
    return _plain_name(path).lower().endswith(".eml")


def _is_in_maildir(path: PurePath) -> bool:
    return len(path.parts) > 3 and path.parts[-2] in _MAILDIR


def _plain_name(path: PurePath) -> str:
    return path.name[:-3] if path.name.lower().endswith(".gz") else path.name
