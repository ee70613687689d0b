"""The simulated teams of `make evaluate-coverage`: their habits, their logs, and what is true."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from orchestration.simulator.cast import CAST
from orchestration.simulator.habits import Habits
from orchestration.simulator.person import Reader
from orchestration.simulator.platform_export import PlatformExport
from orchestration.simulator.sendgrid_log import SendgridLog
from orchestration.simulator.simulate import END
from orchestration.simulator.story import Message, Story
from orchestration.simulator.storyteller import tell
from orchestration.simulator.team import assemble
from orchestration.simulator.truth import see

SEED, WEEKS = 20_261_130_000, 6
FEWEST_PEOPLE, MOST_PEOPLE = 300, 1_600

#: Who hosts the mail of simulated people; postbox.example is nobody's, like a company's own.
PROVIDERS = {
    "orchardmail.example": "Apple",
    "gmailish.example": "Gmail",
    "yahooish.example": "Yahoo",
    "outlookish.example": "Microsoft",
}


@dataclass(frozen=True)
class Scenario:
    """A way in which clicking depends on whether opens are seen, or on who it is.

    `unseen_clicks` multiplies the click share of people whose opens are never recorded;
    `is_uneven` lets every third person click ten times as readily as the others.
    """

    name: str
    unseen_clicks: float = 1.0
    is_uneven: bool = False


@dataclass(frozen=True)
class Team:
    """A number, which is all that chance needs, and the scenario that the team plays."""

    number: int
    scenario: Scenario


#: A stratum of `marts.tracking_coverage`, and its value.
Stratum = tuple[str, str]


@dataclass(slots=True)
class Truth:
    """What really became of the messages of one stratum that could be captured twice."""

    scenario: str
    tracked: int = 0
    read: int = 0


def write_logs(landing: Path, teams: list[Team]) -> dict[Stratum, Truth]:
    """Write the logs of some teams into the same files, and return the truth by sequence."""
    truths: dict[Stratum, Truth] = {}
    first, part = assemble(WEEKS, SEED, END), 1 + teams[0].number
    sendgrid, platform = SendgridLog(first, part), PlatformExport(first, part)
    for team in teams:
        for story in _stories(team):
            sendgrid.add(story)
            platform.add(story)
            for sequence_id, message in _tracked(story):
                _note(truths, team, ("sequence", sequence_id), message)
    sendgrid.close(landing / "sendgrid", with_rejects=False)
    platform.close(landing / "sequences")
    return truths


def write_captures(folder: Path, teams: list[Team]) -> dict[Stratum, Truth]:
    """Write what the logs would tell of each message to a CSV file.

    Return the truth by sequence and by mail provider. Providers are each team's own: a warehouse
    holds one team, and what sets teams apart is no matter of the provider.
    """
    truths: dict[Stratum, Truth] = {}
    with (folder / f"{teams[0].number}.csv").open("w", encoding="utf-8") as file:
        for team in teams:
            for story in _stories(team):
                provider = f"{team.number} {PROVIDERS.get(story.person.domain, 'company')}"
                for sequence_id, message in _tracked(story):
                    for stratum in (("sequence", sequence_id), ("mail_provider", provider)):
                        _note(truths, team, stratum, message)
                    seen = see(message)
                    file.write(
                        f"{sequence_id},{provider},{message.to.lower()},"
                        f"{seen.human_opens},{seen.human_clicks}\n"
                    )
    return truths


def _stories(team: Team) -> Iterator[Story]:
    """Tell of a team's people, but for the cast: it reads and clicks whatever it gets."""
    seed, scenario = SEED + team.number, team.scenario
    chance = Random(f"coverage {seed}")
    habits = _habits(chance, scenario.unseen_clicks)
    people = round(FEWEST_PEOPLE * (MOST_PEOPLE / FEWEST_PEOPLE) ** chance.random())
    fond = reluctant = assemble(WEEKS, seed, END, habits)
    if scenario.is_uneven:
        # On average as often as in other teams.
        reluctant = replace(fond, habits=replace(habits, click_share=0.25 * habits.click_share))
        fond = replace(fond, habits=replace(habits, click_share=2.5 * habits.click_share))
    for index in range(len(CAST), len(CAST) + people):
        yield tell(index, fond if index % 3 == 0 else reluctant)


def _habits(chance: Random, unseen_clicks: float) -> Habits:
    """Return a team's habits: who reads how, how much they read, how often they click."""
    apple, images_off, yahoo = chance.uniform(0.1, 0.45), chance.uniform(0.03, 0.2), 0.05
    desktop = chance.uniform(0.1, 0.3)
    return Habits(
        readers=(
            (Reader.GMAIL, 1 - apple - images_off - desktop - yahoo),
            (Reader.APPLE, apple),
            (Reader.DESKTOP, desktop),
            (Reader.IMAGES_OFF, images_off),
            (Reader.YAHOO, yahoo),
        ),
        read_share=chance.uniform(0.25, 0.65),
        click_share=chance.uniform(0.06, 0.3),
        images_off_clicks=unseen_clicks,
        apple_clicks=unseen_clicks,
    )


def _tracked(story: Story) -> Iterator[tuple[str, Message]]:
    """Yield the messages that D6 counts: delivered, with both kinds of tracking."""
    for enrollment in story.enrollments:
        sequence = enrollment.sequence
        if sequence.track_opens and sequence.track_clicks:
            for message in enrollment.messages:
                if message.delivered_at is not None:
                    yield sequence.id, message


def _note(truths: dict[Stratum, Truth], team: Team, stratum: Stratum, message: Message) -> None:
    truth = truths.setdefault(stratum, Truth(team.scenario.name))
    truth.tracked += 1
    truth.read += message.read_at is not None
