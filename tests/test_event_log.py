"""Dagster's event log, held open while a run writes to it."""

from pathlib import Path

import dagster as dg

from orchestration.event_log import held_open

FIRST, SECOND = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))


@dg.op
def nothing() -> None:
    pass


@dg.job
def idle() -> None:
    nothing()


def run(instance: dg.DagsterInstance, run_id: str) -> None:
    assert idle.execute_in_process(instance=instance, run_id=run_id).success


def test_the_logs_of_a_run_are_copied_into_their_files_once_and_hold_its_events(
    tmp_path: Path,
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run(instance, FIRST)
        with held_open(instance, SECOND):
            run(instance, SECOND)
            logs = {log.name for log in tmp_path.rglob("*.db-wal")}
            assert {f"{SECOND}.db-wal", "index.db-wal"} <= logs
        assert list(tmp_path.rglob("*.db-wal")) == []
        kinds = [
            [entry.dagster_event_type for entry in instance.all_logs(run_id)]
            for run_id in (FIRST, SECOND)
        ]
    assert len(kinds[0]) > 5
    assert kinds[0] == kinds[1]


def test_a_log_that_is_kept_elsewhere_is_left_alone(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance, held_open(instance, FIRST):
        run(instance, FIRST)
        assert len(instance.all_logs(FIRST)) > 5
    assert list(tmp_path.iterdir()) == []
