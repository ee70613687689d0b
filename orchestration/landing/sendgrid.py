"""SendGrid Event Webhook logs (A1): which objects are events that we can read."""

from orchestration.landing.record_sql import Check, RecordRules
from orchestration.landing.timestamps import epoch_check

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
    (
        # The type comes first: an account event carries no email, and its type says why.
        Check(
            "event",
            # A list, not IN: DuckDB would join the events with a table of the types.
            f"not list_contains([{_KNOWN}], {{value}})",
            "'unknown_event_type: ' || left({value}, 100)",
        ),
        Check("email"),
        epoch_check("timestamp"),
    )
)
