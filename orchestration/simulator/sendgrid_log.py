"""SendGrid's Event Webhook as it was logged: batches, retries, disorder, lines beyond repair."""

from collections import Counter
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from random import Random

from orchestration.simulator.clock import DAY, HOUR, WEEK, day_name
from orchestration.simulator.ids import token
from orchestration.simulator.names import BROWSERS
from orchestration.simulator.packing import Shape, pack, write_text
from orchestration.simulator.story import Cause, Enrollment, Message, Story, Touch, Transit
from orchestration.simulator.team import Team

_RETRY_SHARE = 0.04
_RENAMED_SHARE = 0.01
_LATE_SHARE = 0.02
#: A bounce that takes longer than this comes without `sg_message_id`, as SendGrid's own do.
_SLOW_BOUNCE_SECONDS = 150

#: Shape and compression of the files, in turn. The first must be NDJSON: broken lines go there.
_FIRST_FILES = (
    (Shape.OBJECT_PER_LINE, False),
    (Shape.ARRAY, True),
    (Shape.ARRAY_PER_LINE, True),
    (Shape.ARRAY, False),
    (Shape.OBJECT_PER_LINE, True),
    (Shape.ARRAY_PER_LINE, True),
)
#: Later parts of large teams compress less: writing them should cost little.
_LATER_FILES = (
    (Shape.OBJECT_PER_LINE, False),
    (Shape.ARRAY, False),
    (Shape.ARRAY_PER_LINE, False),
    (Shape.OBJECT_PER_LINE, True),
)
_STRAY_MAILS = 4


def _bare(event: Transit) -> str:
    return f'"event":"{event.kind}"'


def _deferred(event: Transit) -> str:
    return f'"event":"deferred","attempt":"{event.attempt}","response":"{event.text}"'


def _delivered(event: Transit) -> str:
    return f'"event":"delivered","ip":"192.0.2.17","response":"{event.text}","tls":1'


def _bounce(event: Transit) -> str:
    return (
        f'"event":"bounce","type":"bounce","status":"{event.code}","reason":"{event.text}",'
        '"ip":"192.0.2.17","tls":1'
    )


def _blocked(event: Transit) -> str:
    return _bounce(event).replace('"type":"bounce"', '"type":"blocked"')


def _dropped(event: Transit) -> str:
    return f'"event":"dropped","reason":"{event.text}","status":"{event.code}"'


def _group_wish(event: Transit) -> str:
    return (
        f'"event":"{event.kind}","asm_group_id":1100,"ip":"198.18.0.9",'
        '"useragent":"Mozilla/5.0 (X11; Linux x86_64)",'
        '"url":"https://northlight.example/unsubscribe"'
    )


_ON_THE_WAY: dict[str, Callable[[Transit], str]] = {
    "processed": _bare,
    "deferred": _deferred,
    "delivered": _delivered,
    "bounce": _bounce,
    "blocked": _blocked,
    "dropped": _dropped,
}
_WISHES: dict[str, Callable[[Transit], str]] = {
    "spamreport": _bare,
    "unsubscribe": _bare,
    "group_unsubscribe": _group_wish,
    "group_resubscribe": _group_wish,
}


def _touch(touch: Touch) -> str:
    if touch.url:
        return (
            f'"event":"click","ip":"{touch.ip}","useragent":"{touch.agent}","url":"{touch.url}",'
            f'"url_offset":{{"index":{touch.link},"type":"html"}}'
        )
    flag = "true" if touch.is_flagged else "false"
    return (
        f'"event":"open","ip":"{touch.ip}","useragent":"{touch.agent}",'
        f'"sg_content_type":"html","sg_machine_open":{flag}'
    )


