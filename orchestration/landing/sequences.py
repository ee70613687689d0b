"""The sequence platform (A5): enrollments as Unify's API returns them, and sent messages."""

from orchestration.landing.record_sql import Check, RecordRules

ENROLLMENTS = RecordRules((Check("id"),), pages=("enrollments",))

MESSAGES = RecordRules(
    (
        Check("id"),
        Check("message_id"),
        Check("sent_at", "try_cast({value} as timestamptz) is null", "'invalid_sent_at'"),
    ),
    pages=("messages",),
)
