"""SendGrid Event Webhook logs (A1): which objects are events that we can read."""

from orchestration.landing.event_types import type_check
from orchestration.landing.record_sql import Check, RecordRules, Skip
from orchestration.landing.timestamps import epoch_check

#: formats.md 1.1. Anything else (news to come) goes to the rejects.
EVENT_TYPES = (
    "processed",
    "deferred",
    "delivered",
    "bounce",
    "dropped",
    "open",
    "click",
    "spamreport",
    "unsubscribe",
    "group_unsubscribe",
    "group_resubscribe",
)

EVENTS = RecordRules(
    (
        type_check("event", EVENT_TYPES),
        Check("email"),
        epoch_check("timestamp"),
    ),
    skips=(Skip("event", ("account_status_change",), "account_status_change"),),
)
