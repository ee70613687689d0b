"""Mandrill (Mailchimp Transactional) event logs (A6): form posts, or the arrays that they hold."""

from orchestration.landing.event_types import type_check
from orchestration.landing.record_sql import Check, RecordRules, Skip
from orchestration.landing.timestamps import epoch_check

#: formats.md 1.5.
EVENT_TYPES = (
    "send",
    "deferral",
    "hard_bounce",
    "soft_bounce",
    "delivered",
    "reject",
    "open",
    "click",
    "spam",
    "unsub",
)

EVENTS = RecordRules(
    checks=(
        type_check("event", EVENT_TYPES),
        epoch_check("ts"),
        Check("msg.email"),
    ),
    skips=(
        Skip("event", ("inbound",), "inbound_mail"),
        # Somebody was put on, or taken off, one of the lists of the account: not by a message.
        Skip(
            "type", ("blacklist", "whitelist", "denylist", "allowlist"), "suppression_list_change"
        ),
    ),
    form_field="mandrill_events",
)
