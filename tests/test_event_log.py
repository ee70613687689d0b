"""Dagster's event log, kept open from one event to the next."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.event_log import FILES_KEPT_OPEN, KeptOpenEventLogStorage
from orchestration.settings import PROJECT_ROOT

RUN_IDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(FILES_KEPT_OPEN + 2)]


@dg.op
def nothing() -> None:
    pass


@dg.job
def idle() -> None:
    nothing()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(PROJECT_ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as opened:
        assert isinstance(opened.event_log_storage, KeptOpenEventLogStorage)
        yield opened


def run(instance: dg.DagsterInstance, run_id: str) -> None:
    assert idle.execute_in_process(instance=instance, run_id=run_id).success


def kinds(instance: dg.DagsterInstance, run_id: str) -> list[str | None]:
    return [
        entry.dagster_event.event_type_value if entry.dagster_event else None
        for entry in instance.all_logs(run_id)
    ]


def open_logs(home: Path) -> set[str]:
    return {log.name.removesuffix(".db-wal") for log in home.rglob("*.db-wal")}


def test_the_files_of_a_run_stay_open_and_are_whole_once_the_instance_is_closed(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run(instance, RUN_IDS[0])
        assert {RUN_IDS[0], "index"} <= open_logs(home)
    assert open_logs(home) & {RUN_IDS[0], "index"} == set()


def test_the_same_events_are_kept_as_dagster_keeps_by_itself_and_where_it_looks_for_them(
    home: Path, instance: dg.DagsterInstance
) -> None:
    (home / "plain").mkdir()
    with dg.DagsterInstance.local_temp(str(home / "plain")) as plain:
        run(plain, RUN_IDS[0])
        usual = kinds(plain, RUN_IDS[0])
    run(instance, RUN_IDS[0])
    assert len(usual) > 5
    assert kinds(instance, RUN_IDS[0]) == usual
    # Without our class, the same files are read: whoever takes it out of dagster.yaml loses none.
    (home / "dagster.yaml").unlink()
    with dg.DagsterInstance.from_config(str(home)) as plain:
        assert kinds(plain, RUN_IDS[0]) == usual


def test_only_the_last_few_runs_are_kept_open_and_the_others_can_be_read(
    home: Path, instance: dg.DagsterInstance
) -> None:
    for run_id in RUN_IDS:
        run(instance, run_id)
    assert len(open_logs(home) & {"index", *RUN_IDS}) <= FILES_KEPT_OPEN
    assert [kinds(instance, run_id) for run_id in RUN_IDS[:2]] == [kinds(instance, RUN_IDS[-1])] * 2


def test_events_that_were_wiped_are_gone_and_new_ones_are_kept(
    instance: dg.DagsterInstance,
) -> None:
    run(instance, RUN_IDS[0])
    usual = kinds(instance, RUN_IDS[0])
    instance.wipe()
    assert kinds(instance, RUN_IDS[0]) == []
    run(instance, RUN_IDS[0])
    assert kinds(instance, RUN_IDS[0]) == usual
