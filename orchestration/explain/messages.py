"""What was sent to the person, by sequences and by hand."""

from duckdb import DuckDBPyConnection

from orchestration.explain.people import Keys
from orchestration.explain.reading import Row, few, place, read
from orchestration.explain.story import Sent

_BY_NUMBER = few(
    "intermediate.int_messages__outbound",
    "belongs_to_number in (select md5_number_lower(unnest($keys::varchar[])))",
)

#: A message is its enrollment's person's. Without an enrollment, or while the enrollment's own
#: record has not been delivered, it is whose the address is (`int_messages__people`).
_MESSAGES = f"""
select
    message_key, enrollment_id, step_number, origin, subject, mailbox, recipient_email, sent_at,
    source_place
from {_BY_NUMBER}
order by sent_at, message_key
"""

_SIGNS = """
select
    message_key, open_tracking_enabled, click_tracking_enabled, discrepancy_class,
    discrepancy_cause
from marts.messages
where message_key in (select unnest($messages::varchar[]))
"""


def read_messages(
    connection: DuckDBPyConnection, keys: Keys, sequences: dict[str, str | None], *, is_now: bool
) -> list[Sent]:
    """Return the messages to a person; what came of them is known of now only."""
    enrollments, emails = set(keys.enrollments), set(keys.plain_emails)
    rows = [
        row
        for row in read(connection, _MESSAGES, keys=sorted(enrollments | emails))
        # A number may be several texts'; whose a message is, the texts say.
        if row["enrollment_id"] in enrollments or row["recipient_email"] in emails
    ]
    found = [row["message_key"] for row in rows]
    signs = {row["message_key"]: row for row in read(connection, _SIGNS, messages=found)}
    return [_sent(row | signs[row["message_key"]], sequences, is_now=is_now) for row in rows]


def _sent(row: Row, sequences: dict[str, str | None], *, is_now: bool) -> Sent:
    return Sent(
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
        place=place(row["source_place"]),
    )
