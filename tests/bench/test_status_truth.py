"""The truth about past statuses, which no log is read for (F5)."""

from orchestration.simulator.outcome import human_replies, outcome_of
from orchestration.simulator.simulate import END
from orchestration.simulator.storyteller import tell
from orchestration.simulator.team import assemble
from tests.bench.status_truth import status_at

TEAM = assemble(weeks=8, seed=7, end=END)
STORIES = [tell(index, TEAM) for index in range(90)]
CHAPTERS = [
    (story, number, enrollment)
    for story in STORIES
    for number, enrollment in enumerate(story.enrollments)
]


def test_the_status_when_the_world_ends_is_the_one_that_the_simulator_tells() -> None:
    for story, number, enrollment in CHAPTERS:
        told = outcome_of(story, enrollment, human_replies(story, enrollment), TEAM).status
        assert status_at(story, number, TEAM.end_at, TEAM) == told


def test_nobody_has_got_further_than_queued_when_they_are_enrolled() -> None:
    """But for those whom nobody may write to, and those enrolled after an opt-out."""
    begun = {status_at(story, number, each.created_at, TEAM) for story, number, each in CHAPTERS}
    assert begun == {"queued", "do_not_contact"}


def test_a_status_is_the_one_before_its_cause_until_the_cause() -> None:
    for story, number, enrollment in CHAPTERS:
        started_at = enrollment.when("started")
        if started_at is not None and not story.crm.opted_out_at:
            before, since = (
                status_at(story, number, at, TEAM) for at in (started_at - 1, started_at)
            )
            assert (before, since) == ("queued", "engaged")
