"""What a person's story is made of: messages, events, letters, and what the platform noted.

Everything here is a fact of the simulated world. `at` is epoch seconds, UTC. Nothing in a story
happens at or after the team's `end_at`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from orchestration.simulator.person import Gateway, Person
from orchestration.simulator.playbook import Step
from orchestration.simulator.team import MAIL_DOMAIN, Mailbox, Sequence


class Actor(StrEnum):
    """Who was really behind an open or a click; behind a privacy proxy, nobody can know."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"
    INTERNAL = "internal"


class Cause(StrEnum):
    """What really brought about an open or a click, where it was no gateway."""

    READER = "reader"
    FAST_READER = "fast_reader"
    CURIOUS_READER = "curious_reader"
    CLOUD_READER = "cloud_reader"
    REFETCH = "refetch"
    PRIVACY_PROXY = "privacy_proxy"
    OWN_TEAM = "own_team"


#: Whom each cause has to be put down to.
ACTORS: dict[Cause | Gateway, Actor] = {
    Cause.READER: Actor.HUMAN,
    Cause.FAST_READER: Actor.HUMAN,
    Cause.CURIOUS_READER: Actor.HUMAN,
    Cause.CLOUD_READER: Actor.HUMAN,
    Cause.REFETCH: Actor.MACHINE,
    Cause.PRIVACY_PROXY: Actor.UNKNOWN,
    Cause.OWN_TEAM: Actor.INTERNAL,
    **dict.fromkeys(Gateway, Actor.MACHINE),
}


class Transit(NamedTuple):
    """A station on the way to the recipient, or a wish to get no more mail.

    `kind` is SendGrid's event name, with `blocked` for a bounce of that type.
    """

    kind: str
    at: int
    code: str = ""
    text: str = ""
    attempt: int = 0


class Touch(NamedTuple):
    """An open (no `url`) or a click, with what really caused it (see ACTORS)."""

    at: int
    cause: Cause | Gateway
    agent: str
    ip: str
    url: str = ""
    link: int = 0
    is_flagged: bool = False


@dataclass(slots=True)
class Message:
    """One email of a sequence to one recipient."""

    step: Step
    token: str
    to: str
    subject: str
    sent_at: int
    transits: list[Transit] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    delivered_at: int | None = None
    read_at: int | None = None

    @property
    def message_id(self) -> str:
        """The Message-ID header, without its angle brackets."""
        return f"{self.token}@mail.{MAIL_DOMAIN}"


class Change(NamedTuple):
    """The platform noted something about an enrollment (`started`, `ended`, `is_replied`, …)."""

    at: int
    what: str


class Kind(StrEnum):
    """What a letter in a mailbox is."""

    HUMAN = "human"
    OOO = "ooo"
    DSN = "dsn"
    LIST = "list"
    MANUAL = "manual"
    COPY = "copy"


class Match(StrEnum):
    """How an inbound letter belongs to what the team sent (rule E2 and E3)."""

    IN_THREAD = "in_thread"
    PROBABLE = "probable"
    OUT_OF_SEQUENCE = "out_of_sequence"
    UNKNOWN_SENDER = "unknown_sender"


class Client(StrEnum):
    """The mail program that wrote a letter."""

    GMAIL = "gmail"
    OUTLOOK = "outlook"
    APPLE = "apple"


@dataclass(slots=True)
class Enrollment:
    """One person in one sequence, once; `reply` is the inbound letter that the platform shows."""

    id: str
    sequence: Sequence
    mailbox: Mailbox
    email: str
    crm_id: str | None
    created_at: int
    thread_id: str
    changes: list[Change] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    reply: "Letter | None" = None

    def when(self, what: str) -> int | None:
        """Return when the platform noted `what`, or None if it never did."""
        for change in self.changes:
            if change.what == what:
                return change.at
        return None


@dataclass(slots=True)
class Letter:
    """A mail in one of the team's mailboxes, inbound or own.

    `message` is the sequence message that it belongs to in truth; `shows_thread` says whether its
    headers tell so. `earlier` is the own or inbound letter that it answers instead, if any.
    """

    kind: Kind
    at: int
    mailbox: Mailbox
    sender: str
    sender_name: str
    message_id: str
    subject: str
    text: str
    client: Client
    to: str = ""
    match: Match | None = None
    enrollment: Enrollment | None = None
    message: Message | None = None
    earlier: "Letter | None" = None
    shows_thread: bool = False
    shows_gmail_thread: bool = False
    has_auto_headers: bool = False
    is_final_failure: bool = False
    failure: Transit | None = None
    label: str | None = None

    @property
    def is_inbound(self) -> bool:
        """Whether somebody else wrote it to the team."""
        return self.kind not in {Kind.MANUAL, Kind.COPY}


@dataclass(slots=True)
class Record:
    """A Contact or Lead of the org."""

    kind: str
    id: str
    email: str | None
    created_at: int
    modified_at: int
    is_deleted: bool = False
    master_id: str | None = None
    converted_contact_id: str | None = None
    converted_at: int | None = None
    is_opted_out: bool = False
    individual_id: str | None = None
    stale_open_count: int | None = None
    first_sequence: str | None = None


@dataclass(slots=True)
class CrmPlace:
    """Where a person stands in the org, and which record their results belong to.

    `carried` holds the record id that each enrollment carries (by its order); `target` is
    (object, id), or None with the reason.
    """

    records: list[Record]
    carried: tuple[str | None, ...]
    target: tuple[str, str] | None
    unmatched_reason: str | None
    opted_out_at: int | None = None

    @property
    def has_tracking_opt_out(self) -> bool:
        """Whether the org says of the person that nobody may track them (rule D9)."""
        return any(record.individual_id for record in self.records)


@dataclass(slots=True)
class Story:
    """Everything that happened around one person."""

    person: Person
    crm: CrmPlace
    enrollments: list[Enrollment] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
