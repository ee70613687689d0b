"""Which files lie in the landing folder, and which source each of them belongs to."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from orchestration.landing.formats import Format, format_of
from orchestration.landing.mail_places import (
    is_below_mailbox,
    is_maildir_draft,
    is_maildir_mail,
)

#: It has gone since it was listed, or is a link that leads nowhere or to itself.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class LandingFile:
    """A file as it lay in the landing folder at one moment; `file` is its path in there.

    `path` is where it can be read. `version` tells contents apart that are of one size and time,
    where the landing folder knows more than these of a file. `problem`: nobody can look at it,
    or into it where it is a folder.
    """

    path: Path
    file: str
    size: int
    modified_ns: int
    format: Format | None
    version: str = ""
    problem: str = ""

    @property
    def modified_at(self) -> float:
        """Time of the last change, in seconds since the epoch."""
        return self.modified_ns / 1e9


def find_files(landing: Path) -> Iterator[LandingFile]:
    """Yield every file below `landing`, by name, but for hidden ones.

    Links that lead out of the folder are not followed. A landing folder that does not exist
    yet is an empty one; a file that goes while it is looked at was never there. What nobody may
    look at or into is yielded with its `problem`.
    """
    root = landing.resolve()
    shut: list[OSError] = []
    for folder, subfolders, names in os.walk(root, onerror=shut.append):
        here = Path(folder).relative_to(root)
        subfolders[:] = sorted(
            n for n in subfolders if not n.startswith(".") or is_below_mailbox(here / n)
        )
        for name in sorted(names):
            found = None if is_hidden(here / name) else _look(Path(folder) / name, root)
            if found:
                yield found
    for error in shut:
        if error.errno not in _NO_FILE:
            path = Path(error.filename)
            yield _out_of_sight(path, path.relative_to(root), None, error)


def is_hidden(path: PurePath) -> bool:
    """Tell whether a path is somebody's draft: a dot hides a file, and all that is in a folder.

    Folders of a Maildir begin with one (Maildir++): it hides no mail in there.
    """
    hidden = [name for name in path.parts if name.startswith(".")]
    if is_maildir_mail(path):
        hidden = [name for name in hidden if name != path.parts[-3]]
    return bool(hidden) or is_maildir_draft(path)


def _look(path: Path, root: Path) -> LandingFile | None:
    """Return how a file looks; None if it is none, or none of this folder."""
    name = path.relative_to(root)
    form = format_of(name)
    try:
        status = path.stat()
    except OSError as error:
        return None if error.errno in _NO_FILE else _out_of_sight(path, name, form, error)
    if not stat.S_ISREG(status.st_mode) or not path.resolve().is_relative_to(root):
        return None
    return LandingFile(path, _text(name), status.st_size, status.st_mtime_ns, form)


def _out_of_sight(path: Path, name: Path, form: Format | None, error: OSError) -> LandingFile:
    problem = f"unreadable_file: {error.strerror}"
    return LandingFile(path, _text(name), 0, 0, form, problem=problem)


def _text(name: Path) -> str:
    """Return a name as text: bytes that are no UTF-8 must not keep the rest of the folder out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
