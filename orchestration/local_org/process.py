"""Starting, finding and stopping the org's process: one per folder, in the background."""

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import psutil

DEFAULT_PORT = 8466
DATABASE, RECORD, LOG, LOCK = "org.db", "org.json", "org.log", "org.lock"
#: A seed of some hundred thousand records fits into this.
START_SECONDS = 120.0
STOP_SECONDS = 5.0
_MODULE = "orchestration.local_org"
_LOG_TAIL = 2_000


class OrgProcessError(RuntimeError):
    """The org could not be started or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class OrgProcess:
    """A running org."""

    pid: int
    port: int
    url: str
    started_at: str
    directory: Path

    @property
    def database(self) -> Path:
        """The SQLite file that it keeps."""
        return self.directory / DATABASE


def start(
    directory: Path,
    port: int = DEFAULT_PORT,
    seed: Path | None = None,
    *,
    page_size: int = 2000,
    api_limit: int = 100_000,
    session_seconds: float = 7200.0,
    bare: bool = False,
) -> OrgProcess:
    """Start the org of a folder and wait until it answers; a running one is returned as it is.

    `seed` fills a new org, `bare` leaves it without Touchline's fields; an org that began before
    keeps what it holds. Port 0 takes any free one.

    Raises:
        OrgProcessError: a bad seed, a port that is taken, or no answer within `START_SECONDS`.
    """
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        running = find(directory)
        if running is not None:
            return running
        (directory / RECORD).unlink(missing_ok=True)
        command = [sys.executable, "-m", _MODULE, "--db", str(directory / DATABASE)]
        command += ["--port", str(port), "--page-size", str(page_size)]
        command += ["--api-limit", str(api_limit), "--session-seconds", str(session_seconds)]
        command += ["--seed", str(seed.absolute())] if seed else []
        command += ["--bare"] if bare else []
        with (directory / LOG).open("ab") as log:
            log_begins = log.tell()
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=_import_root(),
            )
        return _wait_until_healthy(directory, child, log_begins)


def stop(directory: Path) -> bool:
    """Stop the org of a folder; False if none was running.

    Raises:
        OrgProcessError: it did not end.
    """
    directory = directory.absolute()
    running = find(directory)
    if running is None:
        (directory / RECORD).unlink(missing_ok=True)
        return False
    process = psutil.Process(running.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        _gone(process)
    (directory / RECORD).unlink(missing_ok=True)
    return True


def find(directory: Path) -> OrgProcess | None:
    """Return the running org of a folder; a record that a dead org left behind counts as none."""
    directory = directory.absolute()
    try:
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        found = OrgProcess(directory=directory, **record)
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return found if _is_ours(found.pid, directory) else None


def reset(
    directory: Path, port: int = DEFAULT_PORT, seed: Path | None = None, *, bare: bool = False
) -> OrgProcess:
    """Stop the org, forget everything it holds, and start it anew."""
    stop(directory)
    for suffix in ("", "-wal", "-shm"):
        (directory / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    return start(directory, port, seed, bare=bare)


def _is_ours(pid: int, directory: Path) -> bool:
    """Whether that process is the org of this folder, and not a later bearer of its number."""
    try:
        process = psutil.Process(pid)
        command = process.cmdline()
        started_in = Path(process.cwd())
        is_alive = process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    # By hand, the file may have been given relative to where the org was started.
    database = (directory / DATABASE).resolve()
    names_it = any((started_in / word).resolve() == database for word in command)
    return is_alive and _MODULE in command and names_it


def _wait_until_healthy(
    directory: Path, child: "subprocess.Popen[bytes]", log_begins: int
) -> OrgProcess:
    deadline = time.monotonic() + START_SECONDS
    pause = 0.02
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise OrgProcessError(
                f"The local org did not start: {_last_words(directory, log_begins)}"
            )
        found = find(directory)
        if found is not None and found.pid == child.pid and _is_healthy(found.url):
            return found
        time.sleep(pause)
    child.kill()
    child.wait()
    raise OrgProcessError(
        f"The local org gave no answer within {START_SECONDS:.0f} s and was ended. "
        f"See {directory / LOG}."
    )


def _is_healthy(url: str) -> bool:
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"{url}/__admin/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


def _last_words(directory: Path, log_begins: int) -> str:
    said = (directory / LOG).read_bytes()[log_begins:]
    text = said.decode(errors="replace")[-_LOG_TAIL:].strip()
    return text.removeprefix("error: ") or f"it ended without a word; see {directory / LOG}"


def _gone(process: psutil.Process) -> None:
    try:
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired as error:
        raise OrgProcessError(f"Process {process.pid} does not end; end it by hand.") from error


def _import_root() -> Path:
    return Path(__file__).resolve().parents[2]


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time start the org of a folder."""
    with (directory / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
