"""What happens to a delivered message: privacy proxies, people who open and click, the team."""

from random import Random

from orchestration.simulator.clock import DAY, HOUR, MINUTE
from orchestration.simulator.habits import Whims
from orchestration.simulator.names import (
    BROWSERS,
    DESKTOP_MAIL,
    GMAIL_PROXY,
    PHONE,
    PRIVACY_PROXY,
    YAHOO_PROXY,
)
from orchestration.simulator.networks import CLOUD_ADDRESSES, OWN_ADDRESSES
from orchestration.simulator.person import Gateway, Person, Reader
from orchestration.simulator.scanners import Scanner
from orchestration.simulator.story import Cause, Message, Touch
from orchestration.simulator.team import Sequence, Team

#: People leave at least this long between delivery and the first open, and between two touches.
SLOWEST_MACHINE_SECONDS = 25
#: A person never acts this close to a scanner's visit, so that nobody can take one for the other.
QUIET_SECONDS = 20

_OWN_CLICK_SHARE = 0.3


class Inbox:
    """One person's inbox: the same devices and addresses for all of their mail."""

    def __init__(self, person: Person, team: Team, rng: Random) -> None:
        self._rng = rng
        self._end_at = team.end_at
        self._habits = team.habits
        self._whims = Whims(team.seed, person.index)
        self._reader = person.role.reader
        self._is_keen = person.role.is_keen
        self._click_share = team.habits.click_share_of(self._reader)
        pick = int(rng.random() * 100_000)
        self._ip = f"198.18.{pick % 250}.{pick // 250 % 250}"
        self._cause = Cause.READER
        if self._whims.have(team.habits.cloud_reader_share):
            self._ip = CLOUD_ADDRESSES[pick % len(CLOUD_ADDRESSES)]
            self._cause = Cause.CLOUD_READER
        self._relay_ip = f"203.0.113.{pick % 254 + 1}"
        self._browser = BROWSERS[pick % len(BROWSERS)]
        if self._reader is Reader.APPLE:
            self._browser = PHONE if pick % 2 else BROWSERS[1]
        self._open_agent, self._open_ip = {
            Reader.GMAIL: (GMAIL_PROXY, self._relay_ip),
            Reader.YAHOO: (YAHOO_PROXY, self._relay_ip),
        }.get(self._reader, (DESKTOP_MAIL[pick % len(DESKTOP_MAIL)], self._ip))
        self._scanner = None
        if person.role.gateway is not Gateway.NONE:
            self._scanner = Scanner(person, self._browser, team, rng, self._whims)

    def receive(
        self, message: Message, sequence: Sequence, delivered_at: int, *, must_read: bool
    ) -> None:
        """Let everything happen to a message that arrived at `delivered_at`."""
        draw = self._rng.random
        message.delivered_at = delivered_at
        visited_at = 0
        if self._scanner is not None:
            visited_at = self._scanner.visit(message, sequence, delivered_at)
        if self._reader is Reader.APPLE and sequence.track_opens:
            self._fetch_privately(message, delivered_at)
        if self._whims.have(self._habits.own_team_share):
            self._be_checked(message, sequence, delivered_at)
        if not (must_read or self._is_keen or draw() < self._habits.read_share):
            return
        wait = SLOWEST_MACHINE_SECONDS + int(
            draw() * draw() * draw() * self._habits.open_days * DAY
        )
        read_at = self._apart(delivered_at + wait, visited_at)
        is_fast = self._whims.have(self._habits.fast_share)
        if is_fast:
            read_at = delivered_at + self._whims.between(2, 20)
        if read_at >= self._end_at:
            return
        message.read_at = read_at
        cause = Cause.FAST_READER if is_fast else self._cause
        if sequence.track_opens and self._reader not in {Reader.APPLE, Reader.IMAGES_OFF}:
            self._open(message, cause, visited_at)
        if sequence.track_clicks and (self._is_keen or draw() < self._click_share):
            self._click(message, read_at, cause, visited_at)

    def _apart(self, at: int, visited_at: int) -> int:
        """Return `at`, or a moment soon after it that is clear of the scanner's visit."""
        if abs(at - visited_at) < QUIET_SECONDS:
            return visited_at + 2 * QUIET_SECONDS
        return at

    def _add(self, message: Message, touch: Touch) -> None:
        """Let a touch happen, unless time is up."""
        if touch.at < self._end_at:
            message.touches.append(touch)

    def _open(self, message: Message, cause: Cause, visited_at: int) -> None:
        draw = self._rng.random
        at = message.read_at or 0
        times = 1 if draw() < 0.6 else 2 + int(draw() * 3)
        for _ in range(times):
            if at >= self._end_at:
                return
            opened = Touch(at, cause, self._open_agent, self._open_ip)
            message.touches.append(opened)
            if self._whims.have(self._habits.refetch_share):
                again_at = at + self._whims.between(1, 9)
                self._add(message, opened._replace(at=again_at, cause=Cause.REFETCH))
            cause = self._cause  # only the first open is a fast one
            at = self._apart(at + MINUTE + int(draw() * draw() * DAY), visited_at)

    def _click(self, message: Message, read_at: int, cause: Cause, visited_at: int) -> None:
        draw = self._rng.random
        if self._whims.have(self._habits.curious_share):
            self._click_all(message, read_at)
            return
        links = message.step.links
        at = read_at
        if cause is Cause.FAST_READER:
            self._click_fast(message, read_at)
            return
        for _ in range(1 if draw() < 0.7 else 2):
            wait = SLOWEST_MACHINE_SECONDS + int(draw() * self._habits.click_minutes * MINUTE)
            at = self._apart(at + wait, visited_at)
            if at >= self._end_at:
                return
            link = int(draw() * len(links))
            message.touches.append(Touch(at, cause, self._browser, self._ip, links[link], link))

    def _click_fast(self, message: Message, read_at: int) -> None:
        """Click while the mail is hardly there: some do so within the 5 s of a scanner."""
        links = message.step.links
        link = self._whims.between(0, len(links) - 1)
        at = read_at + self._whims.between(1, 10)
        self._add(
            message,
            Touch(at, Cause.FAST_READER, self._browser, self._ip, links[link], link),
        )

    def _click_all(self, message: Message, read_at: int) -> None:
        """Open every link in a tab of its own, one by one, as some do before they read."""
        at = read_at + SLOWEST_MACHINE_SECONDS
        for number, url in enumerate(message.step.links):
            at += self._whims.between(3, 12)
            self._add(
                message, Touch(at, Cause.CURIOUS_READER, self._browser, self._ip, url, number)
            )

    def _be_checked(self, message: Message, sequence: Sequence, delivered_at: int) -> None:
        """Let somebody of the team look at what was sent, from the office (R04)."""
        at = delivered_at + self._whims.between(MINUTE, 8 * HOUR)
        ip = OWN_ADDRESSES[self._whims.between(0, len(OWN_ADDRESSES) - 1)]
        if sequence.track_opens:
            self._add(message, Touch(at, Cause.OWN_TEAM, BROWSERS[0], ip))
        if sequence.track_clicks and self._whims.have(_OWN_CLICK_SHARE):
            links = message.step.links
            at += self._whims.between(SLOWEST_MACHINE_SECONDS, 5 * MINUTE)
            self._add(message, Touch(at, Cause.OWN_TEAM, BROWSERS[0], ip, links[0]))

    def _fetch_privately(self, message: Message, delivered_at: int) -> None:
        """Apple's proxy fetches the images whether or not the mail is read."""
        draw, habits = self._rng.random, self._habits
        at = delivered_at + 10 + int(draw() * draw() * habits.fetch_hours * HOUR)
        for _ in range(1 if draw() < 0.8 else 2):
            if at >= self._end_at:
                return
            is_flagged = draw() < habits.privacy_flag_share
            message.touches.append(
                Touch(
                    at,
                    Cause.PRIVACY_PROXY,
                    PRIVACY_PROXY,
                    self._relay_ip,
                    is_flagged=is_flagged,
                )
            )
            at += HOUR + int(draw() * DAY)
