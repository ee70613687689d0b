"""What guards a company's mail: scanners that fetch images and follow links."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from orchestration.simulator.clock import DAY, HOUR, MINUTE
from orchestration.simulator.habits import Habits, Whims
from orchestration.simulator.names import SCANNERS
from orchestration.simulator.networks import CLOUD_ADDRESSES, SHARED_ADDRESSES
from orchestration.simulator.person import Gateway, Person
from orchestration.simulator.playbook import TRACKED_SITE, UNSUBSCRIBE_PAGE
from orchestration.simulator.story import Message, Touch
from orchestration.simulator.team import Sequence, Team

#: A burst scanner needs this many links to show itself; with fewer it is simply fast.
BURST_LINKS = 3
#: When the shared scanner goes through the mail since the last time: Mondays and Thursdays (UTC).
_ROUND_AT = 20 * HOUR
_ROUND_DAYS = frozenset({0, 3})


class Hit(NamedTuple):
    """A link that a scanner follows, so many seconds after its visit began."""

    second: int
    url: str
    link: int


class Visit(NamedTuple):
    """What a scanner does to one message, in the order of time."""

    at: int
    hits: list[Hit]
    is_opened: bool


class Scanner:
    """The scanner in front of one person; one serves a whole company, from one address."""

    def __init__(self, person: Person, browser: str, team: Team, rng: Random, whims: Whims) -> None:
        self._gateway = person.role.gateway
        self._habits: Habits = team.habits
        self._end_at = team.end_at
        self._rng = rng
        self._whims = whims
        guard = sum(person.domain.encode())
        self._agent = browser
        if self._gateway is Gateway.AGENT:
            self._agent = SCANNERS[guard % len(SCANNERS)]
        self._ip = f"192.0.2.{guard % 254 + 1}"
        if self._gateway is Gateway.CLOUD:
            self._ip = CLOUD_ADDRESSES[guard % len(CLOUD_ADDRESSES)]
        elif self._gateway is Gateway.SHARED:
            self._ip = SHARED_ADDRESSES[team.seed % len(SHARED_ADDRESSES)]

    def visit(self, message: Message, sequence: Sequence, delivered_at: int) -> int:
        """Let the scanner do its work, and return when it came (0 if it left no trace)."""
        if not sequence.track_clicks:
            return 0
        at, hits, is_opened = _WAYS[self._gateway](self, message, delivered_at)
        if at + max(len(message.step.links), hits[-1].second) >= self._end_at:
            return 0
        cause, agent, ip = self._gateway, self._agent, self._ip
        touches = message.touches
        if is_opened and sequence.track_opens:
            touches.append(Touch(at, cause, agent, ip))
        for second, url, link in hits:
            touches.append(Touch(at + second, cause, agent, ip, url, link))
        return at

    def _come_by_name(self, message: Message, delivered_at: int) -> Visit:
        """Say who it is, and follow every link, one a second."""
        draw = self._rng.random
        at = delivered_at + 1 + int(draw() * draw() * self._habits.agent_hours * HOUR)
        return Visit(at, _every_link(message, pause=1), is_opened=True)

    def _come_at_once(self, message: Message, delivered_at: int) -> Visit:
        """Follow every link before anybody could."""
        at = delivered_at + 1 + int(self._rng.random() * 2)
        return Visit(at, _every_link(message, pause=0), is_opened=True)

    def _burst(self, message: Message, delivered_at: int) -> Visit:
        """Follow every link at the same moment, minutes later."""
        if len(message.step.links) < BURST_LINKS:
            return self._come_at_once(message, delivered_at)
        wait = 3 * MINUTE + int(self._rng.random() * self._habits.burst_minutes * MINUTE)
        return Visit(delivered_at + wait, _every_link(message, pause=0), is_opened=True)

    def _take_time(self, message: Message, delivered_at: int) -> Visit:
        """Follow every link like somebody who reads: some seconds between them (R10)."""
        pause = self._whims.between(4, 14)
        return self._later(delivered_at, _every_link(message, pause))

    def _go_the_rounds(self, message: Message, delivered_at: int) -> Visit:
        """Follow one link of every mail since the last round, all within a minute (R12)."""
        day = (delivered_at - _ROUND_AT) // DAY + 1
        while (day + 3) % 7 not in _ROUND_DAYS:
            day += 1
        at = day * DAY + _ROUND_AT + self._whims.between(0, 50)
        return Visit(at, [self._some_link(message)], self._fetches_images())

    def _try_one(self, message: Message, delivered_at: int) -> Visit:
        """Follow one link, much later: from a person's click, nobody can tell it."""
        return self._later(delivered_at, [self._some_link(message)])

    def _fall_for_honeypot(self, message: Message, delivered_at: int) -> Visit:
        """Follow the link that no person sees, and one that everybody sees (R03)."""
        hidden = Hit(0, f"{TRACKED_SITE}/h/{message.token}", len(message.step.links))
        seen = self._some_link(message)._replace(second=self._whims.between(1, 5))
        return self._later(delivered_at, [hidden, seen])

    def _try_unsubscribing(self, message: Message, delivered_at: int) -> Visit:
        """Follow the unsubscribe link and another one (R11); that opts the person out (C4)."""
        url = f"{UNSUBSCRIBE_PAGE}?m={message.token}"
        last = Hit(self._whims.between(3, 9), url, len(message.step.links))
        return self._later(delivered_at, [self._some_link(message), last])

    def _click_unopened(self, message: Message, delivered_at: int) -> Visit:
        """Follow one link soon, but not at once, and leave the images alone (R14)."""
        at = delivered_at + self._whims.between(6, 28)
        return Visit(at, [self._some_link(message)], is_opened=False)

    def _later(self, delivered_at: int, hits: list[Hit]) -> Visit:
        longest = int(self._habits.patient_hours * HOUR)
        at = delivered_at + 5 * MINUTE + self._whims.between(0, longest)
        return Visit(at, hits, self._fetches_images())

    def _fetches_images(self) -> bool:
        return self._whims.have(self._habits.scanner_open_share)

    def _some_link(self, message: Message) -> Hit:
        links = message.step.links
        link = self._whims.between(0, len(links) - 1)
        return Hit(0, links[link], link)


def _every_link(message: Message, pause: int) -> list[Hit]:
    return [Hit(number * pause, url, number) for number, url in enumerate(message.step.links)]


_WAYS: dict[Gateway, Callable[[Scanner, Message, int], Visit]] = {
    Gateway.AGENT: Scanner._come_by_name,
    Gateway.FAST: Scanner._come_at_once,
    Gateway.BURST: Scanner._burst,
    Gateway.PATIENT: Scanner._take_time,
    Gateway.SHARED: Scanner._go_the_rounds,
    Gateway.SINGLE: Scanner._try_one,
    Gateway.HONEYPOT: Scanner._fall_for_honeypot,
    Gateway.UNSUBSCRIBE: Scanner._try_unsubscribing,
    Gateway.QUICK: Scanner._click_unopened,
    Gateway.CLOUD: Scanner._try_one,
}
