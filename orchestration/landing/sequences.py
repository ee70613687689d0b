"""The sequence platform (A5): enrollments as Unify's API returns them, and sent messages."""

from orchestration.landing.records import RecordRules

ENROLLMENTS = RecordRules(required=("id",), page_key="enrollments")

MESSAGES = RecordRules(
    required=("id", "message_id", "sent_at"),
    checks=(("try_cast({sent_at} as timestamptz) is null", "'invalid_sent_at'"),),
    page_key="messages",
)
