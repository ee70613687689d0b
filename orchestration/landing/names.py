"""Files as people name them on the command line: paths inside the landing folder, or patterns."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase


class NoSuchFileError(ValueError):
    """A name that fits no file; the message says how names are given."""


def fitting(patterns: Sequence[str], files: Iterable[str], which: str) -> list[str]:
    """Return the files that are named, or fit a pattern: `*` is anything, folders included.

    Raises:
        NoSuchFileError: a pattern fits none of them; `which` says which files these are.
    """
    known = list(dict.fromkeys(files))
    found: dict[str, None] = {}
    for pattern in patterns:
        exact = [file for file in known if file == pattern]
        named = exact or [file for file in known if fnmatchcase(file, pattern)]
        if not named:
            raise NoSuchFileError(
                f"There is no file {pattern!r} {which}. Give paths as `touchline status` shows "
                f"them, or patterns such as 'sendgrid/2026-10-*'."
            )
        found |= dict.fromkeys(named)
    return list(found)
