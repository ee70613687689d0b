"""What a fate does at its turning step: replies, bounces, opt-outs, the platform's own moves."""

from collections.abc import Callable

from orchestration.simulator.chapter import FINISH_AFTER, Chapter
from orchestration.simulator.clock import DAY, HOUR, MINUTE
from orchestration.simulator.person import Fate
from orchestration.simulator.story import Letter, Match, Message, Transit

Turn = Callable[[Chapter, Message], None]

_HARD = (
    Transit("bounce", 0, "5.1.1", "550 5.1.1 The email account that you tried does not exist."),
    Transit("bounce", 0, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"),
    Transit("bounce", 0, "5.1.2", "550 5.1.2 Bad destination system address"),
)  # fmt: skip
_SOFT = (
    Transit("bounce", 0, "5.2.2", "552 5.2.2 The recipient's inbox is out of storage space."),
    Transit("bounce", 0, "4.2.2", "452 4.2.2 Mailbox full"),
)
_BLOCK = (
    Transit("blocked", 0, "5.7.1", "550 5.7.1 Message refused by policy"),
    Transit("blocked", 0, "4.7.0", "421 4.7.0 Too much mail from your address"),
)
_DROPPED = Transit("dropped", 0, "5.0.0", "Bounced Address")
_DELAY = Transit("deferred", 0, "4.4.1", "451 4.4.1 No answer from host")

#: Failures at the turning step, by fate; every other fate lets the message arrive.
FAILURES: dict[Fate, tuple[Transit, ...]] = {
    Fate.HARD_BOUNCE: _HARD,
    Fate.HARD_BOUNCE_UNSEEN: _HARD,
    Fate.DROPPED: (_DROPPED,),
    Fate.SOFT_BOUNCE_STOPS: _SOFT,
    Fate.SOFT_BOUNCE_PASSES: _SOFT,
    Fate.BLOCK_STOPS: _BLOCK,
}
_REPORTED = frozenset({Fate.HARD_BOUNCE, Fate.SOFT_BOUNCE_STOPS, Fate.BLOCK_STOPS})
_PLATFORM_NOTICES = MINUTE


def fail(chapter: Chapter, message: Message, fate: Fate) -> None:
    """Let the turning message fail, and the platform react as the fate says."""
    kinds = FAILURES[fate]
    failure = chapter.fail(message, kinds[int(chapter.rng.random() * len(kinds))])
    is_noisy = chapter.person.role.is_extra_noisy or chapter.rng.random() < 0.4
    if fate in _REPORTED and is_noisy:
        chapter.post.report_failure(chapter.enrollment, message, failure, is_final=True)
    if fate not in {Fate.SOFT_BOUNCE_PASSES, Fate.HARD_BOUNCE_UNSEEN}:
        chapter.end(failure.at + _PLATFORM_NOTICES, "is_bounced")


def drop(chapter: Chapter, message: Message) -> None:
    """Let the provider refuse a message to an address that bounced before."""
    chapter.fail(message, _DROPPED)


def _take_reply(chapter: Chapter, letter: Letter | None) -> None:
    """Let the platform see a reply, show it and end the enrollment."""
    if letter is not None:
        chapter.show_reply(letter)
        chapter.end(letter.at + _PLATFORM_NOTICES, "is_replied")


def _replies(chapter: Chapter, message: Message) -> None:
    at = chapter.moment_after(message, 40 * HOUR)
    _take_reply(chapter, chapter.post.reply(chapter.enrollment, message, at))


def _converses(chapter: Chapter, message: Message) -> None:
    at = chapter.moment_after(message, 20 * HOUR)
    letter = chapter.post.reply(chapter.enrollment, message, at)
    _take_reply(chapter, letter)
    if letter is not None:
        chapter.post.converse(chapter.enrollment, letter)


def _replies_bare(chapter: Chapter, message: Message) -> None:
    """Answer without threading headers; every other platform run misses such a reply."""
    at = chapter.moment_after(message, 40 * HOUR)
    letter = chapter.post.reply(
        chapter.enrollment, message, at, match=Match.PROBABLE, shows_thread=False
    )
    if chapter.person.index % 2:
        _take_reply(chapter, letter)


def _replies_in_gmail_thread(chapter: Chapter, message: Message) -> None:
    """Answer without threading headers, but within Gmail's own thread."""
    at = chapter.moment_after(message, 40 * HOUR)
    chapter.post.copy(chapter.enrollment, message)
    _take_reply(chapter, chapter.post.reply(chapter.enrollment, message, at, shows_thread=False))


def _replies_from_elsewhere(chapter: Chapter, message: Message) -> None:
    at = chapter.moment_after(message, 40 * HOUR)
    second = chapter.person.second_email
    _take_reply(chapter, chapter.post.reply(chapter.enrollment, message, at, sender=second))


def _writes_apart(chapter: Chapter, message: Message) -> None:
    """Write about something else while the sequence runs; the platform notices half of that."""
    letter = chapter.post.write_apart(chapter.moment_after(message, 30 * HOUR))
    if letter is None:
        return
    letter.enrollment = chapter.enrollment
    if chapter.person.index % 2:
        chapter.end(letter.at + _PLATFORM_NOTICES, "is_replied")


def _platform_replied(chapter: Chapter, message: Message) -> None:
    """Let the platform know of a reply that no mailbox export holds."""
    chapter.end(chapter.moment_after(message, 40 * HOUR), "is_replied")


def _away(chapter: Chapter, message: Message) -> None:
    _absence(chapter, message, by_subject=False, days=3 + int(chapter.rng.random() * 4))


def _away_by_subject(chapter: Chapter, message: Message) -> None:
    _absence(chapter, message, by_subject=True, days=3 + int(chapter.rng.random() * 4))


def _away_at_end(chapter: Chapter, message: Message) -> None:
    """Go on leave for so long that the next step is still to come when the weeks end."""
    _absence(chapter, message, by_subject=False, days=120)


def _absence(chapter: Chapter, message: Message, *, by_subject: bool, days: int) -> None:
    letter = chapter.post.away(chapter.enrollment, message, by_subject=by_subject)
    if letter is None:
        return
    chapter.extra_wait = days * DAY
    if letter.label:
        chapter.show_reply(letter)
        chapter.note(letter.at + _PLATFORM_NOTICES, "listed")


def _away_then_replies(chapter: Chapter, message: Message) -> None:
    letter = chapter.post.away(chapter.enrollment, message, by_subject=False)
    if letter is not None:
        chapter.extra_wait = 3 * DAY
        at = letter.at + 3 * DAY + int(chapter.rng.random() * 2 * DAY)
        _take_reply(chapter, chapter.post.reply(chapter.enrollment, message, at))


def _bounce_by_mail(chapter: Chapter, message: Message) -> None:
    """Bounce after the provider called the message delivered: only a report in the mailbox."""
    failure = _HARD[0]._replace(at=chapter.moment_after(message, HOUR))
    chapter.post.report_failure(chapter.enrollment, message, failure, is_final=True)
    chapter.end(failure.at + 2 * _PLATFORM_NOTICES, "is_bounced")


def _delay_report(chapter: Chapter, message: Message) -> None:
    failure = _DELAY._replace(at=message.sent_at + 10 * MINUTE)
    chapter.post.report_failure(chapter.enrollment, message, failure, is_final=False)


def _opt_out(chapter: Chapter, message: Message, kind: str, at: int, *, is_seen: bool) -> None:
    chapter.transit(message, kind, at)
    chapter.stop(at)
    if at < chapter.end_at:
        chapter.opted_out_at = at
    if is_seen:
        chapter.end(at + _PLATFORM_NOTICES, "is_opted_out")


def _unsubscribes(chapter: Chapter, message: Message) -> None:
    at = chapter.moment_after(message, DAY)
    _opt_out(chapter, message, "group_unsubscribe", at, is_seen=True)


def _unsubscribes_unseen(chapter: Chapter, message: Message) -> None:
    at = chapter.moment_after(message, DAY)
    _opt_out(chapter, message, "unsubscribe", at, is_seen=False)


def _opted_out_by_flag(chapter: Chapter, message: Message) -> None:
    """Opt out by a page of the platform: no event tells, only the flag."""
    chapter.end(chapter.moment_after(message, DAY), "is_opted_out")


def _scanner_unsubscribes(chapter: Chapter, message: Message) -> None:
    """Let a scanner follow the unsubscribe link: no click, but an opt-out all the same (C4)."""
    at = (message.delivered_at or message.sent_at) + 3
    _opt_out(chapter, message, "group_unsubscribe", at, is_seen=True)


def _resubscribes(chapter: Chapter, message: Message) -> None:
    at = chapter.moment_after(message, DAY)
    _opt_out(chapter, message, "group_unsubscribe", at, is_seen=True)
    chapter.transit(message, "group_resubscribe", at + DAY)


def _complains(chapter: Chapter, message: Message) -> None:
    at = chapter.moment_after(message, DAY)
    _opt_out(chapter, message, "spamreport", at, is_seen=True)


def _canceled(chapter: Chapter, message: Message) -> None:
    chapter.end(message.sent_at + DAY, "is_canceled")


def _canceled_then_replies(chapter: Chapter, message: Message) -> None:
    canceled_at = message.sent_at + DAY
    chapter.end(canceled_at, "is_canceled")
    at = canceled_at + DAY + int(chapter.rng.random() * 3 * DAY)
    _late_reply(chapter, message, at, is_seen=bool(chapter.person.index % 2))


def _completes_then_replies(chapter: Chapter, message: Message) -> None:
    ended_at = message.sent_at + FINISH_AFTER
    chapter.end(ended_at)
    at = ended_at + DAY + int(chapter.rng.random() * 7 * DAY)
    _late_reply(chapter, message, at, is_seen=bool(chapter.person.index % 2))


def _replies_too_late(chapter: Chapter, message: Message) -> None:
    """Answer more than 90 days after the end: recorded, but the status stays (rule F2)."""
    ended_at = message.sent_at + FINISH_AFTER
    chapter.end(ended_at)
    at = ended_at + 91 * DAY + int(chapter.rng.random() * 3 * DAY)
    _late_reply(chapter, message, at, is_seen=False)


def _late_reply(chapter: Chapter, message: Message, at: int, *, is_seen: bool) -> None:
    letter = chapter.post.reply(chapter.enrollment, message, at)
    if is_seen and letter is not None:
        chapter.show_reply(letter)
        chapter.note(at + _PLATFORM_NOTICES, "is_replied")


def _writes_after_end(chapter: Chapter, message: Message) -> None:
    """Write about something else once nothing is active: known, but no reply to anything."""
    ended_at = message.sent_at + FINISH_AFTER
    chapter.end(ended_at)
    chapter.post.write_apart(ended_at + DAY + int(chapter.rng.random() * 3 * DAY))


def _excluded(chapter: Chapter, message: Message) -> None:
    chapter.end(message.sent_at + 5 * HOUR, "is_excluded")


def _blocked(chapter: Chapter, message: Message) -> None:
    chapter.stop(message.sent_at + 5 * HOUR)
    chapter.note(message.sent_at + 5 * HOUR, "is_blocked")


def _paused(chapter: Chapter, message: Message) -> None:
    chapter.stop(message.sent_at + 7 * HOUR)
    chapter.note(message.sent_at + 7 * HOUR, "paused")


def _paused_and_resumed(chapter: Chapter, message: Message) -> None:
    chapter.note(message.sent_at + 7 * HOUR, "paused")
    chapter.note(message.sent_at + 3 * DAY, "resumed")
    chapter.extra_wait = 3 * DAY


#: What happens at the turning step once the message has arrived.
TURNS: dict[Fate, Turn] = {
    Fate.REPLIES: _replies,
    Fate.CONVERSES: _converses,
    Fate.REPLIES_BARE: _replies_bare,
    Fate.REPLIES_IN_GMAIL_THREAD: _replies_in_gmail_thread,
    Fate.REPLIES_FROM_ELSEWHERE: _replies_from_elsewhere,
    Fate.WRITES_APART: _writes_apart,
    Fate.WRITES_AFTER_END: _writes_after_end,
    Fate.PLATFORM_REPLIED: _platform_replied,
    Fate.AWAY: _away,
    Fate.AWAY_BY_SUBJECT: _away_by_subject,
    Fate.AWAY_AT_END: _away_at_end,
    Fate.AWAY_THEN_REPLIES: _away_then_replies,
    Fate.BOUNCE_BY_MAIL: _bounce_by_mail,
    Fate.DELAY_REPORT: _delay_report,
    Fate.UNSUBSCRIBES: _unsubscribes,
    Fate.UNSUBSCRIBES_UNSEEN: _unsubscribes_unseen,
    Fate.OPTED_OUT_BY_FLAG: _opted_out_by_flag,
    Fate.SCANNER_UNSUBSCRIBES: _scanner_unsubscribes,
    Fate.RESUBSCRIBES: _resubscribes,
    Fate.COMPLAINS: _complains,
    Fate.CANCELED: _canceled,
    Fate.CANCELED_THEN_REPLIES: _canceled_then_replies,
    Fate.COMPLETES_THEN_REPLIES: _completes_then_replies,
    Fate.REPLIES_TOO_LATE: _replies_too_late,
    Fate.EXCLUDED: _excluded,
    Fate.BLOCKED: _blocked,
    Fate.PAUSED: _paused,
    Fate.PAUSED_AND_RESUMED: _paused_and_resumed,
}
