"""Postmark event logs (A6): one object per webhook, told apart by `RecordType`."""

from orchestration.landing.event_types import type_check
from orchestration.landing.record_sql import Check, RecordRules, Skip
from orchestration.landing.timestamps import iso_check

#: formats.md 1.3.
RECORD_TYPES = ("Delivery", "Bounce", "Open", "Click", "SpamComplaint", "SubscriptionChange")

EVENTS = RecordRules(
    checks=(
        type_check("RecordType", RECORD_TYPES),
        Check(("Recipient", "Email")),
        iso_check("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"),
    ),
    skips=(
        # An inbound mail has no RecordType, but a sender: of mail that we sent, none is told.
        Skip("FromFull", (), "inbound_mail"),
        # Filed under bounces: somebody tried whether Postmark is an open relay, or our own hook for
        # inbound mail failed. Neither is about mail that we sent.
        Skip("Type", ("OpenRelayTest", "InboundError"), "not_about_sent_mail"),
    ),
)
