"""A person's whole story from the seed and the person's number, and from nothing else."""

from random import Random

from orchestration.simulator.cast import role_of
from orchestration.simulator.chapter import Chapter
from orchestration.simulator.clock import DAY, HOUR, MINUTE
from orchestration.simulator.correspondence import Correspondence
from orchestration.simulator.crm_place import find_place
from orchestration.simulator.ids import uuid
from orchestration.simulator.person import CrmCase, Fate, meet
from orchestration.simulator.reading import Inbox
from orchestration.simulator.story import Enrollment, Match, Message, Story
from orchestration.simulator.team import Mailbox, Sequence, Team
from orchestration.simulator.turns import FAILURES, TURNS, drop, fail

_READING_FATES = frozenset({
    Fate.REPLIES, Fate.CONVERSES, Fate.REPLIES_BARE, Fate.REPLIES_IN_GMAIL_THREAD,
    Fate.REPLIES_FROM_ELSEWHERE, Fate.PLATFORM_REPLIED, Fate.UNSUBSCRIBES,
    Fate.UNSUBSCRIBES_UNSEEN, Fate.COMPLAINS, Fate.RESUBSCRIBES, Fate.COMPLETES_THEN_REPLIES,
    Fate.CANCELED_THEN_REPLIES, Fate.REPLIES_TOO_LATE,
})  # fmt: skip
_FIRST_STEP_FATES = frozenset({
    Fate.HARD_BOUNCE, Fate.HARD_BOUNCE_UNSEEN, Fate.BOUNCE_BY_MAIL, Fate.DROPPED,
})  # fmt: skip
_LAST_STEP_FATES = frozenset({
    Fate.COMPLETES_THEN_REPLIES, Fate.REPLIES_TOO_LATE, Fate.WRITES_AFTER_END,
})  # fmt: skip
_OPT_OUT_FATES = frozenset({Fate.UNSUBSCRIBES_UNSEEN, Fate.COMPLAINS})
_SHARED_RECORD = frozenset({CrmCase.TWO_ADDRESSES, CrmCase.LEAD_AND_CONTACT})
_SEED_STRIDE = 1 << 40


def tell(index: int, team: Team) -> Story:
    """Return the story of the person with this index; the same for the same team, always."""
    rng = Random(team.seed * _SEED_STRIDE + index)
    person = meet(index, role_of(index, rng, team.habits), rng)
    story = Story(person, find_place(person, team, rng))
    return _Storyteller(story, team, rng).tell()


