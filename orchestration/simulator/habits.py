"""How the simulated world behaves: who reads how, what guards mail, who clicks how soon.

The typical habits make the committed sample. Whoever measures the rules varies them; what typical
people and scanners never do has the share 0 here, and draws from a stream of its own.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from random import Random

from orchestration.simulator.person import Gateway, Reader

#: Each option with its share. Likely ones stand first; what is left over falls to the first.
ReaderShares = tuple[tuple[Reader, float], ...]
GatewayShares = tuple[tuple[Gateway, float], ...]


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares (0 to 1) and delays, from which chance deals people and what they do.

    Attributes:
        readers: how people read mail.
        gateways: which scanner guards a person's company.
        read_share: of the mails that arrive, how many are read.
        click_share: of the mails read, in how many a link is clicked.
        images_off_clicks: what `click_share` is multiplied by where images are off: below 1, people
            whose opens nobody sees click less, so that opening and clicking depend on each other.
        apple_clicks: the same for people behind Apple's privacy proxy.
        privacy_flag_share: of the privacy proxy's fetches, how many SendGrid flags.
        open_days: within how many days people read; most do so much sooner.
        click_minutes: within how many minutes after reading they click.
        fetch_hours: within how many hours the privacy proxy fetches.
        agent_hours: within how many hours a scanner with a name of its own comes.
        burst_minutes: within how many minutes (after the first three) a burst comes.
        patient_hours: within how many hours scanners come that look like a browser.
        scanner_open_share: of those scanners' visits, in how many the images are fetched, too.
        fast_share: of the mails read, how many are read within 20 s and clicked within 30 s.
        curious_share: of the visits to links, in how many a person opens all of them, one by one.
        refetch_share: of people's opens, how many the mail program repeats within 10 s.
        cloud_reader_share: how many people sit behind a proxy in a cloud.
        own_team_share: of the mails that arrive, how many the team itself looks at.
    """

    readers: ReaderShares = (
        (Reader.APPLE, 0.32),
        (Reader.GMAIL, 0.28),
        (Reader.DESKTOP, 0.25),
        (Reader.IMAGES_OFF, 0.10),
        (Reader.YAHOO, 0.05),
    )
    gateways: GatewayShares = (
        (Gateway.NONE, 0.74),
        (Gateway.AGENT, 0.09),
        (Gateway.FAST, 0.09),
        (Gateway.BURST, 0.08),
    )
    read_share: float = 0.48
    click_share: float = 0.16
    images_off_clicks: float = 1.0
    apple_clicks: float = 1.0
    privacy_flag_share: float = 0.93
    open_days: float = 2
    click_minutes: float = 15
    fetch_hours: float = 12
    agent_hours: float = 2
    burst_minutes: float = 20
    patient_hours: float = 6
    scanner_open_share: float = 0.5
    fast_share: float = 0.0
    curious_share: float = 0.0
    refetch_share: float = 0.0
    cloud_reader_share: float = 0.0
    own_team_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises:
            ValueError: a share lies outside 0 to 1, or a group of shares is empty or exceeds 1.
        """
        if not (self.readers and self.gateways):
            raise ValueError("There must be at least one way to read, and one gateway or none.")
        shares = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name.endswith("_share")
        }
        shares["readers"] = sum(share for _, share in self.readers)
        shares["gateways"] = sum(share for _, share in self.gateways)
        for name, share in shares.items():
            if not 0 <= share <= 1 + 1e-9:
                raise ValueError(f"{name} is {share}: shares lie between 0 and 1.")

    def click_share_of(self, reader: Reader) -> float:
        """Return in how many of the mails read such a person clicks."""
        if reader is Reader.IMAGES_OFF:
            return self.click_share * self.images_off_clicks
        if reader is Reader.APPLE:
            return self.click_share * self.apple_clicks
        return self.click_share


#: What the committed sample is made with.
TYPICAL = Habits()


class Whims:
    """One person's draws for whatever typical habits never do.

    They come from a stream of their own: with typical habits it is never begun, and everything
    else is drawn as if there were no whims.
    """

    def __init__(self, seed: int, index: int) -> None:
        self._name = f"whims {seed} {index}"

    @cached_property
    def rng(self) -> Random:
        """The stream itself."""
        return Random(self._name)

    def have(self, share: float) -> bool:
        """Return true in this share of the cases."""
        return share > 0 and self.rng.random() < share

    def between(self, first: int, last: int) -> int:
        """Return a whole number from `first` to `last`, all of them equally likely."""
        return self.rng.randint(first, last)
