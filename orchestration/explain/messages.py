"""What was sent to the person, by sequences and by hand."""

from duckdb import DuckDBPyConnection

from orchestration.explain.people import Keys
from orchestration.explain.reading import Row, few, place, read
from orchestration.explain.story import Sent

_MESSAGES = few(
    "marts.messages",
    "enrollment_id in (select unnest($enrollments::varchar[])) "
    "or recipient_email in (select unnest($plain_emails::varchar[]))",
)

_KNOWN_ENROLLMENTS = """
select enrollment_id
from intermediate.int_enrollments__current
where enrollment_id in (select unnest($enrollments::varchar[]))
"""

_PLACES = """
select
    message_key,
    source_place
from intermediate.int_messages__outbound
where message_key in (select unnest($messages::varchar[]))
"""


def read_messages(
    connection: DuckDBPyConnection, keys: Keys, sequences: dict[str, str | None], *, is_now: bool
) -> list[Sent]:
    """Return the messages to a person; what came of them is known of now only."""
    rows = _own_messages(connection, keys)
    places = {
        row["message_key"]: place(row["source_place"])
        for row in read(connection, _PLACES, messages=[row["message_key"] for row in rows])
    }
    return [
        Sent(
            at=row["sent_at"],
            message_key=row["message_key"],
            enrollment_id=row["enrollment_id"],
            sequence_name=sequences.get(row["enrollment_id"] or ""),
            step_number=row["step_number"],
            origin=row["origin"],
            subject=row["subject"],
            mailbox=row["mailbox"],
            recipient_email=row["recipient_email"],
            open_tracking_enabled=row["open_tracking_enabled"],
            click_tracking_enabled=row["click_tracking_enabled"],
            discrepancy_class=row["discrepancy_class"] if is_now else None,
            discrepancy_cause=row["discrepancy_cause"] if is_now else None,
            place=places[row["message_key"]],
        )
        for row in rows
    ]


def _own_messages(connection: DuckDBPyConnection, keys: Keys) -> list[Row]:
    """Return the messages that `int_messages__people` gives to the person.

    A message is its enrollment's person's. Without an enrollment, or while the enrollment's own
    record has not been delivered, it is whose the address is.
    """
    rows = read(
        connection,
        f"from {_MESSAGES}",
        enrollments=keys.enrollments,
        plain_emails=list(keys.plain_emails),
    )
    others = {row["enrollment_id"] for row in rows} - {None, *keys.enrollments}
    if others:
        known = read(connection, _KNOWN_ENROLLMENTS, enrollments=sorted(others))
        foreign = {row["enrollment_id"] for row in known}
        rows = [row for row in rows if row["enrollment_id"] not in foreign]
    return rows
