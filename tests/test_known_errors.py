"""Errors that are no fault of ours reach people as one line, in a command and in a run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import httpx
import pytest

from orchestration.known_errors import KNOWN_ERRORS, message
from orchestration.org import Org
from orchestration.run_problems import problems
from orchestration.settings import Settings, SettingsError
from orchestration.sync_lock import SyncLock
from orchestration.warehouse import NoWarehouseError, Warehouse


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NoWarehouseError("No warehouse yet."), "No warehouse yet."),
        (PermissionError(13, "Permission denied", "/x"), "Access was refused: [Errno 13] Per"),
        (duckdb.IOException("IO Error: No space left"), "The warehouse could not be read or"),
        (httpx.ConnectError("Connection refused"), "The local org gave no answer: Connection"),
    ],
    ids=["warehouse", "permission", "duckdb", "http"],
)
def test_what_is_no_fault_of_ours_is_told_in_one_line(
    error: Exception, told: str, tmp_path: Path
) -> None:
    assert isinstance(error, KNOWN_ERRORS)
    assert message(type(error).__name__, str(error)).startswith(told)

    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def work() -> None:
        step()

    result = work.execute_in_process(raise_on_error=False)
    [problem] = problems(result, tmp_path / "run.log")
    assert problem.startswith(f"step failed: {told}")
    assert "\n" not in problem


def test_a_fault_of_ours_keeps_its_name_and_leaves_its_traceback_in_the_log(
    tmp_path: Path,
) -> None:
    @dg.op
    def step() -> None:
        raise KeyError("plan_id")

    @dg.job
    def work() -> None:
        step()

    log = tmp_path / "run.log"
    [problem] = problems(work.execute_in_process(raise_on_error=False), log)
    assert problem.startswith("step failed: KeyError: 'plan_id'.")
    assert str(log) in problem
    assert "tests/test_known_errors.py" in log.read_text(encoding="utf-8")


def test_a_file_that_is_missing_for_another_reason_is_a_fault_of_ours() -> None:
    assert not isinstance(FileNotFoundError("manifest.json"), KNOWN_ERRORS)
    with pytest.raises(NoWarehouseError), Warehouse(Path("none")).connect(read_only=True):
        pytest.fail("there is nothing to read")


def test_a_private_key_that_is_not_there_is_named_before_anything_is_contacted(
    tmp_path: Path,
) -> None:
    settings = Settings.from_environment(
        {
            "TOUCHLINE_ENV": "sandbox",
            "SALESFORCE_HOST": "acme--test.sandbox.my.salesforce.com",
            "SALESFORCE_CONSUMER_KEY": "key",
            "SALESFORCE_USERNAME": "sync@acme.example",
            "SALESFORCE_PRIVATE_KEY_FILE": str(tmp_path / "org.pem"),
        }
    )
    with pytest.raises(SettingsError, match=r"SALESFORCE_PRIVATE_KEY_FILE=.*org\.pem.* is no file"):
        Org(settings).connect()


def test_ctrl_c_says_interrupted_and_ends_with_the_status_of_it(tmp_path: Path) -> None:
    lock = SyncLock(tmp_path / "locks", 0)
    with lock.held("another", print):
        # In a shell's background the suite ignores Ctrl-C, and its children would inherit that.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        waiting = subprocess.Popen(
            [Path(sys.executable).with_name("touchline"), "apply"],
            env={**os.environ, "TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_ENV": "local"},
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        signal.signal(signal.SIGINT, handler)
        assert waiting.stderr is not None
        while "Waiting for another sync" not in waiting.stderr.readline():
            assert waiting.poll() is None
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=20)
    *before, last = said.strip().splitlines()
    assert (waiting.returncode, last) == (130, "interrupted")
    # A signal that comes while rich empties its buffer lets it print that line once more.
    assert all("Waiting for another sync" in line for line in before)
