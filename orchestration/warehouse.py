"""The one door to the DuckDB warehouse: short connections, a bounded wait, a read copy."""

import glob
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import duckdb
import psutil
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random

from orchestration.standby import NoStandbyError, door, log_of, standing_by, take_over

LOCK_WAIT_SECONDS = 60.0
SCHEMAS = ("raw", "staging", "intermediate", "marts", "crm", "writeback")

#: How long the write-ahead log may get: so many bytes, or a hundredth of the file. Whoever opens
#: the warehouse reads all of it, in some 10 ms for each MB; a checkpoint copies the whole file.
LOG_BYTES, LOG_SHARE = 4 << 20, 0.01

#: Has DuckDB make no checkpoint by itself, neither on closing nor for a long log.
_KEEP_TO_THE_LOG = "pragma disable_checkpoint_on_shutdown; set wal_autocheckpoint = '1TB'"

#: How often this process has each warehouse open.
_open_here: Counter[Path] = Counter()
_counting = Lock()

#: In DuckDB's own words; they come as errors of no class of their own.
_DAMAGE = ("Corrupt database file", "Corrupt WAL file", "replaying WAL file")

_LOCK_HOLDER = re.compile(r"PID (\d+)")


class NoWarehouseError(FileNotFoundError):
    """Nothing has been loaded yet; the message says how to begin."""


class WarehouseLockedError(RuntimeError):
    """The warehouse stayed locked by another process for the whole waiting time."""


class WarehouseDamagedError(RuntimeError):
    """DuckDB cannot read its own file; the message says how to go on with the published copy."""


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file that many processes take turns to write.

    Connections are meant to be short; none may be held over an HTTP call. DuckDB allows one
    writer per file and lets a reader keep the writer out, so everybody waits here in turn.

    What is written goes to the write-ahead log. It is brought into the file once it is long, while
    a copy stands by: a process may be killed at any moment, and nothing is lost.
    """

    path: Path
    lock_wait_seconds: float = LOCK_WAIT_SECONDS

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection and close it, whatever happens inside.

        A writer finds every schema of the house in place.

        Raises:
            NoWarehouseError: read-only, and nothing has been loaded yet.
            WarehouseLockedError: another process kept the lock for `lock_wait_seconds`.
            WarehouseDamagedError: the file cannot be read any more.
        """
        if read_only and not self.path.exists():
            raise NoWarehouseError(
                f"No warehouse at {self.path} yet. Run `touchline run` (or `touchline demo`) first."
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._open(read_only=read_only)
        try:
            if not read_only:
                for schema in SCHEMAS:
                    connection.execute(f"create schema if not exists {schema}")
            yield connection
        finally:
            connection.close()
            self._count(-1)
        if not read_only and self._has_long_log():
            try:
                self.checkpoint()
            except NoStandbyError as error:
                # What was to be written is: whoever asks for a checkpoint will be told.
                logging.getLogger(__name__).warning("%s", error)

    def checkpoint(self) -> None:
        """Bring the log into the file, and free the blocks of tables that were replaced.

        Where somebody else has the warehouse open, that is left to whoever writes next.

        Raises:
            NoStandbyError: there is no room for the copy that stands by meanwhile.
        """
        with door(self._file, waits=True):
            if _open_here[self._file] or not log_of(self._file).exists():
                return
            try:
                connection = self._open_inside(read_only=False)
            except (BlockingIOError, duckdb.IOException) as error:
                if not _is_locked(error):
                    raise
                return
            with connection, standing_by(self._file):
                connection.execute("checkpoint")

    def publish(self, target: Path) -> None:
        """Write a read copy to `target`, visible all at once (atomic rename).

        Readers that have the previous copy open keep reading it undisturbed.
        """
        draft = _fresh_draft(target)
        with self.connect(read_only=True) as connection:
            (name,) = connection.execute("select current_database()").fetchone() or ("",)
            connection.execute(f"attach '{_quoted(draft)}' as draft (read_write)")
            source = name.replace('"', '""')
            connection.execute(f'copy from database "{source}" to draft')
            connection.execute("detach draft")
        draft.replace(target)

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        waiting = Retrying(
            retry=retry_if_exception(_is_locked),
            wait=wait_random(min=0.01, max=0.2),
            stop=stop_after_delay(self.lock_wait_seconds),
            retry_error_callback=self._give_up,
        )
        try:
            return waiting(self._try_to_open, read_only=read_only)
        except duckdb.Error as error:
            if not any(words in str(error) for words in _DAMAGE):
                raise
            raise WarehouseDamagedError(
                f"{self.path} is damaged ({error}). Put it aside, with its .wal if there is one, "
                f"copy the published copy beside it into its place, and run again: "
                f"docs/operations.md, A damaged warehouse."
            ) from error

    def _try_to_open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        with door(self._file, read_only=read_only):
            connection = self._open_inside(read_only=read_only)
            self._count(+1)
        return connection

    def _open_inside(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        if not _open_here[self._file]:
            take_over(self._file)
        # A missing table is an error, never a Python variable that happens to bear its name.
        connection = duckdb.connect(
            str(self.path), read_only=read_only, config={"python_enable_replacements": "false"}
        )
        if not read_only:
            connection.execute(_KEEP_TO_THE_LOG)
        return connection

    def _count(self, more: int) -> None:
        with _counting:
            _open_here[self._file] += more

    @property
    def _file(self) -> Path:
        """Where the file is that the path may be a link to: DuckDB has the log beside it."""
        return self.path.resolve()

    def _has_long_log(self) -> bool:
        file, log = self._file, log_of(self._file)
        limit = max(LOG_BYTES, LOG_SHARE * file.stat().st_size)
        return log.exists() and log.stat().st_size > limit

    def _give_up(self, attempt: RetryCallState) -> duckdb.DuckDBPyConnection:
        error = attempt.outcome.exception() if attempt.outcome else None
        raise WarehouseLockedError(
            f"{self.path} is still locked after {self.lock_wait_seconds:.0f} s, "
            f"by {_holder(str(error))}. Close it (notebooks and BI tools: open the published "
            f"copy beside it instead) and run again."
        ) from error


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, BlockingIOError) or (
        isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)
    )


def _holder(message: str) -> str:
    found = _LOCK_HOLDER.search(message)
    if not found:
        return "another process"
    pid = int(found.group(1))
    try:
        return f"process {pid} ({' '.join(psutil.Process(pid).cmdline()[:4])})"
    except psutil.Error:
        return f"process {pid}"


def _fresh_draft(target: Path) -> Path:
    """Return a file name of this process's own; what killed processes left goes.

    Two runs that publish at once must not rename each other's half of a copy.
    """
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.draft*"):
        pid = left.name.removeprefix(f".{target.name}.").split(".")[0]
        if pid == str(os.getpid()) or not (pid.isdigit() and psutil.pid_exists(int(pid))):
            left.unlink(missing_ok=True)
    return target.with_name(f".{target.name}.{os.getpid()}.draft")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
