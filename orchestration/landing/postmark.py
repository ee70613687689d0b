"""Postmark event logs (A6): one object per webhook, told apart by `RecordType`."""

from orchestration.landing.event_types import type_check
from orchestration.landing.record_sql import Check, RecordRules, Skip
from orchestration.landing.timestamps import iso_check

#: formats.md 1.3.
RECORD_TYPES = ("Delivery", "Bounce", "Open", "Click", "SpamComplaint", "SubscriptionChange")

#: What a record of type `Bounce` may be: bounces, and what else Postmark files under them.
BOUNCE_TYPES = (
    "HardBounce",
    "SoftBounce",
    "Blocked",
    "SpamNotification",
    "VirusNotification",
    "DMARCPolicy",
    "Unknown",
    "Transient",
    "DnsError",
    "AutoResponder",
    "AddressChange",
    "ChallengeVerification",
    "Unsubscribe",
    "Subscribe",
    "SpamComplaint",
    "BadEmailAddress",
    "ManuallyDeactivated",
    "Unconfirmed",
    "SMTPApiError",
    "TemplateRenderingFailed",
)

EVENTS = RecordRules(
    checks=(
        type_check("RecordType", RECORD_TYPES),
        type_check("Type", BOUNCE_TYPES, only_for=("RecordType", "Bounce")),
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
