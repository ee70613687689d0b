"""The sales team: its mailboxes, its sequences, and the weeks in which it works."""

from dataclasses import dataclass
from datetime import date
from random import Random

from orchestration.simulator.clock import DAY, WEEK, midnight
from orchestration.simulator.habits import TYPICAL, Habits
from orchestration.simulator.ids import USER, salesforce_id, uuid
from orchestration.simulator.playbook import FEWEST_PLAYS, PLAYS, Step

MAIL_DOMAIN = "northlight.example"

_REPS = (
    ("Mara", "Lind"), ("Theo", "Brandt"), ("Ines", "Carvalho"), ("Jonas", "Reed"),
    ("Salma", "Haddad"), ("Pieter", "Vos"), ("Aiko", "Mori"), ("Luca", "Serra"),
)  # fmt: skip
_PAUSED_PLAY = "Event invitation"


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A sequence that the team runs; `paused_at` is when somebody paused it, if ever."""

    id: str
    name: str
    steps: tuple[Step, ...]
    track_opens: bool
    track_clicks: bool
    format: str
    paused_at: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Mailbox:
    """A sending address; its owner is a Salesforce User unless `user_id` is None."""

    id: str
    email: str
    first: str
    last: str
    user_id: str | None
    paused_at: int | None
    is_gmail: bool

    @property
    def display_name(self) -> str:
        """The owner's full name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True)
class Team:
    """Everything that people have in common; the same in every worker for the same arguments."""

    seed: int
    weeks: int
    start_at: int
    end_at: int
    sequences: tuple[Sequence, ...]
    mailboxes: tuple[Mailbox, ...]
    admin_id: str
    habits: Habits

    def owner_id(self, mailbox: Mailbox) -> str:
        """The Salesforce user who owns the records of this mailbox's people."""
        return mailbox.user_id or self.admin_id


def assemble(weeks: int, seed: int, end: date, habits: Habits = TYPICAL) -> Team:
    """Return the team of a seed, whose last week ends with the day `end` (UTC)."""
    rng = Random(f"team {seed}")
    end_at = midnight(end) + DAY
    start_at = end_at - weeks * WEEK
    lull = min(5 * DAY, (end_at - start_at) // 3)
    plays = PLAYS[: FEWEST_PLAYS + rng.randrange(len(PLAYS) - FEWEST_PLAYS + 1)]
    sequences = tuple(
        Sequence(
            uuid(rng),
            play.name,
            play.steps,
            play.track_opens,
            play.track_clicks,
            play.format,
            end_at - lull if play.name == _PAUSED_PLAY else None,
        )
        for play in plays
    )
    reps = _REPS[: rng.randint(4, len(_REPS))]
    mailboxes = tuple(
        Mailbox(
            uuid(rng),
            f"{first}.{last}@{MAIL_DOMAIN}".lower(),
            first,
            last,
            # The second rep sends, but never got a Salesforce licence.
            None if number == 1 else salesforce_id(USER, number + 1),
            end_at - lull // 2 if number == len(reps) - 1 else None,
            is_gmail=number % 2 == 0,
        )
        for number, (first, last) in enumerate(reps)
    )
    return Team(seed, weeks, start_at, end_at, sequences, mailboxes, salesforce_id(USER, 0), habits)
