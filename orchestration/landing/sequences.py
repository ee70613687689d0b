"""Sequence platforms (A5): what Unify's API returns, sent messages, and the neutral format."""

from orchestration.landing import sequence_format
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

#: docs/sequence-format.md: enrollments, messages and manual tasks of any other platform.
RECORDS = RecordRules(tuple(sequence_format.checks()))
