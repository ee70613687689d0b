"""One enrollment as it goes: what is sent, what arrives, and when the platform stops."""

from random import Random

from orchestration.simulator.clock import DAY, HOUR, MINUTE, working_moment
from orchestration.simulator.correspondence import Correspondence
from orchestration.simulator.ids import token
from orchestration.simulator.person import Person
from orchestration.simulator.playbook import Step
from orchestration.simulator.reading import Inbox
from orchestration.simulator.story import Change, Enrollment, Letter, Message, Transit

_DEFERRED_SHARE = 0.04
_COPY_SHARE = 0.04
#: How long the platform waits after the last step before it calls an enrollment finished.
FINISH_AFTER = 2 * DAY


class Chapter:
    """An enrollment in the making; nothing is noted at or after `end_at`."""

    def __init__(
        self,
        enrollment: Enrollment,
        person: Person,
        inbox: Inbox,
        post: Correspondence,
        rng: Random,
        end_at: int,
    ) -> None:
        self.enrollment = enrollment
        self.person = person
        self.inbox = inbox
        self.post = post
        self.rng = rng
        self.end_at = end_at
        pauses = (enrollment.sequence.paused_at, enrollment.mailbox.paused_at)
        self.paused_at = min((at for at in pauses if at is not None), default=end_at)
        self.stop_at = end_at
        self.extra_wait = 0
        self.opted_out_at: int | None = None
        self.is_settled = False

    def note(self, at: int, what: str) -> None:
        """Let the platform note something, unless time is up."""
        if at < self.end_at:
            self.enrollment.changes.append(Change(at, what))

    def stop(self, at: int) -> None:
        """Send nothing at or after `at`; the enrollment will not finish by itself."""
        self.stop_at = min(self.stop_at, at)
        self.is_settled = True

    def end(self, at: int, *flags: str) -> None:
        """Let the platform end the enrollment with these flags."""
        self.stop(at)
        for flag in flags:
            self.note(at, flag)
        self.note(at, "ended")

    def show_reply(self, letter: Letter | None) -> None:
        """Let the platform show this letter as the enrollment's reply, if it arrived."""
        if letter is not None and self.enrollment.reply is None:
            self.enrollment.reply = letter

    def transit(self, message: Message, kind: str, at: int) -> None:
        """Record a wish of the recipient on a message, unless time is up."""
        if at < self.end_at:
            message.transits.append(Transit(kind, at))

    def send(self, step: Step, at: int) -> Message:
        """Send one step."""
        person = self.person
        subject = step.subject % person.company
        message = Message(step, token(self.rng), self.enrollment.email, subject, at)
        self.enrollment.messages.append(message)
        if self.enrollment.mailbox.is_gmail and self.rng.random() < _COPY_SHARE:
            self.post.copy(self.enrollment, message)
        return message

    def deliver(self, message: Message, *, must_read: bool) -> None:
        """Let a message arrive, sometimes after deferrals, and be read or not."""
        draw = self.rng.random
        at = self.hand_over(message)
        if draw() < _DEFERRED_SHARE:
            for attempt in range(1, 2 + int(draw() * 2)):
                at += 5 * MINUTE * attempt + int(draw() * HOUR)
                if at < self.end_at:
                    message.transits.append(
                        Transit("deferred", at, "4.2.1", "421 4.2.1 Try again later", attempt)
                    )
            at += 5 * MINUTE
        at += 1 + int(draw() * 20)
        if at >= self.end_at:
            return
        message.transits.append(Transit("delivered", at, "250", "250 2.0.0 OK queued"))
        self.inbox.receive(message, self.enrollment.sequence, at, must_read=must_read)

    def hand_over(self, message: Message) -> int:
        """Let the provider take a message; return when it did."""
        at = message.sent_at + 1
        message.transits.append(Transit("processed", at))
        return at

    def fail(self, message: Message, failure: Transit) -> Transit:
        """Let a message bounce or be dropped soon after it was sent; return what happened."""
        if failure.kind == "dropped":
            at = message.sent_at + 2
        else:
            at = self.hand_over(message) + 2 + int(self.rng.random() * 3 * MINUTE)
        happened = failure._replace(at=min(at, self.end_at - 1))
        message.transits.append(happened)
        return happened

    def moment_after(self, message: Message, longest: int) -> int:
        """Return a moment after the recipient could have read a message."""
        start = message.read_at or message.delivered_at or message.sent_at
        if self.person.role.is_cast:
            longest = min(longest, 8 * HOUR)
        return start + 2 * MINUTE + int(self.rng.random() * longest)

    def next_moment(self, step: Step, previous: Message | None) -> int:
        """Return when a step is due."""
        if previous is None:
            started = self.enrollment.when("started") or self.enrollment.created_at
            return working_moment(self.rng, started)
        wait, self.extra_wait = self.extra_wait, 0
        return working_moment(self.rng, previous.sent_at + step.wait_days * DAY + wait)

    def finish(self) -> None:
        """Let the platform call the enrollment finished, some time after its last step."""
        if self.is_settled or not self.enrollment.messages:
            return
        at = self.enrollment.messages[-1].sent_at + FINISH_AFTER + self.extra_wait
        if at < min(self.paused_at, self.stop_at):
            self.is_settled = True
            self.note(at, "ended")
