"""Letters that arrive in, or leave, the team's own mailboxes around one person."""

from random import Random

from orchestration.simulator import phrases
from orchestration.simulator.clock import DAY, HOUR, MINUTE
from orchestration.simulator.ids import token
from orchestration.simulator.person import Person, Reader
from orchestration.simulator.story import (
    Client,
    Enrollment,
    Kind,
    Letter,
    Match,
    Message,
    Transit,
)
from orchestration.simulator.team import MAIL_DOMAIN, Mailbox, Team

_CLIENTS = {Reader.APPLE: Client.APPLE, Reader.GMAIL: Client.GMAIL}
_LABEL_SHARE = 0.7


class Correspondence:
    """The post around one person; letters that would be dated after the end are never written."""

    def __init__(self, person: Person, team: Team, letters: list[Letter], rng: Random) -> None:
        self._person = person
        self._team = team
        self._letters = letters
        self._rng = rng
        self._client = _CLIENTS.get(person.role.reader, Client.OUTLOOK)

    def _file(self, letter: Letter) -> Letter | None:
        if letter.at >= self._team.end_at:
            return None
        self._letters.append(letter)
        return letter

    def _from_person(
        self, kind: Kind, at: int, mailbox: Mailbox, subject: str, text: str
    ) -> Letter:
        person = self._person
        return Letter(
            kind,
            at,
            mailbox,
            person.typed_email,
            person.name,
            f"{token(self._rng)}@{person.domain}",
            subject,
            text,
            self._client,
            to=mailbox.email,
        )

    def reply(
        self,
        enrollment: Enrollment,
        message: Message,
        at: int,
        *,
        match: Match = Match.IN_THREAD,
        shows_thread: bool = True,
        sender: str = "",
    ) -> Letter | None:
        """Let the person answer a message of the sequence; a bare answer shows no thread."""
        text, label = phrases.REPLIES[int(self._rng.random() * len(phrases.REPLIES))]
        letter = self._from_person(
            Kind.HUMAN, at, enrollment.mailbox, _answered(message.subject), text
        )
        letter.match, letter.enrollment, letter.message = match, enrollment, message
        letter.shows_thread = shows_thread
        letter.shows_gmail_thread = match is Match.IN_THREAD
        letter.sender = sender or letter.sender
        if label and (self._person.role.is_cast or self._rng.random() < _LABEL_SHARE):
            letter.label = label
        return self._file(letter)

    def away(self, enrollment: Enrollment, message: Message, *, by_subject: bool) -> Letter | None:
        """Let an absence note answer a message; some show it by nothing but their subject."""
        draw = self._rng.random
        prefix = phrases.AWAY_SUBJECTS[self._person.index % (len(phrases.AWAY_SUBJECTS))]
        if not by_subject:
            prefix = phrases.AWAY_SUBJECTS[int(draw() * 2)]
        letter = self._from_person(
            Kind.OOO,
            (message.delivered_at or message.sent_at) + 15 + int(draw() * 90),
            enrollment.mailbox,
            f"{prefix}{message.subject}",
            phrases.AWAY_TEXTS[int(draw() * len(phrases.AWAY_TEXTS))],
        )
        letter.match, letter.enrollment, letter.message = Match.IN_THREAD, enrollment, message
        letter.shows_thread = letter.shows_gmail_thread = True
        letter.has_auto_headers = not by_subject
        letter.label = "OOO" if draw() < 0.5 else None
        return self._file(letter)

    def converse(self, enrollment: Enrollment, reply: Letter) -> None:
        """Let the rep answer a reply by hand, and the person answer once more."""
        draw = self._rng.random
        answer = self._own_mail(
            reply.at + 20 * MINUTE + int(draw() * 3 * HOUR),
            enrollment.mailbox,
            reply.sender,
            (reply.subject, phrases.ANSWERS[int(draw() * len(phrases.ANSWERS))]),
        )
        if answer is None:
            return
        answer.message, answer.enrollment, answer.earlier = reply.message, enrollment, reply
        answer.shows_thread = answer.shows_gmail_thread = True
        again = self._from_person(
            Kind.HUMAN,
            answer.at + 30 * MINUTE + int(draw() * 20 * HOUR),
            enrollment.mailbox,
            f"{reply.subject} (was: Out of office)" if draw() < 0.3 else reply.subject,
            phrases.MORE_FROM_THEM,
        )
        again.match, again.enrollment, again.message = Match.IN_THREAD, enrollment, reply.message
        again.earlier = answer
        again.shows_thread = again.shows_gmail_thread = True
        self._file(again)

    def write_apart(self, at: int) -> Letter | None:
        """Let the person write to any mailbox of the team about a matter of their own."""
        mailboxes = self._team.mailboxes
        subject, text = phrases.OWN_MATTERS[int(self._rng.random() * len(phrases.OWN_MATTERS))]
        mailbox = mailboxes[int(self._rng.random() * len(mailboxes))]
        letter = self._from_person(Kind.HUMAN, at, mailbox, subject, text)
        letter.match = Match.OUT_OF_SEQUENCE
        return self._file(letter)

    def report_failure(
        self, enrollment: Enrollment, message: Message, failure: Transit, *, is_final: bool
    ) -> None:
        """Let the recipient's server report a failure (or a delay) to the mailbox."""
        domain = message.to.rpartition("@")[2]
        self._file(
            Letter(
                Kind.DSN,
                failure.at + 5 + int(self._rng.random() * MINUTE),
                enrollment.mailbox,
                f"mailer-daemon@{domain}",
                "Mail Delivery Subsystem",
                f"{token(self._rng)}@{domain}",
                "Delivery Status Notification (Failure)"
                if is_final
                else "Delivery Status Notification (Delay)",
                f"Your message to {message.to.lower()} could not be delivered.\n\n{failure.text}",
                Client.GMAIL if self._rng.random() < 0.5 else Client.OUTLOOK,
                to=enrollment.mailbox.email,
                match=Match.IN_THREAD,
                enrollment=enrollment,
                message=message,
                failure=failure,
                is_final_failure=is_final,
            )
        )

    def copy(self, enrollment: Enrollment, message: Message) -> None:
        """Keep a copy of a sequence message in the mailbox, as Gmail's Sent does."""
        mailbox = enrollment.mailbox
        self._file(
            Letter(
                Kind.COPY,
                message.sent_at,
                mailbox,
                mailbox.email,
                mailbox.display_name,
                message.message_id,
                message.subject,
                message.step.body % (self._person.first, self._person.company, mailbox.first),
                Client.GMAIL,
                to=message.to,
                enrollment=enrollment,
                message=message,
                shows_gmail_thread=True,
            )
        )

    def _own_mail(
        self, at: int, mailbox: Mailbox, to: str, subject_and_text: tuple[str, str]
    ) -> Letter | None:
        subject, text = subject_and_text
        message_id = f"{token(self._rng)}@desk.{MAIL_DOMAIN}"
        return self._file(
            Letter(
                Kind.MANUAL,
                at,
                mailbox,
                mailbox.email,
                mailbox.display_name,
                message_id,
                subject,
                text,
                Client.APPLE if self._rng.random() < 0.5 else Client.GMAIL,
                to=to,
            )
        )

    def bring_noise(self, mailbox: Mailbox, *, everything: bool) -> None:
        """Let strangers, newsletters and the rep's own mail from outside the platform pass by."""
        draw = self._rng.random
        span = self._team.end_at - self._team.start_at - DAY
        at = self._team.start_at + int(draw() * span)
        if everything or draw() < 0.012:
            subject, text = phrases.STRANGERS[int(draw() * len(phrases.STRANGERS))]
            self._from_outside(Kind.HUMAN, at, mailbox, subject, text)
        if everything or draw() < 0.012:
            subject, text = phrases.NEWSLETTERS[int(draw() * len(phrases.NEWSLETTERS))]
            self._from_outside(Kind.LIST, at + HOUR, mailbox, subject, text)
        if everything or draw() < 0.012:
            guest = f"guest{self._person.index}@visitor.example"
            to = self._person.email if draw() < 0.6 else guest
            written = phrases.MANUAL_MAIL[int(draw() * len(phrases.MANUAL_MAIL))]
            self._own_mail(at + 2 * HOUR, mailbox, to, written)

    def _from_outside(self, kind: Kind, at: int, mailbox: Mailbox, subject: str, text: str) -> None:
        number = self._person.index
        if kind is Kind.LIST:
            name, sender = "The editors", "news@digest.example"
        else:
            name, sender = f"Robin Quist {number}", f"robin.quist{number}@stranger.example"
        self._file(
            Letter(
                kind,
                at,
                mailbox,
                sender,
                name,
                f"{token(self._rng)}@{sender.rpartition('@')[2]}",
                subject,
                text,
                Client.APPLE,
                to=mailbox.email,
                match=Match.UNKNOWN_SENDER,
            )
        )


def _answered(subject: str) -> str:
    return subject if subject.startswith("Re: ") else f"Re: {subject}"
