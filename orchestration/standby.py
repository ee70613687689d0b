"""A copy of the warehouse that stands by while a checkpoint rewrites the file in its place."""

import fcntl
import glob
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoStandbyError(RuntimeError):
    """The warehouse could not be copied; the message says what to do."""


def log_of(warehouse: Path) -> Path:
    """Return DuckDB's write-ahead log of this file."""
    return warehouse.with_name(f"{warehouse.name}.wal")


def standby_of(warehouse: Path) -> Path:
    """Return where the copy of this warehouse is while it stands by; its log is beside it."""
    return warehouse.with_name(f"{warehouse.name}.standby")


@contextmanager
def standing_by(warehouse: Path) -> Iterator[None]:
    """Have a copy of file and log stand in for them, should the block not come to its end.

    At a checkpoint DuckDB writes blocks anew in their place: whoever is killed in the midst of that
    may leave a file that cannot be read (decision 0046). The caller holds the warehouse open for
    writing, and there is a log.

    Raises:
        NoStandbyError: there is no room for the copy.
    """
    standby = standby_of(warehouse)
    for left in standby.parent.glob(f"{glob.escape(standby.name)}.*"):
        left.unlink()
    # Of this process's own name: who copied for one that was killed may still be writing.
    draft = standby.with_name(f"{standby.name}.{os.getpid()}")
    _copy(log_of(warehouse), log_of(draft))
    _copy(warehouse, draft)
    with draft.open("rb") as file:
        # Locked for as long as it has its name: unlocked under it, its process is gone.
        fcntl.flock(file, fcntl.LOCK_EX)
        log_of(draft).rename(log_of(standby))
        draft.rename(standby)
        yield
        standby.unlink()
    log_of(standby).unlink()


def take_over(warehouse: Path) -> None:
    """Put a copy that was left standing by into the warehouse's place, if there is one.

    It is left alone while the process lives that has it stand by.
    """
    standby = standby_of(warehouse)
    try:
        file = standby.open("rb")
    except FileNotFoundError:
        return
    with file:
        if not _is_left(file.fileno(), standby):
            return
        # Without a log, whoever took over before was killed between these two.
        if log_of(standby).exists():
            log_of(standby).replace(log_of(warehouse))
        standby.replace(warehouse)


def _is_left(descriptor: int, standby: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), standby.stat())
    except (BlockingIOError, FileNotFoundError):
        # It is locked by the process that has it stand by, or was opened just before it went.
        return False


def _copy(file: Path, to: Path) -> None:
    """Copy by another process: were we to close the file, DuckDB would lose its lock on it."""
    done = subprocess.run(  # noqa: S603 - two files of our own
        ["cp", "--", file, to],  # noqa: S607 - the system's, wherever that is
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        to.unlink(missing_ok=True)
        raise NoStandbyError(
            f"{file} could not be copied beside it, as a checkpoint needs ({done.stderr.strip()}). "
            f"Make room on the disk and run again."
        )
