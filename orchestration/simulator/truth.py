"""The hidden truth: what really happened, per touch, message, reply, enrollment and person."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import orjson

from orchestration.simulator.clock import iso
from orchestration.simulator.json_text import flag, moment, text
from orchestration.simulator.outcome import Outcome, human_replies, outcome_of
from orchestration.simulator.person import Reader
from orchestration.simulator.playbook import UNTRACKED_CALENDAR
from orchestration.simulator.story import ACTORS, Actor, Enrollment, Letter, Message, Story, Touch
from orchestration.simulator.team import Team


@dataclass(slots=True)
class Tally:
    """What a group of enrollments adds up to (one address, or one CRM record)."""

    message_count: int = 0
    open_count: int = 0
    recorded_human_opens: int = 0
    click_count: int = 0
    human_click_count: int = 0
    clicked_at: int | None = None
    is_replied: bool = False
    last_reply_at: int | None = None
    latest: tuple[tuple[int, int, str], Enrollment, Outcome] | None = None

    def add(self, enrollment: Enrollment, outcome: Outcome, replies: list[Letter]) -> None:
        """Count an enrollment's replies, and keep it if its activity is the latest (rule F4)."""
        if replies or enrollment.when("is_replied") is not None:
            self.is_replied = True
        for letter in replies:
            self.last_reply_at = max(self.last_reply_at or 0, letter.at)
        rank = (outcome.active_at, enrollment.created_at, enrollment.id)
        if self.latest is None or rank > self.latest[0]:
            self.latest = (rank, enrollment, outcome)

    def add_message(self, seen: "Seen") -> None:
        """Count what was recorded on one message."""
        self.message_count += 1
        self.open_count += seen.opens
        self.recorded_human_opens += seen.human_opens
        self.click_count += seen.clicks
        self.human_click_count += seen.human_clicks
        if seen.clicked_at is not None:
            self.clicked_at = min(self.clicked_at or seen.clicked_at, seen.clicked_at)

    def as_json(self) -> str:
        """Return the metrics as JSON members, without braces."""
        if self.latest is None:
            raise ValueError("A tally without an enrollment has no status.")
        _, enrollment, outcome = self.latest
        step_at = enrollment.messages[-1].sent_at if enrollment.messages else None
        return (
            f'"message_count":{self.message_count},"open_count":{self.open_count},'
            f'"recorded_human_opens":{self.recorded_human_opens},'
            f'"click_count":{self.click_count},"human_click_count":{self.human_click_count},'
            f'"clicked_at":{moment(self.clicked_at)},"is_replied":{flag(self.is_replied)},'
            f'"last_reply_at":{moment(self.last_reply_at)},"sequence_status":"{outcome.status}",'
            f'"most_recent_sequence":"{enrollment.sequence.name}",'
            f'"most_recent_step_at":{moment(step_at)}'
        )


@dataclass(slots=True)
class Seen:
    """What tracking recorded on one message, split by who really did it."""

    opens: int = 0
    human_opens: int = 0
    clicks: int = 0
    human_clicks: int = 0
    clicked_at: int | None = None


def see(message: Message) -> Seen:
    """Count a message's touches; clicks on links off the tracked domains do not count (C5)."""
    seen = Seen()
    for touch in message.touches:
        is_human = ACTORS[touch.cause] is Actor.HUMAN
        if not touch.url:
            seen.opens += 1
            seen.human_opens += is_human
        elif touch.url != UNTRACKED_CALENDAR:
            seen.clicks += 1
            if is_human:
                seen.human_clicks += 1
                seen.clicked_at = min(seen.clicked_at or touch.at, touch.at)
    return seen


