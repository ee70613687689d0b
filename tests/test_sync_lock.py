"""The lock that lets one sync at a time at a data folder, held by real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import runs_were_killed
from orchestration.killed_runs import close_killed_runs
from orchestration.resources import warehouse_in_turn
from orchestration.run_problems import problems, was_interrupted
from orchestration.settings import Settings
from orchestration.sync_lock import SyncLock, SyncLockedError
from orchestration.warehouse import Warehouse

#: Holds the lock of the folder given until its standard input is closed.
HOLD = """
import sys
from pathlib import Path
from orchestration.sync_lock import SyncLock
with SyncLock(Path(sys.argv[1]), 0).held(sys.argv[2], print):
    print("held", flush=True)
    sys.stdin.read()
"""

POOL = "warehouse_writer"

#: The run of the other process.
OTHER = "3f0b5a52-3a44-4b6b-9d8e-2f3f0f6a7c11"


def nobody(told: str) -> None:
    pytest.fail(f"nobody is waited for, and still it said: {told}")


@contextmanager
def held_elsewhere(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Let another process hold the lock while the block runs, then kill it."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), OTHER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_who_comes_second_waits_and_says_for_whom(tmp_path: Path) -> None:
    told: list[str] = []
    with held_elsewhere(tmp_path) as holder:
        threading.Timer(0.5, holder.kill).start()
        started = time.monotonic()
        with SyncLock(tmp_path, 20).held("mine", told.append):
            assert time.monotonic() - started >= 0.4
    assert len(told) == 1, "once, not at every look"
    assert told[0].startswith(f"Waiting for another sync (process {holder.pid}, since 20")


def test_the_wait_ends_with_an_error_that_names_the_process(tmp_path: Path) -> None:
    with (
        held_elsewhere(tmp_path) as holder,
        pytest.raises(SyncLockedError, match=rf"process {holder.pid}, since .*Run again"),
        SyncLock(tmp_path, 0).held("mine", nobody),
    ):
        pytest.fail("nobody gets in while another sync is at work")


def test_one_sync_after_another_waits_for_nobody_and_leaves_nothing(tmp_path: Path) -> None:
    lock = SyncLock(tmp_path, 0)
    for run_id in ("first", "second"):
        with lock.held(run_id, nobody):
            assert {path.name for path in tmp_path.iterdir()} == {"sync.lock", f"{run_id}.run"}
    assert [path.name for path in tmp_path.iterdir()] == ["sync.lock"]
    assert list(lock.killed()) == []


def test_a_killed_process_frees_the_lock_and_is_found_once(tmp_path: Path) -> None:
    lock = SyncLock(tmp_path, 0)
    with held_elsewhere(tmp_path) as holder:
        assert list(lock.killed()) == [], "it is alive"
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with lock.held("mine", nobody):
            assert list(lock.killed()) == [OTHER]
            assert list(lock.killed()) == []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment(
        {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_WAIT_SECONDS": "0"}
    )


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with the pool of the house."""
    config = {"concurrency": {"pools": {"default_limit": 1, "granularity": "op"}}}
    with dg.instance_for_test(overrides=config, temp_dir=str(tmp_path)) as instance:
        instance.event_log_storage.set_concurrency_slots(POOL, 1)
        yield instance


@dg.asset(pool=POOL)
def first(warehouse: dg.ResourceParam[Warehouse]) -> None:
    with warehouse.connect() as connection:
        connection.execute("create table raw.seen as select 1 as seen")


@dg.asset(deps=[first], pool=POOL)
def second(settings: dg.ResourceParam[Settings]) -> None:
    """Look into the folder while the run goes on, in a step that takes no warehouse."""
    assert len(list(settings.locks.glob("*.run"))) == 1
    with pytest.raises(SyncLockedError), SyncLock(settings.locks, 0).held("third", print):
        pytest.fail("the lock is held between the steps too")


def run(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    definitions = dg.Definitions(
        [first, second],
        jobs=[dg.define_asset_job("both")],
        resources={"warehouse": warehouse_in_turn(settings), "settings": settings},
        executor=dg.in_process_executor,
    )
    return definitions.resolve_job_def("both").execute_in_process(
        instance=instance, raise_on_error=False
    )


def test_a_run_holds_the_lock_from_its_first_step_to_its_last(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert run(settings, instance).success
    assert list(settings.locks.glob("*.run")) == []
    with SyncLock(settings.locks, 0).held("next", nobody):
        pass


def test_a_run_that_waited_in_vain_does_nothing_and_says_so_in_one_line(
    settings: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with held_elsewhere(settings.locks) as holder:
        result = run(settings, instance)
    assert not result.success
    assert not was_interrupted(result)
    [problem] = problems(result, tmp_path / "run.log")
    assert problem.startswith(f"Another sync (process {holder.pid}, since ")
    assert "Traceback" not in problem
    assert not settings.warehouse.exists()


@dg.job
def nothing() -> None:
    """A job whose run can be recorded."""


def claim(instance: dg.DagsterInstance, run_id: str) -> None:
    """Do what a step of that run did before its process was killed."""
    assert instance.event_log_storage.claim_concurrency_slot(POOL, run_id, "step").is_claimed


def test_the_turn_of_a_killed_run_is_freed_and_the_run_marked_as_failed(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    with held_elsewhere(settings.locks):
        killed = instance.create_run_for_job(nothing, run_id=OTHER)
        instance.report_dagster_event(
            dg.DagsterEvent("PIPELINE_START", job_name=killed.job_name), run_id=OTHER
        )
        claim(instance, OTHER)
        lock = SyncLock(settings.locks, 0)
        assert close_killed_runs(instance, lock) == [], "it is alive"
    result = run(settings, instance)
    assert result.success, "and did not wait for the pool"
    closed = instance.get_run_by_id(OTHER)
    assert closed is not None
    assert closed.status is dg.DagsterRunStatus.FAILURE
    assert instance.event_log_storage.get_concurrency_info(POOL).claimed_slots == []


def test_without_a_next_run_the_daemon_closes_killed_runs(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    """A queue that counts the dead as running lets no next run out."""
    assert runs_were_killed.default_status is dg.DefaultSensorStatus.RUNNING
    context = dg.build_sensor_context(instance=instance, resources={"settings": settings})
    with held_elsewhere(settings.locks):
        started = instance.create_run_for_job(nothing, run_id=OTHER)
        claim(instance, OTHER)
        assert started.status is dg.DagsterRunStatus.NOT_STARTED
        assert "No run was killed" in str(runs_were_killed(context))
    assert OTHER in str(runs_were_killed(context))
    assert instance.event_log_storage.get_concurrency_info(POOL).claimed_slots == []
    assert "No run was killed" in str(runs_were_killed(context))


def test_the_turn_of_a_run_that_somebody_marked_as_ended_is_freed(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    ended = instance.create_run_for_job(nothing, run_id=OTHER)
    claim(instance, OTHER)
    instance.report_run_canceled(ended, "in the UI")
    assert run(settings, instance).success, "and did not wait for the pool"
    assert instance.event_log_storage.get_concurrency_info(POOL).claimed_slots == []
