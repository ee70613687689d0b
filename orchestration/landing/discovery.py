"""Which files lie in the landing folder, and which source each of them belongs to."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.formats import Format, format_of

#: It has gone since it was listed, or is a link that leads nowhere or to itself.
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class LandingFile:
    """A file as it lay in the landing folder at one moment; `file` is its path in there.

    `path` is where it can be read. `version` tells contents apart that are of one size and time,
    where the landing folder knows more than these of a file.
    """

    path: Path
    file: str
    size: int
    modified_ns: int
    format: Format | None
    version: str = ""

    @property
    def modified_at(self) -> float:
        """Time of the last change, in seconds since the epoch."""
        return self.modified_ns / 1e9


def find_files(landing: Path) -> Iterator[LandingFile]:
    """Yield every file below `landing`, by name; hidden ones (`.x`) are somebody's drafts.

    Links that lead out of the folder are not followed. A landing folder that does not exist
    yet is an empty one; a file that goes while it is looked at was never there.
    """
    root = landing.resolve()
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(n for n in subfolders if not n.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if name.startswith("."):
                continue
            status = _status(path, root)
            if status is None:
                continue
            # Bytes that are no UTF-8 in a name must not keep the rest of the folder out.
            file = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
            yield LandingFile(
                path, file, status.st_size, status.st_mtime_ns, format_of(path.relative_to(root))
            )


def _status(path: Path, root: Path) -> os.stat_result | None:
    """Return what the disk says of a file; None if it is none, or none of this folder."""
    try:
        status = path.stat()
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    is_ours = stat.S_ISREG(status.st_mode) and path.resolve().is_relative_to(root)
    return status if is_ours else None
