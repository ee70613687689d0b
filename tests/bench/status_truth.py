"""What a simulated team's statuses really were, at any moment, and which of it no export tells."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from orchestration.simulator.clock import WEEK, iso
from orchestration.simulator.outcome import has_wish_of_their_own, human_replies, outcome_of
from orchestration.simulator.simulate import END
from orchestration.simulator.story import CrmPlace, Enrollment, Story
from orchestration.simulator.storyteller import tell
from orchestration.simulator.team import Team, assemble
from tests.bench.teams import Trial

_STANDSTILLS = frozenset({"paused", "resumed", "is_blocked"})


@dataclass(frozen=True)
class Moment:
    """An enrollment's true status at a moment; `is_told` is false where no export dates it."""

    enrollment_id: str
    moment: str
    status: str
    is_told: bool


def moments(trial: Trial, each: int) -> Iterator[Moment]:
    """Yield the truth at some random moments of each enrollment between its start and the end."""
    team = assemble(trial.weeks, trial.seed, END, trial.habits)
    chance = Random(f"moments {trial.seed}")
    for index in range(trial.people):
        story = tell(index, team)
        for number, enrollment in enumerate(story.enrollments):
            unsure = list(_untold(enrollment, team))
            for _ in range(each):
                at = chance.randrange(enrollment.created_at, team.end_at)
                is_told = not any(begin <= at < end for begin, end in unsure)
                yield Moment(enrollment.id, iso(at), status_at(story, number, at, team), is_told)


def status_at(story: Story, number: int, at: int, team: Team) -> str:
    """Return the status of an enrollment as if the world had ended at the moment `at`."""
    then = {id(each): _until(each, at) for each in story.enrollments if each.created_at <= at}
    letters = [
        replace(letter, enrollment=then.get(id(letter.enrollment)))
        for letter in story.letters
        if letter.at <= at
    ]
    world = replace(
        story, crm=_place_at(story, at), enrollments=list(then.values()), letters=letters
    )
    enrollment = then[id(story.enrollments[number])]
    replies = human_replies(world, enrollment)
    return outcome_of(world, enrollment, replies, replace(team, end_at=at + 1)).status


def _until(enrollment: Enrollment, at: int) -> Enrollment:
    return replace(
        enrollment,
        changes=[change for change in enrollment.changes if change.at <= at],
        messages=[
            replace(
                message,
                transits=[each for each in message.transits if each.at <= at],
                touches=[each for each in message.touches if each.at <= at],
            )
            for message in enrollment.messages
            if message.sent_at <= at
        ],
    )


def _place_at(story: Story, at: int) -> CrmPlace:
    """Return the CRM as it was; a tick that the person's own wish explains is no news (0003)."""
    ticked_at = story.crm.opted_out_at
    is_news = ticked_at is not None and ticked_at <= at and not has_wish_of_their_own(story)
    return replace(story.crm, opted_out_at=ticked_at if is_news else None)


def _untold(enrollment: Enrollment, team: Team) -> Iterator[tuple[int, int]]:
    """Yield from when until when no export tells that a standstill had begun, or ended.

    The platform's exports are weekly, and date an enrollment's last change alone.
    """
    last_of_week: dict[int, int] = {}
    for change in enrollment.changes:
        week = min(max((change.at - team.start_at) // WEEK, 0), team.weeks - 1)
        last_of_week[week] = max(last_of_week.get(week, 0), change.at)
    told = sorted(last_of_week.values())
    begun = [change.at for change in enrollment.changes if change.what in _STANDSTILLS]
    begun += [
        max(paused_at, enrollment.created_at)
        for paused_at in (enrollment.sequence.paused_at, enrollment.mailbox.paused_at)
        if paused_at is not None and paused_at < team.end_at
    ]
    for at in begun:
        yield at, next((stamp for stamp in told if stamp >= at), team.end_at)
