"""Syncs that meet: a killed one is in nobody's way, and two at once take turns."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.simulator.simulate import simulate
from tests.end_to_end.team import Team

pytestmark = pytest.mark.slow


@pytest.fixture
def small_team(tmp_path: Path) -> Iterator[Team]:
    """As little data as there can be: what is tested is who is let in when."""
    simulate(people=2, weeks=1, seed=11, out=tmp_path)
    team = Team(tmp_path / "data", tmp_path / "landing", tmp_path / "org")
    yield team
    team.touchline("org", "stop")


def test_after_a_killed_sync_two_at_once_both_end_well_and_write_once(small_team: Team) -> None:
    """The kernel frees the lock; what Dagster counts as the dead run's is cleared by the next."""
    killed = small_team.start("run")
    assert killed.stderr is not None
    for line in killed.stderr:
        if line.startswith("Building and testing models"):
            break
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    both = [small_team.start("run", "--json") for _ in range(2)]
    said = [each.communicate(timeout=300) for each in both]
    progress = [stderr for _, stderr in said]
    assert [each.returncode for each in both] == [0, 0], progress
    reports = [json.loads(stdout) for stdout, _ in said]
    changed = sorted(report["plan"]["changed_records"] for report in reports)
    assert changed[0] == 0
    assert changed[1] == sum(report["writeback"]["written"] for report in reports) > 0
    assert {report["plan"]["plan_id"] for report in reports} == {"plan-00001", "plan-00002"}
    assert sum("Waiting for another sync (process " in each for each in progress) == 1
