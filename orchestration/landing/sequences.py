"""The sequence platform (A5): enrollments as Unify's API returns them, and sent messages."""

from orchestration.landing.records import Check, RecordRules

ENROLLMENTS = RecordRules((Check("id"),), page_key="enrollments")

MESSAGES = RecordRules(
    (
        Check("id"),
        Check("message_id"),
        Check("sent_at", "try_cast({value} as timestamptz) is null", "'invalid_sent_at'"),
    ),
    page_key="messages",
)
