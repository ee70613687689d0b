"""What happens to a delivered message: scanners, privacy proxies, and people who open and click."""

from random import Random

from orchestration.simulator.clock import DAY, HOUR, MINUTE
from orchestration.simulator.names import (
    BROWSERS,
    DESKTOP_MAIL,
    GMAIL_PROXY,
    PHONE,
    PRIVACY_PROXY,
    SCANNERS,
    YAHOO_PROXY,
)
from orchestration.simulator.person import Gateway, Person, Reader
from orchestration.simulator.story import Actor, Message, Touch
from orchestration.simulator.team import Sequence

#: People leave at least this long between delivery and the first open, and between two touches.
SLOWEST_MACHINE_SECONDS = 25
#: A person never acts this close to a scanner's visit, so that nobody can take one for the other.
QUIET_SECONDS = 20
#: A burst scanner needs this many links to show itself; with fewer it is simply fast.
BURST_LINKS = 3

_READ_SHARE = 0.48
_CLICK_SHARE = 0.16
_PRIVACY_FLAG_SHARE = 0.93


class Inbox:
    """One person's inbox: the same devices and addresses for all of their mail."""

    def __init__(self, person: Person, rng: Random, end_at: int) -> None:
        self._rng = rng
        self._end_at = end_at
        self._reader = person.role.reader
        self._gateway = person.role.gateway
        self._is_keen = person.role.is_keen
        pick = int(rng.random() * 100_000)
        self._ip = f"198.18.{pick % 250}.{pick // 250 % 250}"
        self._relay_ip = f"203.0.113.{pick % 254 + 1}"
        # One scanner serves a whole company, from one address.
        guard = sum(person.domain.encode())
        self._scanner_ip = f"192.0.2.{guard % 254 + 1}"
        self._scanner_agent = SCANNERS[guard % len(SCANNERS)]
        self._browser = BROWSERS[pick % len(BROWSERS)]
        if self._reader is Reader.APPLE:
            self._browser = PHONE if pick % 2 else BROWSERS[1]
        self._open_agent, self._open_ip = {
            Reader.GMAIL: (GMAIL_PROXY, self._relay_ip),
            Reader.YAHOO: (YAHOO_PROXY, self._relay_ip),
        }.get(self._reader, (DESKTOP_MAIL[pick % len(DESKTOP_MAIL)], self._ip))

    def receive(
        self, message: Message, sequence: Sequence, delivered_at: int, *, must_read: bool
    ) -> None:
        """Let everything happen to a message that arrived at `delivered_at`."""
        draw = self._rng.random
        message.delivered_at = delivered_at
        visited_at = 0
        if self._gateway is not Gateway.NONE:
            visited_at = self._scan(message, sequence, delivered_at)
        if self._reader is Reader.APPLE and sequence.track_opens:
            self._fetch_privately(message, delivered_at)
        if not (must_read or self._is_keen or draw() < _READ_SHARE):
            return
        wait = SLOWEST_MACHINE_SECONDS + int(draw() * draw() * draw() * 2 * DAY)
        read_at = self._apart(delivered_at + wait, visited_at)
        if read_at >= self._end_at:
            return
        message.read_at = read_at
        if sequence.track_opens and self._reader not in {Reader.APPLE, Reader.IMAGES_OFF}:
            self._open(message, read_at, visited_at)
        if sequence.track_clicks and (self._is_keen or draw() < _CLICK_SHARE):
            self._click(message, read_at, visited_at)

    def _apart(self, at: int, visited_at: int) -> int:
        """Return `at`, or a moment soon after it that is clear of the scanner's visit."""
        if abs(at - visited_at) < QUIET_SECONDS:
            return visited_at + 2 * QUIET_SECONDS
        return at

    def _open(self, message: Message, read_at: int, visited_at: int) -> None:
        draw = self._rng.random
        at = read_at
        times = 1 if draw() < 0.6 else 2 + int(draw() * 3)
        for _ in range(times):
            if at >= self._end_at:
                return
            message.touches.append(
                Touch(at, Actor.HUMAN, self._open_agent, self._open_ip, "", 0, is_flagged=False)
            )
            at = self._apart(at + MINUTE + int(draw() * draw() * DAY), visited_at)

    def _click(self, message: Message, read_at: int, visited_at: int) -> None:
        draw = self._rng.random
        links = message.step.links
        at = read_at
        for _ in range(1 if draw() < 0.7 else 2):
            at = self._apart(at + SLOWEST_MACHINE_SECONDS + int(draw() * 15 * MINUTE), visited_at)
            if at >= self._end_at:
                return
            link = int(draw() * len(links))
            message.touches.append(
                Touch(at, Actor.HUMAN, self._browser, self._ip, links[link], link, is_flagged=False)
            )

    def _fetch_privately(self, message: Message, delivered_at: int) -> None:
        """Apple's proxy fetches the images whether or not the mail is read."""
        draw = self._rng.random
        at = delivered_at + 10 + int(draw() * draw() * 12 * HOUR)
        for _ in range(1 if draw() < 0.8 else 2):
            if at >= self._end_at:
                return
            flagged = draw() < _PRIVACY_FLAG_SHARE
            message.touches.append(
                Touch(at, Actor.PRIVACY_PROXY, PRIVACY_PROXY, self._relay_ip, "", 0, flagged)
            )
            at += HOUR + int(draw() * DAY)

    def _scan(self, message: Message, sequence: Sequence, delivered_at: int) -> int:
        """Let the gateway follow every link, and return when it did (0 if it left no trace)."""
        if not sequence.track_clicks:
            return 0
        draw = self._rng.random
        links = message.step.links
        agent, ip = self._browser, self._scanner_ip
        if self._gateway is Gateway.AGENT:
            agent = self._scanner_agent
            at = delivered_at + 1 + int(draw() * draw() * 2 * HOUR)
            pause = 1
        elif self._gateway is Gateway.BURST and len(links) >= BURST_LINKS:
            at = delivered_at + 3 * MINUTE + int(draw() * 20 * MINUTE)
            pause = 0
        else:
            at = delivered_at + 1 + int(draw() * 2)
            pause = 0
        if at + len(links) >= self._end_at:
            return 0
        touches = message.touches
        if sequence.track_opens:
            touches.append(Touch(at, Actor.SCANNER, agent, ip, "", 0, is_flagged=False))
        for number, link in enumerate(links):
            moment = at + number * pause
            touches.append(Touch(moment, Actor.SCANNER, agent, ip, link, number, is_flagged=False))
        return at
