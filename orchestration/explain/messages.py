"""What was sent to the person, by sequences and by hand."""

from duckdb import DuckDBPyConnection

from orchestration.explain.people import Keys
from orchestration.explain.reading import few, place, read
from orchestration.explain.story import Sent

#: As `int_messages__people` has it: a message is its enrollment's person's; without an enrollment
#: that was loaded, it is whose the address is.
_MESSAGES = f"""
with

own as (

    select * from {
    few(
        "marts.messages",
        '''
        enrollment_id in (select unnest($enrollments::varchar[]))
        or recipient_email in (select unnest($plain_emails::varchar[]))
    ''',
    )
}

),

foreign_enrollments as (

    select enrollment_id
    from intermediate.int_enrollments__current
    where
        enrollment_id in (select own.enrollment_id from own)
        and enrollment_id not in (select unnest($enrollments::varchar[]))

),

places as (

    select message_key, source_place
    from intermediate.int_messages__outbound
    where message_key in (select own.message_key from own)

)

select
    own.sent_at, own.message_key, own.enrollment_id, own.step_number, own.origin, own.subject,
    own.mailbox, own.recipient_email, own.open_tracking_enabled, own.click_tracking_enabled,
    own.discrepancy_class, own.discrepancy_cause, places.source_place
from own
inner join places on own.message_key = places.message_key
where
    own.enrollment_id is null
    or own.enrollment_id not in (select foreign_enrollments.enrollment_id from foreign_enrollments)
"""


def read_messages(
    connection: DuckDBPyConnection, keys: Keys, sequences: dict[str, str | None], *, is_now: bool
) -> list[Sent]:
    """Return the messages to a person; what came of them is known of now only."""
    rows = read(
        connection,
        _MESSAGES,
        enrollments=list(keys.enrollments),
        plain_emails=list(keys.plain_emails),
    )
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
            place=place(row["source_place"]),
        )
        for row in rows
    ]
