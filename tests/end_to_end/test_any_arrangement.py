"""A10: any split, order, repetition and interleaving of files gives the same marts."""

from pathlib import Path
from random import Random

import pytest

from tests.end_to_end.built import REMEMBERING, build, differing_tables, query
from tests.end_to_end.conftest import SAMPLE
from tests.end_to_end.every_source import STAGES, arranged, in_order, stocks
from tests.end_to_end.team import Team

MINIMUM_EVENTS = 50
MAILBOXES = 4

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A file per source, each record once, loaded and built at once."""
    place = tmp_path_factory.mktemp("plain")
    team = Team(place / "data", place / "landing", SAMPLE / "org")
    in_order(stocks(), team.landing)
    build(team, is_tested=False)
    return team


@pytest.mark.parametrize("seed", [1])
def test_a10_any_arrangement_of_every_source_gives_the_same_marts(
    plain: Team, seed: int, tmp_path: Path
) -> None:
    """Row for row, also where what remembers is built between the loads; loading times differ."""
    team = Team(tmp_path / "data", tmp_path / "landing", SAMPLE / "org")
    for stage in arranged(stocks(), team.landing, Random(seed)):
        if stage < STAGES - 1:
            build(team, REMEMBERING, is_tested=False)
        else:
            build(team)
    reasons = query(team, "select distinct reason from raw.rejects where settled_at is null")
    assert reasons == [("unknown_event_type: teleported",)]
    events = "select source, count(*) from marts.email_events group by source"
    assert min(count for _, count in query(team, events)) > MINIMUM_EVENTS
    bounced = "select count(*) from marts.email_events where message_key like 'by-hand-%' and "
    assert query(team, bounced + "event_type in ('bounced', 'deferred')") == [(3 * MAILBOXES,)]
    assert differing_tables(plain, team) == []
