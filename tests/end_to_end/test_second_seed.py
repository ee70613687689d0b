"""A team that nobody looked at while the models were written."""

from pathlib import Path

import pytest

from orchestration.simulator.simulate import simulate
from tests.end_to_end import truth
from tests.end_to_end.team import Team

pytestmark = pytest.mark.slow


def test_the_marts_agree_with_the_truth_for_every_person_of_a_second_seed(tmp_path: Path) -> None:
    simulate(people=900, weeks=8, seed=20261120, out=tmp_path)
    team = Team(tmp_path / "data", tmp_path / "landing", tmp_path / "org")
    report = team.run()
    team.touchline("org", "stop")
    assert report["writeback"]["failed"] == 0
    assert truth.disagreements(team, tmp_path / "truth") == truth.NONE
