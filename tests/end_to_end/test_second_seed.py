"""A team that nobody looked at while the models were written, and whose syncs meet."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestration.simulator.simulate import simulate
from tests.end_to_end import truth
from tests.end_to_end.team import Team

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Meeting:
    """What two syncs reported that were started at once, after one had been killed."""

    team: Team
    truth: Path
    reports: list[dict[str, Any]]
    progress: list[str]


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meeting]:
    """The first sync is killed while it builds the models; then two are started at once."""
    place = tmp_path_factory.mktemp("second")
    simulate(people=900, weeks=8, seed=20261120, out=place)
    team = Team(place / "data", place / "landing", place / "org")
    killed = team.start("run")
    assert killed.stderr is not None
    for line in killed.stderr:
        if line.startswith("Building and testing models"):
            break
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()

    both = [team.start("run", "--json") for _ in range(2)]
    said = [each.communicate(timeout=300) for each in both]
    progress = [stderr for _, stderr in said]
    assert [each.returncode for each in both] == [0, 0], progress
    yield Meeting(team, place / "truth", [json.loads(stdout) for stdout, _ in said], progress)
    team.touchline("org", "stop")


def test_after_a_killed_sync_two_at_once_both_end_well_and_write_once(meeting: Meeting) -> None:
    """The kernel frees the lock; what Dagster counts as the dead run's is cleared by the next."""
    changed = sorted(report["plan"]["changed_records"] for report in meeting.reports)
    written = sum(report["writeback"]["written"] for report in meeting.reports)
    assert changed[0] == 0
    assert changed[1] == written > 0
    assert [report["writeback"]["failed"] for report in meeting.reports] == [0, 0]
    plans = {report["plan"]["plan_id"] for report in meeting.reports}
    assert plans == {"plan-00001", "plan-00002"}
    waited = ["Waiting for another sync (process " in each for each in meeting.progress]
    assert sorted(waited) == [False, True]


def test_the_marts_agree_with_the_truth_for_every_person(meeting: Meeting) -> None:
    assert truth.disagreements(meeting.team, meeting.truth) == truth.NONE
