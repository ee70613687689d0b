"""Teams with habits that nobody tuned a rule on: every share and delay is drawn from a range."""

from dataclasses import dataclass
from random import Random

from orchestration.simulator.habits import Habits
from orchestration.simulator.person import Gateway, Reader
from tests.bench.teams import Trial


@dataclass(frozen=True)
class Range:
    """The least and the most that is drawn, and what it is in words."""

    least: float
    most: float
    what: str

    def draw(self, rng: Random) -> float:
        """Return a value from the range, all of them equally likely."""
        return rng.uniform(self.least, self.most)


#: Of the people, how many read like this; Gmail and desktop programs share what is left.
READERS = {
    Reader.APPLE: Range(0.15, 0.55, "people with Apple Mail's privacy proxy"),
    Reader.IMAGES_OFF: Range(0.03, 0.25, "people with images blocked"),
    Reader.YAHOO: Range(0.02, 0.08, "people with Yahoo's image proxy"),
}
GMAIL = Range(0.35, 0.65, "of all others: Gmail's image proxy (else a desktop program)")

#: Of the people, how many have this scanner before them; nobody guards the rest.
GATEWAYS = {
    Gateway.AGENT: Range(0.03, 0.14, "scanners that name themselves"),
    Gateway.FAST: Range(0.03, 0.14, "scanners within 2 s of delivery"),
    Gateway.BURST: Range(0.03, 0.12, "scanners that take all links at once, later"),
    Gateway.PATIENT: Range(0.0, 0.004, "scanners that take all links one by one, hours later"),
    Gateway.SHARED: Range(0.03, 0.09, "scanners of many companies that come twice a week"),
    Gateway.HONEYPOT: Range(0.0, 0.04, "scanners that follow hidden links"),
    Gateway.UNSUBSCRIBE: Range(0.0, 0.03, "scanners that follow the unsubscribe link"),
    Gateway.QUICK: Range(0.0, 0.01, "scanners that click one link within 28 s"),
    Gateway.CLOUD: Range(0.0, 0.03, "scanners in a cloud, one link, hours later"),
    Gateway.SINGLE: Range(0.0, 0.001, "scanners elsewhere, one link, hours later"),
}

BEHAVIOUR = {
    "read_share": Range(0.30, 0.65, "mails that are read"),
    "click_share": Range(0.10, 0.30, "mails read in which a link is clicked"),
    "images_off_clicks": Range(0.4, 1.0, "clicking with images blocked, against others"),
    "apple_clicks": Range(0.6, 1.2, "clicking behind the privacy proxy, against others"),
    "privacy_flag_share": Range(0.80, 1.0, "privacy proxy fetches that SendGrid flags"),
    "open_days": Range(0.5, 5, "days within which people read"),
    "click_minutes": Range(3, 90, "minutes within which they click"),
    "fetch_hours": Range(1, 36, "hours within which the privacy proxy fetches"),
    "agent_hours": Range(0.2, 12, "hours within which named scanners come"),
    "burst_minutes": Range(1, 240, "minutes within which bursts come"),
    "patient_hours": Range(0.5, 24, "hours within which the scanners after those come"),
    "scanner_open_share": Range(0.2, 0.8, "visits of these in which the images are fetched, too"),
    "fast_share": Range(0.0, 0.02, "readings within 20 s of delivery"),
    "curious_share": Range(0.0, 0.015, "clickers who open all links, one by one"),
    "refetch_share": Range(0.0, 0.06, "opens that the mail program repeats within 9 s"),
    "cloud_reader_share": Range(0.0, 0.01, "people behind a proxy in a cloud"),
    "own_team_share": Range(0.0, 0.03, "mails that the team itself looks at"),
}


def unseen_trials(teams: int, people: int, weeks: int, seed: int) -> list[Trial]:
    """Return teams whose seeds and habits all come from one seed."""
    rng = Random(f"unseen habits {seed}")
    return [
        Trial(f"team-{number:02}", rng.randrange(1_000_000, 2**31), people, weeks, _habits(rng))
        for number in range(1, teams + 1)
    ]


def _habits(rng: Random) -> Habits:
    readers = {reader: share.draw(rng) for reader, share in READERS.items()}
    others = 1 - sum(readers.values())
    readers[Reader.GMAIL] = others * GMAIL.draw(rng)
    readers[Reader.DESKTOP] = others - readers[Reader.GMAIL]
    gateways = {gateway: share.draw(rng) for gateway, share in GATEWAYS.items()}
    unguarded = 1 - sum(gateways.values())
    return Habits(
        readers=tuple(readers.items()),
        gateways=((Gateway.NONE, unguarded), *gateways.items()),
        **{name: share.draw(rng) for name, share in BEHAVIOUR.items()},
    )


def assumptions() -> list[tuple[str, str]]:
    """Return every range in words, as it stands in the docs."""
    ranges = [*READERS.values(), GMAIL, *GATEWAYS.values()]
    shares = [(each.what, f"{each.least:.1%} to {each.most:.1%}") for each in ranges]
    return shares + [
        (
            each.what,
            f"{each.least:.1%} to {each.most:.1%}"
            if name.endswith("_share")
            else f"{each.least:g} to {each.most:g}",
        )
        for name, each in BEHAVIOUR.items()
    ]
