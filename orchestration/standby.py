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
def door(warehouse: Path, *, read_only: bool = False, waits: bool = False) -> Iterator[None]:
    """Let only one at a time open the warehouse or make a checkpoint, of all threads and processes.

    The kernel opens it again when somebody is killed inside. Readers of a warehouse that nobody
    has written to, as of the read copy, find no door and need none.

    Raises:
        BlockingIOError: somebody else is inside, and this one does not wait.
    """
    lock = warehouse.with_name(f".{warehouse.name}.lock")
    if read_only and not lock.exists():
        yield
        return
    descriptor = os.open(lock, os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


@contextmanager
def standing_by(warehouse: Path) -> Iterator[None]:
    """Keep a copy of file and log until the checkpoint, which the caller makes inside, has ended.

    At a checkpoint DuckDB writes blocks anew in their place: a process that is killed in the midst
    of that may leave a file that cannot be read (decision 0047). The caller is inside the door and
    has the warehouse open for writing.

    Raises:
        NoStandbyError: there is no room for the copy.
    """
    standby = standby_of(warehouse)
    for left in standby.parent.glob(f"{glob.escape(standby.name)}.*"):
        left.unlink()
    # Where a process was killed its `cp` may still be at work, on files named after that process.
    draft = standby.with_name(f"{standby.name}.{os.getpid()}")
    try:
        _copy(log_of(warehouse), log_of(draft))
        _copy(warehouse, draft)
    except NoStandbyError:
        log_of(draft).unlink(missing_ok=True)
        draft.unlink(missing_ok=True)
        raise
    log_of(draft).rename(log_of(standby))
    draft.rename(standby)
    _to_disk(warehouse.parent)
    yield
    standby.unlink()
    log_of(standby).unlink()
    _to_disk(warehouse.parent)


def take_over(warehouse: Path) -> None:
    """Put a copy that a checkpoint left standing by into the warehouse's place, if there is one.

    The caller is inside the door, and its process does not have the warehouse open.

    Raises:
        BlockingIOError: somebody has the file open who did not come in by the door.
    """
    standby = standby_of(warehouse)
    if not standby.exists():
        return
    if not warehouse.exists():
        # Somebody has removed it, and begins anew.
        standby.unlink()
        return
    with warehouse.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Without a log, whoever took over before was killed between these two.
        if log_of(standby).exists():
            log_of(standby).replace(log_of(warehouse))
        standby.replace(warehouse)
    _to_disk(warehouse.parent)


def _copy(file: Path, to: Path) -> None:
    """Copy by another process: were we to close the file, DuckDB would lose its lock on it."""
    done = subprocess.run(  # noqa: S603 - two files of our own
        ["cp", "-p", "--", file, to],  # noqa: S607 - the system's, wherever that is
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoStandbyError(
            f"{file} could not be copied beside it, as a checkpoint needs ({done.stderr.strip()}). "
            f"Make room on the disk and run again."
        )
    _to_disk(to)


def _to_disk(path: Path) -> None:
    """Return once a power cut leaves what was written, or the names in a folder, as they are."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