class Truth:
    """The truth about one part of the team's people."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._lines: dict[str, list[str]] = defaultdict(list)
        self.counts: Counter[str] = Counter()

    def add(self, story: Story) -> None:
        """Write down what is true of one person."""
        tallies: dict[str, Tally] = {}
        whole = Tally()
        for enrollment in story.enrollments:
            replies = human_replies(story, enrollment)
            outcome = outcome_of(story, enrollment, replies, self._team)
            self._lines["enrollments"].append(
                f'{{"enrollment_id":"{enrollment.id}","person_email":"{enrollment.email.lower()}",'
                f'"sequence_name":"{enrollment.sequence.name}","status":"{outcome.status}",'
                f'"reason":"{outcome.reason}"}}'
            )
            self.counts[f"status_{outcome.status}"] += 1
            tally = tallies.setdefault(enrollment.email.lower(), Tally())
            for each in (tally, whole):
                each.add(enrollment, outcome, replies)
            for message in enrollment.messages:
                seen = see(message)
                tally.add_message(seen)
                whole.add_message(seen)
                self._lines["messages"].append(_message(story, enrollment, message, seen))
                self._lines["touches"] += [_touch(message, touch) for touch in message.touches]
        self._add_people(story, tallies, whole)
        self._lines["replies"] += [_reply(each) for each in story.letters if each.is_inbound]

    def _add_people(self, story: Story, tallies: dict[str, Tally], whole: Tally) -> None:
        target = story.crm.target
        crm_object, crm_id = target or (None, None)
        for email, tally in tallies.items():
            self._lines["people"].append(
                f'{{"person_email":"{email}","crm_object":{text(crm_object)},'
                f'"crm_id":{text(crm_id)},'
                f'"unmatched_reason":{text(story.crm.unmatched_reason)},{tally.as_json()}}}'
            )
        if target is not None:
            self._lines["records"].append(
                f'{{"crm_object":"{crm_object}","crm_id":"{crm_id}",'
                f'"person_count":{len(tallies)},'
                f'"has_tracking_opt_out":{flag(story.crm.has_tracking_opt_out)},{whole.as_json()}}}'
            )

    def close(self) -> dict[str, bytes]:
        """Return the lines per file of the truth folder."""
        return {
            f"truth/{name}.ndjson": "\n".join([*lines, ""]).encode() if lines else b""
            for name, lines in self._lines.items()
        }


def _message(story: Story, enrollment: Enrollment, message: Message, seen: Seen) -> str:
    sequence = enrollment.sequence
    is_knowable = sequence.track_opens and story.person.role.reader is not Reader.APPLE
    human_opens = str(seen.human_opens) if is_knowable else "null"
    return (
        f'{{"message_id":"{message.message_id}","enrollment_id":"{enrollment.id}",'
        f'"sequence_id":"{sequence.id}","step_number":{message.step.number},'
        f'"recipient_email":"{message.to.lower()}","sent_at":"{iso(message.sent_at)}",'
        f'"has_tracking_opt_out":{flag(story.crm.has_tracking_opt_out)},'
        f'"delivered_at":{moment(message.delivered_at)},'
        f'"human_open_count":{human_opens},"recorded_human_opens":{seen.human_opens},'
        f'"open_count":{seen.opens},"click_count":{seen.clicks},'
        f'"human_click_count":{seen.human_clicks},"clicked_at":{moment(seen.clicked_at)},'
        f'"really_read":{flag(message.read_at is not None)}}}'
    )


def _touch(message: Message, touch: Touch) -> str:
    return (
        f'{{"message_id":"{message.message_id}",'
        f'"event_type":"{"clicked" if touch.url else "opened"}","occurred_at":"{iso(touch.at)}",'
        f'"url":{text(touch.url or None)},"ip":"{touch.ip}","user_agent":"{touch.agent}",'
        f'"actor":"{ACTORS[touch.cause]}","cause":"{touch.cause}"}}'
    )


def _reply(letter: Letter) -> str:
    line = {
        "message_id": letter.message_id,
        "mailbox": letter.mailbox.email,
        "sender_email": letter.sender.lower(),
        "received_at": iso(letter.at),
        "match": letter.match,
        "enrollment_id": letter.enrollment.id if letter.enrollment else None,
        "sequence_message_id": letter.message.message_id if letter.message else None,
        "is_automated": letter.kind != "human",
        "kind": letter.kind,
        "platform_class": letter.label,
    }
    return orjson.dumps(line).decode()
