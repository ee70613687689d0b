"""How an enrollment comes to each status, as the rows that the models read (F1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.statuses.models import Models

Json = dict[str, Any]

CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
SOURCES = (
    "int_sequences__enrollments", "int_messages__outbound", "int_events__attached",
    "int_inbound_events", "int_people__opt_outs", "int_enrollments__people",
)  # fmt: skip
CHAIN = (
    "int_enrollments__current", "int_enrollments__platform_facts", "int_enrollments__mail_facts",
    "int_enrollments__opt_out_facts", "int_enrollments__status_facts", "enrollment_status_history",
)  # fmt: skip


@dataclass
class Life:
    """What happened to one enrollment, told in the order in which it happened."""

    enrollment_id: str
    rows: dict[str, list[Json]] = field(default_factory=lambda: {name: [] for name in SOURCES})

    def __post_init__(self) -> None:
        self.add("int_enrollments__people", person_key=f"person of {self.enrollment_id}")
        self.export(CREATED_AT)

    def add(self, table: str, **row: Any) -> None:
        """Let a row be there."""
        self.rows[table].append({"enrollment_id": self.enrollment_id, **row})

    def export(self, at: datetime, **changes: Any) -> None:
        """Let the platform export the enrollment anew, with what it said before and these."""
        versions = self.rows["int_sequences__enrollments"]
        before: Json = versions[-1] if versions else {"created_at": CREATED_AT, **_NOTHING_YET}
        if "ended_at" in changes and before.get("ended_at"):
            changes["ended_at"] = before["ended_at"]  # it ends but once
        told = before | changes | {"updated_at": at, "version_text": f"{len(versions):04}"}
        self.add("int_sequences__enrollments", **told)

    def event(self, table: str, event_type: str, at: datetime, **about: Any) -> None:
        """Let something happen to the enrollment's mail."""
        key = f"{self.enrollment_id} {event_type} {len(self.rows[table])}"
        about = {"event_key": key, "message_key": "m1", "match": "in_thread"} | about
        self.add(table, event_type=event_type, occurred_at=at, **about)

    def opt_out(self, at: datetime, **about: Any) -> None:
        """Let the person opt out by this enrollment's mail."""
        key = f"{self.enrollment_id} {about['status']}"
        person = f"person of {self.enrollment_id}"
        self.add("int_people__opt_outs", event_key=key, person_key=person, occurred_at=at, **about)


_NOTHING_YET = dict.fromkeys(
    (
        "is_sequence_paused", "is_mailbox_paused", "is_paused", "is_blocked", "is_bounced",
        "is_canceled", "is_excluded", "is_opted_out", "is_replied",
    ),
    False,
)  # fmt: skip


def _bounce_stops(life: Life, at: datetime) -> None:
    life.event("int_events__attached", "bounced", at, event_subtype="soft")
    life.export(at, is_bounced=True, ended_at=at)


def _waits(_life: Life, _at: datetime) -> None:
    """Leave it at being enrolled."""


#: How each status comes about, the strongest first: the order of rule F2, written down here and
#: taken from nowhere else.
CAUSES: dict[str, Callable[[Life, datetime], None]] = {
    "do_not_contact": lambda life, at: life.opt_out(
        at, status="do_not_contact", reason="complaint"
    ),
    "unsubscribed": lambda life, at: life.opt_out(at, status="unsubscribed", reason="unsubscribe"),
    "replied": lambda life, at: life.event("int_inbound_events", "replied", at),
    "bounced": lambda life, at: life.event(
        "int_events__attached", "bounced", at, event_subtype="hard"
    ),
    "bounce_stopped": _bounce_stops,
    "excluded": lambda life, at: life.export(at, is_excluded=True, ended_at=at),
    "canceled": lambda life, at: life.export(at, is_canceled=True, ended_at=at),
    "completed": lambda life, at: life.export(at, ended_at=at),
    "blocked": lambda life, at: life.export(at, is_blocked=True),
    "paused": lambda life, at: life.export(at, is_paused=True),
    "engaged": lambda life, at: life.add("int_messages__outbound", message_key="m1", sent_at=at),
    "queued": _waits,
}
ORDER = tuple(CAUSES)


def after(minutes: int) -> datetime:
    """Return a moment of an enrollment's life."""
    return CREATED_AT + timedelta(minutes=minutes)


def build_histories(models: Models, rows: dict[str, list[Json]]) -> None:
    """Build everything from the rows up to the history."""
    for name in SOURCES:
        models.fill(name, rows[name])
    models.seed("status_precedence")
    models.build(*CHAIN)
