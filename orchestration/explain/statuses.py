"""Where the person's enrollments stand, and how they came to stand there (F5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from orchestration.explain import words
from orchestration.explain.people import Keys
from orchestration.explain.reading import Row, few, place, read
from orchestration.explain.story import Enrollment, Event, Place, Reply, Sent, StatusChange

_CHANGES = few(
    "marts.enrollment_status_history", "enrollment_id in (select unnest($enrollments::varchar[]))"
)

_HISTORY = f"""
select
    history.enrollment_id, history.status, history.status_reason, history.valid_from,
    history.event_key, vocabulary.summary as status_word
from {_CHANGES} as history
inner join intermediate.status_vocabulary as vocabulary on history.status = vocabulary.status
order by history.valid_from, history.enrollment_id
"""


@dataclass(frozen=True, slots=True)
class Statuses:
    """The enrollments' own rows and, per enrollment, its statuses in their order."""

    enrollments: tuple[Row, ...]
    history: Mapping[str, list[Row]]

    def sequences(self) -> dict[str, str | None]:
        """Return the sequence's name by enrollment."""
        return {row["enrollment_id"]: row["sequence_name"] for row in self.enrollments}

    def causes(self) -> set[str]:
        """Return the keys of all events that changed a status."""
        return {row["event_key"] for rows in self.history.values() for row in rows} - {None}


def read_statuses(connection: DuckDBPyConnection, keys: Keys) -> Statuses:
    """Read the whole history of the person's enrollments."""
    history: dict[str, list[Row]] = {enrollment_id: [] for enrollment_id in keys.enrollments}
    for row in read(connection, _HISTORY, enrollments=keys.enrollments):
        history[row["enrollment_id"]].append(row)
    return Statuses(keys.enrolled, history)


def enrollments_as_of(statuses: Statuses, moment: datetime | None) -> tuple[Enrollment, ...]:
    """Return the enrollments that there were at a moment, each with its status then."""
    found = []
    for row in statuses.enrollments:
        until_then = [
            each
            for each in statuses.history[row["enrollment_id"]]
            if moment is None or each["valid_from"] <= moment
        ]
        if not until_then:
            continue
        latest = until_then[-1]
        found.append(
            Enrollment(
                enrollment_id=row["enrollment_id"],
                sequence_name=row["sequence_name"],
                person_email=row["person_email"],
                mailbox=row["mailbox"],
                enrolled_at=row["enrolled_at"],
                status=latest["status"],
                status_word=latest["status_word"],
                reason=latest["status_reason"],
                reason_words=words.status_reason(latest["status_reason"]),
                since=latest["valid_from"],
                cause_event_key=latest["event_key"],
                place=place(row["source_place"]),
            )
        )
    return tuple(found)


def changes(
    statuses: Statuses, events: Mapping[str, Event | Reply], messages: Iterable[Sent]
) -> list[StatusChange]:
    """Return every change of status, with the place of what caused it.

    Of what the platform says, that is the newest record of the enrollment.
    """
    found = []
    first_sent: dict[str | None, Place] = {}
    for message in sorted(messages, key=lambda each: each.at):
        first_sent.setdefault(message.enrollment_id, message.place)
    for enrollment in statuses.enrollments:
        by_reason = {
            "step_sent": first_sent.get(enrollment["enrollment_id"]),
            "crm_opt_out": None,
        }
        record = place(enrollment["source_place"])
        previous = None
        for row in statuses.history[enrollment["enrollment_id"]]:
            found.append(
                StatusChange(
                    at=row["valid_from"],
                    enrollment_id=row["enrollment_id"],
                    sequence_name=enrollment["sequence_name"],
                    previous_status=previous,
                    status=row["status"],
                    reason=row["status_reason"],
                    reason_words=words.status_reason(row["status_reason"]),
                    cause_event_key=row["event_key"],
                    place=_cause_place(row, events)
                    if row["event_key"]
                    else by_reason.get(row["status_reason"], record),
                )
            )
            previous = row["status"]
    return found


def _cause_place(row: Row, events: Mapping[str, Event | Reply]) -> Place | None:
    cause = events.get(row["event_key"])
    return cause.place if cause else None
