"""One sync at a time on a data folder: a lock of the operating system, whoever starts the sync."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

#: How the line begins that tells a waiting person for whom.
WAITING = "Waiting for another sync"

#: How often a waiting sync looks whether the lock is free.
POLL_SECONDS = 0.25


class SyncLockedError(RuntimeError):
    """Another sync kept the data folder to itself for the whole waiting time."""


@dataclass(frozen=True)
class SyncLock:
    """The lock that every sync holds from its first step to its last.

    The kernel frees a lock when its process ends, however it ends: nobody ever waits for the
    dead. Beside the lock, each sync holds a file of its own while it waits and works; one that
    can be locked by somebody else was left by a process that was killed.
    """

    folder: Path
    wait_seconds: float

    @contextmanager
    def held(self, run_id: str, tell: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock while the block runs; while it has to be waited for, tell for whom.

        Raises:
            SyncLockedError: another sync held it for all of `wait_seconds`.
        """
        with self._signed_in(run_id), (self.folder / "sync.lock").open("a+") as file:
            self._wait(file, tell)
            _sign(file)
            try:
                yield
            finally:
                file.truncate(0)

    def killed(self) -> Iterator[str]:
        """Yield the run ids of syncs whose process is gone without having ended.

        Each is forgotten once the caller comes back for the next.
        """
        for path in sorted(self.folder.glob("*.run")):
            try:
                file = path.open("r+")
            except FileNotFoundError:
                continue  # it has just ended
            with file:
                # Unlinked: it has ended in order since the file was opened.
                if _try_lock(file) and os.fstat(file.fileno()).st_nlink:
                    yield path.stem
                    path.unlink(missing_ok=True)

    @contextmanager
    def _signed_in(self, run_id: str) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{run_id}.run"
        # Locked before it has its name: under its name it is never seen unlocked while we live.
        draft = path.with_suffix(".draft")
        with draft.open("w") as file:
            _try_lock(file)
            draft.rename(path)
            try:
                yield
            finally:
                path.unlink(missing_ok=True)

    def _wait(self, file: IO[str], tell: Callable[[str], None]) -> None:
        deadline = time.monotonic() + self.wait_seconds
        told = ""
        while not _try_lock(file):
            holder = _holder(file)
            if time.monotonic() >= deadline:
                raise SyncLockedError(
                    f"Another sync ({holder}) is still at work after {self.wait_seconds:.0f} s "
                    f"of waiting. Nothing was done. Run again when it has ended; "
                    f"TOUCHLINE_WAIT_SECONDS sets how long to wait."
                )
            if holder != told:
                tell(f"{WAITING} ({holder})")
                told = holder
            time.sleep(POLL_SECONDS)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(file: IO[str]) -> None:
    file.truncate(0)
    json.dump({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}, file)
    file.flush()


def _holder(file: IO[str]) -> str:
    """Say who holds the lock; between taking and signing it nobody can know."""
    file.seek(0)
    try:
        note = json.loads(file.read())
    except json.JSONDecodeError:
        return "process unknown"
    since = datetime.fromisoformat(note["since"]).astimezone()
    return f"process {note['pid']}, since {since:%Y-%m-%d %H:%M:%S}"
