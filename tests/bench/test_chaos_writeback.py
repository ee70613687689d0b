"""A few kills and faults of `make chaos-writeback`, in every run of the suite (K4, K6, K7)."""

from collections.abc import Iterator

import pytest

from tests.bench.writeback_faults import all_trials
from tests.bench.writeback_kills import WAYS, Kills
from tests.bench.writeback_scene import Scene, prepared

FAULTS = (
    "dropped after at an update by Collections no. 2",
    "dropped after, clock -300 s at a creation by Collections no. 1",
    "dropped after, rows late at an undo's deletion by Collections no. 1",
    "job ends half-way at starting a job no. 1",
)

#: As many as there are ways of going on with a dead run: resumed, next sync, undo.
WAYS_IN_TURN = 3


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with prepared(tmp_path_factory.mktemp("chaos")) as prepared_scene:
        yield prepared_scene


@pytest.mark.slow
def test_k4_killed_runs_end_as_planned_and_nothing_is_written_twice(scene: Scene) -> None:
    kills = Kills(scene, seed=3)
    ended = [kills.kill_one(number) for number in range(WAYS_IN_TURN)]
    assert {run.way for run in ended} == {way.name for way in WAYS[:WAYS_IN_TURN]}
    assert [(run.name, run.problems) for run in ended if run.problems] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_k7_a_fault_ends_as_planned_and_nothing_is_written_twice(scene: Scene, name: str) -> None:
    (trial,) = (each for each in all_trials() if each.name == name)
    assert trial.show(scene).problems == ()
