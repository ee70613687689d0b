"""What became of each enrollment, told from the story's facts (the contract's statuses, rule F).

The precedence of rule F2 is applied to what really happened; no log line is read for it.
"""

from typing import NamedTuple

from orchestration.simulator.clock import DAY
from orchestration.simulator.playbook import UNSUBSCRIBE_PAGE
from orchestration.simulator.story import (
    ACTORS,
    Actor,
    Enrollment,
    Kind,
    Letter,
    Match,
    Message,
    Story,
)
from orchestration.simulator.team import Team

REPLY_WINDOW = 90 * DAY

_HARD_CODES = frozenset({"5.1.1", "5.1.2", "5.1.10"})
_COMPLAINTS = frozenset({"spamreport"})
_UNSUBSCRIBES = frozenset({"unsubscribe", "group_unsubscribe"})
_REFUSALS = _COMPLAINTS | _UNSUBSCRIBES
_BOUNCES = frozenset({"bounce", "blocked"})


class Outcome(NamedTuple):
    """An enrollment's internal status (F1) with its reason, and when it last showed activity."""

    status: str
    reason: str
    active_at: int


def human_replies(story: Story, enrollment: Enrollment) -> list[Letter]:
    """Return the human letters that count as replies to this enrollment."""
    return [
        letter
        for letter in story.letters
        if letter.kind is Kind.HUMAN and letter.enrollment is enrollment
    ]


def outcome_of(story: Story, enrollment: Enrollment, replies: list[Letter], team: Team) -> Outcome:
    """Return where an enrollment with these human replies stands when the team's weeks end."""
    status, reason = (
        _refusal(story, enrollment)
        or _reply(enrollment, replies)
        or _bounce(enrollment)
        or _platform_end(enrollment)
        or _standstill(story, enrollment, team)
        or _progress(enrollment)
    )
    return Outcome(status, reason, _active_at(enrollment, replies))


def has_wish_of_their_own(story: Story) -> bool:
    """Whether the person ever refused more mail, by mail or on a page of the platform."""
    return any(
        _wish_times(each, _REFUSALS) or each.when("is_opted_out") for each in story.enrollments
    )


def _wish_times(enrollment: Enrollment, kinds: frozenset[str]) -> list[int]:
    return [
        at
        for message in enrollment.messages
        for kind, at in [
            *((event.kind, event.at) for event in message.transits),
            *(("unsubscribe", at) for at in _unsubscribe_clicks(message)),
        ]
        if kind in kinds
    ]


def _unsubscribe_clicks(message: Message) -> list[int]:
    """Return when anybody but the team followed the unsubscribe link, a scanner included (C4)."""
    return [
        touch.at
        for touch in message.touches
        if touch.url.startswith(UNSUBSCRIBE_PAGE) and ACTORS[touch.cause] is not Actor.INTERNAL
    ]


def _reaches(wish_at: int, enrollment: Enrollment) -> bool:
    """Whether a wish from another enrollment finds this one still open."""
    ended_at = enrollment.when("ended")
    return ended_at is None or ended_at > wish_at


def _has_wish(story: Story, enrollment: Enrollment, kinds: frozenset[str]) -> bool:
    if _wish_times(enrollment, kinds):
        return True
    return any(
        _reaches(wish_at, enrollment)
        for other in story.enrollments
        if other is not enrollment and _is_one_person(story, other, enrollment)
        for wish_at in _wish_times(other, kinds)
    )


def _is_one_person(story: Story, one: Enrollment, other: Enrollment) -> bool:
    """Whether both addresses are known to be one person's: by the CRM record, or by being equal."""
    return story.crm.target is not None or one.email.lower() == other.email.lower()


def _refusal(story: Story, enrollment: Enrollment) -> tuple[str, str] | None:
    """Return how the person, or the CRM on their behalf, refused more mail."""
    if not has_wish_of_their_own(story):
        ticked_at = story.crm.opted_out_at
        is_reached = ticked_at is not None and _reaches(ticked_at, enrollment)
        return ("do_not_contact", "crm_opt_out") if is_reached else None
    if _has_wish(story, enrollment, _COMPLAINTS):
        return "do_not_contact", "complaint"
    if _has_wish(story, enrollment, _UNSUBSCRIBES):
        return "unsubscribed", "unsubscribe"
    flagged_at = [each.when("is_opted_out") for each in story.enrollments]
    if enrollment.when("is_opted_out") is not None:
        return "unsubscribed", "platform"
    if any(at is not None and _reaches(at, enrollment) for at in flagged_at):
        return "unsubscribed", "platform"
    return None


def _reply(enrollment: Enrollment, replies: list[Letter]) -> tuple[str, str] | None:
    ended_at = enrollment.when("ended")
    for letter in sorted(replies, key=lambda each: each.at):
        if ended_at is None or letter.at <= ended_at + REPLY_WINDOW:
            is_apart = letter.match is Match.OUT_OF_SEQUENCE
            return "replied", "out_of_sequence" if is_apart else str(letter.match)
    if enrollment.when("is_replied") is not None:
        return "replied", "platform"
    return None


def _bounce(enrollment: Enrollment) -> tuple[str, str] | None:
    codes = {
        event.code
        for message in enrollment.messages
        for event in message.transits
        if event.kind in _BOUNCES
    }
    if codes & _HARD_CODES:
        return "bounced", "hard_bounce"
    if enrollment.when("is_bounced") is None:
        return None
    return ("bounce_stopped", "soft_bounce") if codes else ("bounced", "platform")


def _platform_end(enrollment: Enrollment) -> tuple[str, str] | None:
    for flag, status in (("is_excluded", "excluded"), ("is_canceled", "canceled")):
        if enrollment.when(flag) is not None:
            return status, "platform"
    return ("completed", "platform") if enrollment.when("ended") is not None else None


def _standstill(story: Story, enrollment: Enrollment, team: Team) -> tuple[str, str] | None:
    """Return why an open enrollment does not move."""
    if enrollment.when("is_blocked") is not None:
        return "blocked", "platform"
    if enrollment.when("paused") is not None and enrollment.when("resumed") is None:
        return "paused", "enrollment_paused"
    for paused_at, reason in (
        (enrollment.sequence.paused_at, "sequence_paused"),
        (enrollment.mailbox.paused_at, "mailbox_paused"),
    ):
        if paused_at is not None and paused_at < team.end_at:
            return "paused", reason
    last_sent_at = enrollment.messages[-1].sent_at if enrollment.messages else 0
    if any(
        letter.kind is Kind.OOO and letter.enrollment is enrollment and letter.at > last_sent_at
        for letter in story.letters
    ):
        return "paused", "ooo"
    return None


def _progress(enrollment: Enrollment) -> tuple[str, str]:
    if enrollment.messages or enrollment.when("started") is not None:
        return "engaged", "platform"
    return "queued", "platform"


def _active_at(enrollment: Enrollment, replies: list[Letter]) -> int:
    """Return the latest of creation, last mail, human reply, bounce, unsubscribe and end."""
    times = [enrollment.created_at, enrollment.when("ended") or 0]
    times += [letter.at for letter in replies]
    times += _wish_times(enrollment, _UNSUBSCRIBES | _BOUNCES)
    if enrollment.messages:
        times.append(enrollment.messages[-1].sent_at)
    return max(times)
