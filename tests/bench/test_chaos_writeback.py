"""A few kills and faults of `make chaos-writeback`, in every run of the suite (K4, K7)."""

from collections.abc import Iterator

import pytest

from tests.bench.chaos_writeback import all_faults, show
from tests.bench.writeback_kills import Kills
from tests.bench.writeback_scene import Scene, prepared

KILLS = 3
FAULTS = (
    "dropped after at an update by Collections no. 2",
    "dropped after at a creation by Collections no. 1",
    "job ends half-way at starting a job no. 1",
    "rows locked at starting a job no. 2",
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with prepared(tmp_path_factory.mktemp("chaos")) as prepared_scene:
        yield prepared_scene


@pytest.mark.slow
def test_k4_killed_runs_end_as_planned_and_nothing_is_written_twice(scene: Scene) -> None:
    kills = Kills(scene, seed=7)
    for number in range(KILLS):
        assert kills.kill_one(number).problems == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_k7_a_fault_ends_as_planned_and_nothing_is_written_twice(scene: Scene, name: str) -> None:
    assert show(scene, name, dict(all_faults())[name]).problems == ()