class _Storyteller:
    def __init__(self, story: Story, team: Team, rng: Random) -> None:
        self._story = story
        self._team = team
        self._rng = rng
        self._person = story.person
        self._inbox = Inbox(story.person, team, rng)
        self._post = Correspondence(story.person, team, story.letters, rng)
        self._mailbox = self._pick_mailbox()

    def tell(self) -> Story:
        fates = self._person.role.fates
        first_sequence = self._pick_sequence()
        created_at = self._first_day()
        first = self._run(fates[0], first_sequence, created_at, self._person.typed_email)
        if len(fates) > 1:
            self._tell_second(first, fates)
        self._post.bring_noise(self._mailbox, everything=self._person.role.is_extra_noisy)
        _settle_mail_apart(self._story)
        return self._story

    def _tell_second(self, first: Chapter, fates: tuple[Fate, ...]) -> None:
        sequences = self._team.sequences
        enrolled = first.enrollment
        sequence = sequences[(sequences.index(enrolled.sequence) + 1) % len(sequences)]
        email = self._person.typed_email
        if self._person.role.crm in _SHARED_RECORD:
            email = self._person.second_email
        if fates[0] in _OPT_OUT_FATES:
            # The other enrollment is older, so that the opt-out's own is the latest beyond doubt.
            self._run(fates[1], sequence, enrolled.created_at - HOUR, email, opted_out_by=first)
            return
        created_at = enrolled.created_at + int((1 + self._rng.random() * 3) * DAY)
        ended_at = enrolled.when("ended")
        if ended_at is not None and self._rng.random() < 0.5:
            created_at = ended_at + int((1 + self._rng.random() * 4) * DAY)
        if created_at < self._team.end_at - HOUR:
            self._run(fates[1], sequence, created_at, email)

    def _run(
        self,
        fate: Fate,
        sequence: Sequence,
        created_at: int,
        email: str,
        opted_out_by: Chapter | None = None,
    ) -> Chapter:
        """Live through one enrollment."""
        crm_ids = self._story.crm.carried
        number = len(self._story.enrollments)
        enrollment = Enrollment(
            uuid(self._rng),
            sequence,
            self._mailbox,
            email,
            crm_ids[number % len(crm_ids)],
            created_at,
            str(1_800_000_000_000_000_000 + self._rng.getrandbits(58)),
        )
        self._story.enrollments.append(enrollment)
        chapter = Chapter(
            enrollment, self._person, self._inbox, self._post, self._rng, self._team.end_at
        )
        if opted_out_by is not None and opted_out_by.opted_out_at is not None:
            chapter.stop_at = opted_out_by.opted_out_at
        if fate is Fate.EXCLUDED_AT_ONCE:
            chapter.end(created_at + MINUTE, "is_excluded")
        elif fate is not Fate.QUEUED:
            self._send_steps(chapter, fate)
        if opted_out_by is not None and opted_out_by.opted_out_at is not None:
            self._learn_of_opt_out(chapter, opted_out_by)
        self._pause_with_team(chapter)
        enrollment.changes.sort()
        return chapter

    def _send_steps(self, chapter: Chapter, fate: Fate) -> None:
        started_at = chapter.enrollment.created_at + 2 * MINUTE + int(self._rng.random() * 3 * HOUR)
        if started_at >= min(chapter.paused_at, chapter.stop_at):
            return
        chapter.note(started_at, "started")
        steps = chapter.enrollment.sequence.steps
        turning = self._turning_step(fate, len(steps))
        is_suppressed = False
        message: Message | None = None
        for step in steps:
            at = chapter.next_moment(step, message)
            if at >= min(chapter.stop_at, chapter.paused_at):
                return
            message = chapter.send(step, at)
            if is_suppressed:
                drop(chapter, message)
            elif step.number != turning:
                chapter.deliver(message, must_read=False)
            elif fate in FAILURES:
                fail(chapter, message, fate)
                is_suppressed = fate is Fate.HARD_BOUNCE_UNSEEN
            else:
                chapter.deliver(message, must_read=fate in _READING_FATES)
                if fate in TURNS and message.delivered_at is not None:
                    TURNS[fate](chapter, message)
        chapter.finish()

    def _turning_step(self, fate: Fate, steps: int) -> int:
        if fate in _LAST_STEP_FATES:
            return steps
        if fate in _FIRST_STEP_FATES:
            return 1
        if self._person.role.is_cast:
            return 2
        draw = self._rng.random()
        return 1 + int(draw * draw * steps)

    def _learn_of_opt_out(self, chapter: Chapter, source: Chapter) -> None:
        """Let the platform end this enrollment too, if it saw the opt-out in the other one."""
        at = source.opted_out_at
        seen_at = source.enrollment.when("is_opted_out")
        if at is None or seen_at is None or chapter.enrollment.when("ended") is not None:
            return
        chapter.end(at + MINUTE // 2, "is_opted_out")

    def _pause_with_team(self, chapter: Chapter) -> None:
        """Show an enrollment anew when its sequence or mailbox was paused under it."""
        enrollment = chapter.enrollment
        if enrollment.when("ended") is None and enrollment.created_at < chapter.paused_at:
            chapter.note(chapter.paused_at + MINUTE, "listed")

    def _first_day(self) -> int:
        role, team = self._person.role, self._team
        if role.is_cast:
            early = role.days_early * DAY
            return team.start_at - early + 6 * HOUR + self._person.index * 7 * MINUTE
        return team.start_at + int(self._rng.random() * (team.end_at - team.start_at - 8 * HOUR))

    def _pick_sequence(self) -> Sequence:
        sequences, wanted = self._team.sequences, self._person.role.sequence
        for sequence in sequences:
            if sequence.name == wanted:
                return sequence
        return sequences[int(self._rng.random() * len(sequences))]

    def _pick_mailbox(self) -> Mailbox:
        mailboxes = self._team.mailboxes
        if Fate.REPLIES_IN_GMAIL_THREAD in self._person.role.fates:
            mailboxes = tuple(mailbox for mailbox in mailboxes if mailbox.is_gmail)
        return mailboxes[self._person.index % len(mailboxes)]


def _settle_mail_apart(story: Story) -> None:
    """Give mail out of thread to the enrollment that was active when it came, or to none (E3)."""
    for letter in story.letters:
        enrollment = letter.enrollment
        if letter.match is not Match.OUT_OF_SEQUENCE or enrollment is None:
            continue
        ended_at = enrollment.when("ended")
        sent = [message for message in enrollment.messages if message.sent_at < letter.at]
        if ended_at is not None and ended_at < letter.at:
            letter.enrollment = None
        elif sent:
            letter.message = sent[-1]
