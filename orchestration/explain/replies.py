"""What came back by mail: replies, automatic answers and reports; never their text."""

from collections.abc import Collection

from duckdb import DuckDBPyConnection

from orchestration.explain.people import Keys
from orchestration.explain.reading import few, place, read
from orchestration.explain.story import Reply

#: What answers no message and touches no enrollment is the person's if they wrote it.
_INBOUND = few(
    "intermediate.int_inbound_events",
    """
        message_key in (select unnest($messages::varchar[]))
        or enrollment_id in (select unnest($enrollments::varchar[]))
        or event_key in (select unnest($event_keys::varchar[]))
        or (
            message_key is null
            and enrollment_id is null
            and event_type in ('replied', 'auto_replied')
            and recipient_email in (select unnest($emails::varchar[]))
        )
    """,
)

_REPLIES = f"""
with

events as (

    from {_INBOUND}

),

replies as (

    select *
    from marts.replies
    where reply_key in (select events.reply_key from events)

),

copies as (

    select
        mail_key,
        min(source_place) as source_place,
        count(*) as copy_count
    from intermediate.int_mail__copies
    where mail_key in (select events.reply_key from events)
    group by mail_key

)

select
    events.occurred_at, events.event_key, events.event_type, events.event_subtype,
    events.reply_key, events.message_key, events.enrollment_id, replies.match,
    replies.thread_rule, replies.sender_email, replies.mailbox, replies.subject,
    replies.is_automated, replies.reply_group, replies.reply_class, replies.classified_by,
    rules.source as classified_words, replies.tags, copies.source_place, copies.copy_count
from events
inner join replies on events.reply_key = replies.reply_key
left join intermediate.inbound_rules as rules on replies.classified_by = rules.rule_id
left join copies on events.reply_key = copies.mail_key
order by events.occurred_at, events.event_key
"""


def read_replies(
    connection: DuckDBPyConnection,
    keys: Keys,
    messages: Collection[str],
    causes: Collection[str],
) -> list[Reply]:
    """Return what answers the person's messages or touches their enrollments, and `causes`."""
    rows = read(
        connection,
        _REPLIES,
        messages=sorted(messages),
        enrollments=keys.enrollments,
        event_keys=sorted(causes),
        emails=list(keys.own_emails),
    )
    return [
        Reply(
            at=row["occurred_at"],
            event_key=row["event_key"],
            event_type=row["event_type"],
            event_subtype=row["event_subtype"],
            reply_key=row["reply_key"],
            message_key=row["message_key"],
            enrollment_id=row["enrollment_id"],
            match=row["match"],
            thread_rule=row["thread_rule"],
            sender_email=row["sender_email"],
            mailbox=row["mailbox"],
            subject=row["subject"],
            is_automated=row["is_automated"],
            reply_group=row["reply_group"],
            reply_class=row["reply_class"],
            classified_by=row["classified_by"],
            classified_words=row["classified_words"] or row["classified_by"],
            tags=row["tags"],
            place=place(row["source_place"], row["copy_count"]) if row["source_place"] else None,
        )
        for row in rows
    ]
