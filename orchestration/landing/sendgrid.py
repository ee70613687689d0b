"""SendGrid Event Webhook logs (A1): which objects are events that we can read."""

from orchestration.landing.records import RecordRules

#: formats.md 1.1. Anything else (`account_status_change`, news to come) goes to the rejects.
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

_KNOWN = ", ".join(f"'{event}'" for event in EVENT_TYPES)

EVENTS = RecordRules(
    # The type comes first: an account event carries no email, and its type says why.
    required=("event", "email", "timestamp"),
    checks=(
        (f"{{event}} not in ({_KNOWN})", "'unknown_event_type: ' || left({event}, 100)"),
        ("try_cast({timestamp} as double) is null", "'invalid_timestamp'"),
    ),
)
