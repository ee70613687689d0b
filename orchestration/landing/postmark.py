"""Postmark event logs (A6): one object per webhook, told apart by `RecordType`."""

from orchestration.landing.record_sql import Check, RecordRules, Skip

#: formats.md 1.3.
RECORD_TYPES = ("Delivery", "Bounce", "Open", "Click", "SpamComplaint", "SubscriptionChange")

_KNOWN = ", ".join(f"'{record}'" for record in RECORD_TYPES)

EVENTS = RecordRules(
    checks=(
        Check(
            "RecordType",
            f"not list_contains([{_KNOWN}], {{value}})",
            "'unknown_event_type: ' || left({value}, 100)",
        ),
        Check(("Recipient", "Email")),
        Check(
            ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"),
            "try_cast({value} as timestamptz) is null",
            "'invalid_timestamp'",
        ),
    ),
    skips=(
        # An inbound mail has no RecordType, but a sender: of mail that we sent, none is told.
        Skip("FromFull", (), "inbound_mail"),
        # Filed under bounces: somebody tried whether Postmark is an open relay, or our own hook for
        # inbound mail failed. Neither is about mail that we sent.
        Skip("Type", ("OpenRelayTest", "InboundError"), "not_about_sent_mail"),
    ),
)
