"""Each person's story is consistent in itself, whatever the seed."""

from datetime import date
from itertools import pairwise

import pytest

from orchestration.simulator.clock import WEEK
from orchestration.simulator.reading import QUIET_SECONDS
from orchestration.simulator.scanners import BURST_LINKS
from orchestration.simulator.story import ACTORS, Actor, Enrollment, Message, Story
from orchestration.simulator.storyteller import tell
from orchestration.simulator.team import Team, assemble

TEAMS = tuple(
    assemble(weeks, seed, date(2026, 11, 15)) for weeks, seed in ((1, 3), (6, 5), (16, 8))
)


@pytest.fixture(params=TEAMS, ids=lambda team: f"{team.weeks} weeks", scope="module")
def team(request: pytest.FixtureRequest) -> Team:
    chosen: Team = request.param
    return chosen


@pytest.fixture(scope="module")
def stories(team: Team) -> list[Story]:
    return [tell(index, team) for index in range(500)]


def enrollments(stories: list[Story]) -> list[Enrollment]:
    return [enrollment for story in stories for enrollment in story.enrollments]


def messages(stories: list[Story]) -> list[Message]:
    return [message for enrollment in enrollments(stories) for message in enrollment.messages]


def test_a_story_depends_on_seed_and_number_alone(team: Team, stories: list[Story]) -> None:
    again = assemble(team.weeks, team.seed, date(2026, 11, 15))
    alone = tell(123, again)
    assert alone.person == stories[123].person
    assert [each.id for each in alone.enrollments] == [each.id for each in stories[123].enrollments]


def test_nothing_happens_after_the_end(team: Team, stories: list[Story]) -> None:
    moments = [message.sent_at for message in messages(stories)]
    moments += [event.at for message in messages(stories) for event in message.transits]
    moments += [touch.at for message in messages(stories) for touch in message.touches]
    moments += [change.at for each in enrollments(stories) for change in each.changes]
    moments += [letter.at for story in stories for letter in story.letters]
    assert max(moments) < team.end_at
    assert team.end_at - team.start_at == team.weeks * WEEK


def test_mail_goes_out_in_the_order_of_steps_and_not_after_the_end(stories: list[Story]) -> None:
    for enrollment in enrollments(stories):
        sent = [message.sent_at for message in enrollment.messages]
        assert sent == sorted(sent)
        assert [message.step.number for message in enrollment.messages] == list(
            range(1, len(sent) + 1)
        )
        started_at, ended_at = enrollment.when("started"), enrollment.when("ended")
        if sent:
            assert started_at is not None
            assert enrollment.created_at <= started_at <= sent[0]
        if sent and ended_at is not None:
            assert sent[-1] <= ended_at


def test_paused_sequences_and_mailboxes_send_nothing(stories: list[Story]) -> None:
    for enrollment in enrollments(stories):
        for paused_at in (enrollment.sequence.paused_at, enrollment.mailbox.paused_at):
            if paused_at is not None:
                assert all(message.sent_at < paused_at for message in enrollment.messages)


def test_a_message_is_delivered_or_fails_but_not_both(stories: list[Story]) -> None:
    for message in messages(stories):
        ends = [
            event.kind
            for event in message.transits
            if event.kind in {"delivered", "bounce", "blocked", "dropped"}
        ]
        assert len(ends) <= 1
        if ends != ["delivered"]:
            assert not message.touches


def test_people_act_late_and_apart_from_machines(stories: list[Story]) -> None:
    """C1: humans come more than 20 s after delivery and repeat themselves slowly."""
    for message in messages(stories):
        human = [touch for touch in message.touches if ACTORS[touch.cause] is Actor.HUMAN]
        scanned = [touch.at for touch in message.touches if ACTORS[touch.cause] is Actor.MACHINE]
        for touch in human:
            assert message.delivered_at is not None
            assert touch.at - message.delivered_at > 20
            assert all(abs(touch.at - at) > QUIET_SECONDS // 2 for at in scanned)
        for earlier, later in pairwise(sorted(touch.at for touch in human if not touch.url)):
            assert later - earlier > 10
        for earlier, later in pairwise(sorted(touch.at for touch in human if touch.url)):
            assert later - earlier > 10


def test_late_bursts_take_every_link_at_once(stories: list[Story]) -> None:
    for story in stories:
        if story.person.role.gateway != "burst":
            continue
        for message in messages([story]):
            clicks = [t for t in message.touches if ACTORS[t.cause] is Actor.MACHINE and t.url]
            if not clicks or message.delivered_at is None:
                continue
            is_fast = clicks[0].at - message.delivered_at <= 5
            assert is_fast or len({click.url for click in clicks}) >= BURST_LINKS
            assert clicks[-1].at - clicks[0].at <= 2


def test_addresses_are_unique(stories: list[Story]) -> None:
    addresses = [story.person.email for story in stories]
    assert len(set(addresses)) == len(addresses)
