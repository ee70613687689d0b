"""Which files lie in the landing folder, and which source each of them belongs to."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.formats import Format, format_of


@dataclass(frozen=True)
class LandingFile:
    """A file as it lay in the landing folder at one moment; `file` is its path in there."""

    path: Path
    file: str
    size: int
    modified_ns: int
    format: Format | None

    @property
    def modified_at(self) -> float:
        """Time of the last change, in seconds since the epoch."""
        return self.modified_ns / 1e9


def find_files(landing: Path) -> Iterator[LandingFile]:
    """Yield every file below `landing`, by name; hidden ones (`.x`) are somebody's drafts.

    Links that lead out of the folder are not followed. A landing folder that does not exist
    yet is an empty one.
    """
    root = landing.resolve()
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(n for n in subfolders if not n.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if name.startswith(".") or not _is_inside(path, root):
                continue
            status = path.stat()
            # Bytes that are no UTF-8 in a name must not keep the rest of the folder out.
            file = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
            yield LandingFile(
                path, file, status.st_size, status.st_mtime_ns, format_of(path.relative_to(root))
            )


def _is_inside(path: Path, root: Path) -> bool:
    target = path.resolve()
    return target.is_file() and target.is_relative_to(root)