class SendgridLog:
    """The webhook log of one part of the team's people."""

    def __init__(self, team: Team, part: int) -> None:
        self._team = team
        self._part = part
        self._start_at = team.start_at
        self._last_week = team.weeks - 1
        self._rng = Random(f"sendgrid {team.seed} {part}")
        self._draw = self._rng.random
        self._weeks: list[list[tuple[int, str]]] = [[] for _ in range(team.weeks)]
        self.counts: Counter[str] = Counter()

    def add(self, story: Story) -> None:
        """Log everything that happened to one person's messages."""
        for enrollment in story.enrollments:
            for message in enrollment.messages:
                self._add_message(enrollment, message)

    def _add_message(self, enrollment: Enrollment, message: Message) -> None:
        sequence, token_ = enrollment.sequence, message.token
        category = '"sequence"' if sequence.format == "plain" else f'["sequence","{sequence.name}"]'
        common = (
            f'{{"email":"{message.to}","category":{category},"enrollment_id":"{enrollment.id}",'
            f'"sequence_id":"{sequence.id}","step_number":"{message.step.number}",'
        )
        route = f"filterd4-{token_[:6]}-1.{token_[6:12]}.0"
        named = f'{common}"sg_message_id":"{token_}.{route}",'
        smtp_id = f'"smtp-id":"<{message.message_id}>"'
        event_id = token_[:16]
        number = 0
        for event in message.transits:
            number += 1
            at, kind = event.at, event.kind
            if kind in _WISHES:
                fields = f'{named}"timestamp":{at},{_WISHES[kind](event)}'
            else:
                head = named
                if kind == "dropped":
                    head = f'{common}"sg_message_id":"{route}",'
                elif kind == "bounce" and at - message.sent_at > _SLOW_BOUNCE_SECONDS:
                    head = common
                fields = f'{head}"timestamp":{at},{smtp_id},{_ON_THE_WAY[kind](event)}'
            self._post(at, fields, f"{event_id}{number:06x}")
        for touch in message.touches:
            number += 1
            fields = f'{named}"timestamp":{touch.at},{_touch(touch)}'
            self._post(touch.at, fields, f"{event_id}{number:06x}")

    def _post(self, at: int, fields: str, event_id: str) -> None:
        """Log an event some time after it happened, and once more where the webhook retried."""
        chance = self._draw()
        posted_at = at + int(chance * 3000) % 30
        if chance < _LATE_SHARE:
            posted_at += int(self._draw() ** 2 * 2 * DAY)
        elif chance > 1 - _RETRY_SHARE:
            again_id = event_id
            self.counts["repeated"] += 1
            if chance > 1 - _RENAMED_SHARE:
                self.counts["renamed"] += 1
                again_id = event_id[4:] + event_id[:4]
            again = posted_at + int(self._draw() * 3 * HOUR)
            self._weeks[self._week(again)].append((again, f'{fields},"sg_event_id":"{again_id}"}}'))
        line = f'{fields},"sg_event_id":"{event_id}"}}'
        self._weeks[self._week(posted_at)].append((posted_at, line))

    def _week(self, at: int) -> int:
        week = (at - self._start_at) // WEEK
        if week < 0:
            return 0
        return week if week < self._last_week else self._last_week

    def add_strays(self) -> None:
        """Log mail of the same account that no sequence sent: it cannot be attached (rule B3)."""
        for number in range(_STRAY_MAILS):
            at = self._team.start_at + DAY + number * HOUR
            token_ = token(self._rng)
            head = (
                f'{{"email":"customer{number}@visitor.example","category":"password reset",'
                f'"sg_message_id":"{token_}.filterd4-1.0",'
            )
            opened = _touch(Touch(0, Cause.READER, BROWSERS[0], "198.18.0.77"))
            for delay, fields in enumerate(('"event":"processed"', '"event":"delivered"', opened)):
                moment = at + 40 * delay
                self.counts["unattached"] += 1
                self._post(
                    moment, f'{head}"timestamp":{moment},{fields}', f"{token_[:16]}{delay:06x}"
                )

    def close(self, folder: Path, *, with_rejects: bool) -> None:
        """Write the files, one per week; `with_rejects` breaks some lines of the first."""
        files = _FIRST_FILES if self._part == 0 else _LATER_FILES
        self.counts["lines"] = sum(map(len, self._weeks))
        self.counts["distinct"] = self.counts["lines"] - self.counts["repeated"]
        for week, events in enumerate(self._weeks):
            if not events:
                continue
            # Posts arrive in the order of posting, which is not the order of happening.
            events.sort(key=itemgetter(0))
            lines = [line for _, line in events]
            if with_rejects and week == 0:
                self._break_some(lines)
            shape, is_compressed = files[(week + self._part) % len(files)]
            day = day_name(self._team.start_at + week * WEEK)
            path = folder / f"{day}-{self._part:05}.{shape}"
            write_text(path, pack(lines, shape), is_compressed=is_compressed)

    def _break_some(self, lines: list[str]) -> None:
        """Add lines that no reader can use: cut short, no JSON, unknown types."""
        at = self._team.start_at + 2 * DAY
        wrecks = (
            lines[0][: len(lines[0]) // 2],
            "upstream connect error or disconnect/reset before headers",
            f'{{"event":"account_status_change","timestamp":{at},"sg_event_id":"MTQ2MTA5NTI0Ng"}}',
            f'{{"email":"a@visitor.example","timestamp":{at},"event":"teleported"}}',
        )
        self.counts["broken_lines"] += 2
        self.counts["unknown_types"] += 2
        for number, wreck in enumerate(wrecks, 1):
            lines.insert(number * len(lines) // (len(wrecks) + 1), wreck)
