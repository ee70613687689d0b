"""What `explain` tells of one person: who it is, where they stand, and every step on the way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a raw record lies: a file of the landing folder and a line, or a Salesforce snapshot.

    `copies` counts the records that said the same.
    """

    file: str
    line: int | None = None
    copies: int = 1

    def __str__(self) -> str:
        """Read as editors and compilers write it."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Address:
    """One of the person's email addresses; `how`: current, earlier (H1) or enrolled."""

    email: str
    how: str


@dataclass(frozen=True, slots=True)
class Record:
    """A Salesforce record that is not the one written to: a stand-in (H3) or a duplicate (H2).

    `how`: converted, merged or duplicate.
    """

    crm_object: str
    crm_id: str
    how: str
    email: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Who it is. Without a record `crm_id` is None and `unmatched_reason` says why."""

    crm_object: str | None
    crm_id: str | None
    matched_by: str | None
    unmatched_reason: str | None
    owner_id: str | None
    owner_name: str | None
    addresses: tuple[Address, ...]
    stand_ins: tuple[Record, ...]
    duplicates: tuple[Record, ...]
    wants_no_tracking: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One enrollment and where it stood at the moment that was asked for."""

    enrollment_id: str
    sequence_name: str | None
    person_email: str | None
    mailbox: str | None
    enrolled_at: datetime
    status: str
    status_word: str
    reason: str
    reason_words: str
    since: datetime
    cause_event_key: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Value:
    """What belongs into a mapped field, and what the newest plan decided about it.

    Where the moment is now, `value` is computed from the marts; of a past moment only what was
    planned by then is known. Without a plan of the cell, decision and reason are None; `outcome`
    is what came of the plan's write, if it was tried. Plans need not list what is unchanged: where
    the newest does not, `unchanged_since` is the last that did.
    """

    field: str
    metric: str | None
    value: str | None
    decision: str | None
    reason: str | None
    plan_id: str | None
    outcome: str | None
    unchanged_since: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message to the person went out; of now, `discrepancy_class` sums up what came of it."""

    at: datetime
    message_key: str
    enrollment_id: str | None
    sequence_name: str | None
    step_number: int | None
    origin: str
    subject: str | None
    mailbox: str | None
    recipient_email: str | None
    open_tracking_enabled: bool
    click_tracking_enabled: bool
    discrepancy_class: str | None
    discrepancy_cause: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a provider recorded; `rule_words` say why the actor is who it is (C1).

    `is_counted`: opens and clicks that enter the counts; clicks elsewhere do not (C5).
    """

    at: datetime
    event_key: str
    event_type: str
    event_subtype: str | None
    message_key: str | None
    enrollment_id: str | None
    step_number: int | None
    recipient_email: str | None
    source: str
    actor: str | None
    rule_id: str | None
    rule_words: str | None
    is_proxy: bool | None
    url: str | None
    link_kind: str | None
    is_counted: bool | None
    ip: str | None
    user_agent: str | None
    is_other_recipient: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail came in: a reply, or a machine's answer or report; its text is never told."""

    at: datetime
    event_key: str
    event_type: str
    event_subtype: str | None
    reply_key: str
    message_key: str | None
    enrollment_id: str | None
    match: str
    thread_rule: str | None
    sender_email: str | None
    mailbox: str | None
    subject: str | None
    is_automated: bool
    reply_group: str | None
    reply_class: str
    classified_by: str
    classified_words: str
    tags: str | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class StatusChange:
    """An enrollment's status changed (F5).

    The place is that of the event that caused it; without one, of the platform's newest record
    of the enrollment.
    """

    at: datetime
    enrollment_id: str
    sequence_name: str | None
    previous_status: str | None
    status: str
    reason: str
    reason_words: str
    cause_event_key: str | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class CrmFact:
    """Something that Salesforce said of one of the person's records; `fact` is its kind."""

    at: datetime
    crm_object: str
    crm_id: str
    fact: str
    words: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a plan (K1)."""

    field: str
    old_value: str | None
    new_value: str | None
    policy: str
    decision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan decided about a record; unchanged cells may be counted without being listed."""

    at: datetime
    plan_id: str
    crm_object: str
    crm_id: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A record was sent to Salesforce, and what came of it; None: no answer came back (K4)."""

    at: datetime
    plan_id: str
    run_id: str
    crm_object: str
    crm_id: str
    outcome: str | None
    error_code: str | None
    error_message: str | None
    error_fields: tuple[str, ...]
    new_values: Mapping[str, object]


Entry = Sent | Event | Reply | StatusChange | CrmFact | Planned | Attempt

#: What the entries are called in JSON, and the order of what happened at one moment.
KINDS: Mapping[type[Entry], str] = {
    CrmFact: "crm_fact",
    Sent: "sent",
    Event: "event",
    Reply: "reply",
    StatusChange: "status_change",
    Planned: "planned",
    Attempt: "attempt",
}


@dataclass(frozen=True, slots=True)
class Story:
    """The whole account. `as_of` None means now: everything that the read copy knows."""

    asked: str
    as_of: datetime | None
    loaded_until: datetime | None
    person: Person
    enrollments: tuple[Enrollment, ...]
    values: tuple[Value, ...]
    timeline: tuple[Entry, ...]

    def events(self) -> Iterator[Event | Reply]:
        """Yield what providers and mailboxes recorded."""
        return (entry for entry in self.timeline if isinstance(entry, Event | Reply))
