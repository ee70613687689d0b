"""A few kills and faults of `make chaos-writeback`, in every run of the suite (K4, K7)."""

import random
import time
from collections.abc import Iterator

import pytest

from tests.bench.chaos_writeback import Kills, all_faults, show
from tests.bench.writeback_scene import Scene, prepared

KILLS = 6
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
    started = time.perf_counter()
    assert scene.wanted
    kills = Kills(scene, random.Random(7), time.perf_counter() - started)
    for _ in range(KILLS):
        kills.kill_one()
        assert list(scene.problems()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_k7_a_fault_ends_as_planned_and_nothing_is_written_twice(scene: Scene, name: str) -> None:
    assert scene.wanted
    fault = dict(all_faults())[name]
    assert show(scene, fault) in ("fault: the run got over it", "fault: the run ended early")
    assert list(scene.problems()) == []
