"""The sequence platform's side: enrollments as Unify's API returns them, and the sent messages."""

from collections import Counter
from functools import cache
from pathlib import Path

import orjson

from orchestration.simulator.clock import WEEK, day_name, iso
from orchestration.simulator.json_text import flag, moment, text
from orchestration.simulator.packing import Shape, pack, write_text
from orchestration.simulator.person import Person
from orchestration.simulator.playbook import Step
from orchestration.simulator.story import Enrollment, Letter, Message, Story
from orchestration.simulator.team import Mailbox, Sequence, Team

PAGE = 100
_FLAGS = ("is_blocked", "is_bounced", "is_canceled", "is_excluded", "is_opted_out", "is_replied")


@cache
def _body(step: Step) -> str:
    """Return a step's body as JSON text without quotes, its three blanks still open."""
    return orjson.dumps(step.body).decode()[1:-1]


@cache
def _manner(sequence: Sequence, step: Step) -> str:
    """Return what all messages of a step have in common, as JSON members."""
    return (
        f'"origin":"sequence","track_opens":{flag(sequence.track_opens)},'
        f'"track_clicks":{flag(sequence.track_clicks)},"format":"{sequence.format}",'
        f'"links":{orjson.dumps(step.links).decode()}'
    )


class PlatformExport:
    """Enrollment pages and message files of one part of the team's people."""

    def __init__(self, team: Team, part: int) -> None:
        self._team = team
        self._part = part
        self._pulls: list[list[str]] = [[] for _ in range(team.weeks)]
        self._sent: list[list[tuple[int, str]]] = [[] for _ in range(team.weeks)]
        self.counts: Counter[str] = Counter()

    def add(self, story: Story) -> None:
        """Export one person's enrollments, as often as they changed, and messages."""
        for enrollment in story.enrollments:
            self.counts["enrollments"] += 1
            self._add_versions(story.person, enrollment)
            for message in enrollment.messages:
                line = _message(story.person, enrollment, message)
                self._sent[self._week(message.sent_at)].append((message.sent_at, line))
        self.counts["messages"] += sum(len(each.messages) for each in story.enrollments)

    def _week(self, at: int) -> int:
        return max(0, min((at - self._team.start_at) // WEEK, self._team.weeks - 1))

    def _add_versions(self, person: Person, enrollment: Enrollment) -> None:
        """Show an enrollment in every weekly pull before which it changed."""
        weeks = {self._week(change.at) for change in enrollment.changes}
        weeks.add(self._week(enrollment.created_at))
        for week in sorted(weeks):
            pulled_at = self._team.start_at + (week + 1) * WEEK
            self._pulls[week].append(_enrollment(person, enrollment, pulled_at))
            self.counts["enrollment_versions"] += 1

    def close(self, folder: Path) -> None:
        """Write a set of enrollment pages and a message file per week."""
        for week in range(self._team.weeks):
            day = day_name(self._team.start_at + (week + 1) * WEEK - 1)
            self._write_pull(folder / "enrollments", day, self._pulls[week], week)
            sent = self._sent[week]
            if sent:
                sent.sort()
                lines = [line for _, line in sent]
                # Now and then an export comes as one array instead of lines.
                shape = Shape.ARRAY if week % 6 == 4 else Shape.OBJECT_PER_LINE
                path = folder / "messages" / f"{day}-{self._part:05}.{shape}"
                is_compressed = shape is Shape.OBJECT_PER_LINE and self._part == 0 and week % 3 != 1
                write_text(path, pack(lines, shape), is_compressed=is_compressed)

    def _write_pull(self, folder: Path, day: str, objects: list[str], week: int) -> None:
        """Write API pages; larger teams get theirs by bulk job, one object per line."""
        if not objects:
            return
        if self._part:
            write_text(
                folder / f"{day}-{self._part:05}.ndjson", pack(objects, Shape.OBJECT_PER_LINE)
            )
            return
        for number, start in enumerate(range(0, len(objects), PAGE)):
            page = objects[start : start + PAGE]
            more = start + PAGE < len(objects)
            cursor = f'"page-{number + 1}"' if more else "null"
            joined = ",\n".join(page)
            content = f'{{"enrollments":[{joined}],"next_cursor":{cursor}}}\n'
            write_text(
                folder / f"{day}-page-{number:03}.json", content, is_compressed=week % 2 == 1
            )


def _paused(paused_at: int | None, as_of: int) -> str:
    return flag(paused_at is not None and paused_at < as_of)


@cache
def _sequence(sequence: Sequence, as_of: int) -> str:
    return (
        f'{{"id":"{sequence.id}","name":"{sequence.name}",'
        f'"is_paused":{_paused(sequence.paused_at, as_of)}}}'
    )


@cache
def _mailbox(mailbox: Mailbox, as_of: int) -> str:
    return (
        f'{{"id":"{mailbox.id}","email":"{mailbox.email}","display_name":"{mailbox.display_name}",'
        f'"is_paused":{_paused(mailbox.paused_at, as_of)},"is_unauthorized":false}}'
    )


def _reply(letter: Letter | None, as_of: int) -> str:
    if letter is None or letter.at >= as_of:
        return "null"
    classes = "[]"
    if letter.label:
        slug = letter.label.lower().replace(" ", "-")
        classes = f'[{{"id":"class-{slug}","name":"{letter.label}"}}]'
    return orjson.dumps(
        {
            "id": f"reply_{letter.message_id[:22]}",
            "subject": letter.subject,
            "classifications": orjson.Fragment(classes),
            "received_at": iso(letter.at),
        }
    ).decode()


@cache
def _flags(noted: frozenset[str]) -> str:
    return ",".join(f'"{name}":{flag(name in noted)}' for name in _FLAGS)


def _enrollment(person: Person, enrollment: Enrollment, as_of: int) -> str:
    """Return an enrollment as the API showed it at `as_of`."""
    updated_at = enrollment.created_at
    noted: dict[str, int] = {}
    for change in enrollment.changes:
        if change.at < as_of:
            noted[change.what] = change.at
            updated_at = change.at
    is_paused = noted.get("paused", 0) > noted.get("resumed", 0)
    return (
        f'{{"id":"{enrollment.id}","created_at":"{iso(enrollment.created_at)}",'
        f'"updated_at":"{iso(updated_at)}","sequence":{_sequence(enrollment.sequence, as_of)},'
        f'"person":{{"id":"person-{person.index:07}","email":"{enrollment.email}",'
        f'"first_name":"{person.first}","last_name":"{person.last}","linkedin_url":null,'
        f'"crm_record_id":{text(enrollment.crm_id)}}},'
        f'"mailbox":{_mailbox(enrollment.mailbox, as_of)},'
        f'"reply_email_message":{_reply(enrollment.reply, as_of)},{_flags(frozenset(noted))},'
        f'"is_paused":{flag(is_paused)},"started_at":{moment(noted.get("started"))},'
        f'"ended_at":{moment(noted.get("ended"))}}}'
    )


def _message(person: Person, enrollment: Enrollment, message: Message) -> str:
    """Return a sent message in the neutral shape."""
    sequence, mailbox, step = enrollment.sequence, enrollment.mailbox, message.step
    body = _body(step) % (person.first, person.company, mailbox.first)
    return (
        f'{{"id":"msg_{message.token}","message_id":"{message.message_id}",'
        f'"provider_message_id":"{message.token}","thread_id":"{enrollment.thread_id}",'
        f'"enrollment_id":"{enrollment.id}","sequence_id":"{sequence.id}",'
        f'"step":{{"number":{step.number},"type":"email"}},'
        f'"mailbox":{{"id":"{mailbox.id}","email":"{mailbox.email}"}},"to":"{message.to}",'
        f'"subject":"{message.subject}","body_text":"{body}","sent_at":"{iso(message.sent_at)}",'
        f"{_manner(sequence, step)}}}"
    )
