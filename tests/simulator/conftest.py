"""One simulated team for the whole suite."""

import pytest

from orchestration.simulator.simulate import simulate
from tests.simulator.world import World

PEOPLE, WEEKS, SEED = 700, 6, 11


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a team of a seed other than the sample's."""
    out = tmp_path_factory.mktemp("world")
    return World(out, simulate(PEOPLE, WEEKS, SEED, out, workers=1))
