"""Teams that the end-to-end tests share; each one's org is stopped at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.team import Team

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def sample_team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """The committed sample, in a data folder of this module's own."""
    team = Team(tmp_path_factory.mktemp("sample"), SAMPLE / "landing", SAMPLE / "org")
    yield team
    team.touchline("org", "stop")
