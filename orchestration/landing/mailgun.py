"""Mailgun event logs (A6): webhooks, pages of the Events API, and events by themselves."""

from orchestration.landing.record_sql import Check, RecordRules, Skip

#: formats.md 1.4. `bounced` and `dropped` are how webhooks named failures until 2018.
EVENT_TYPES = (
    "accepted",
    "rejected",
    "delivered",
    "failed",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
    "bounced",
    "dropped",
)

_KNOWN = ", ".join(f"'{event}'" for event in EVENT_TYPES)

EVENTS = RecordRules(
    checks=(
        Check(
            "event",
            f"not list_contains([{_KNOWN}], {{value}})",
            "'unknown_event_type: ' || left({value}, 100)",
        ),
        Check("timestamp", "try_cast({value} as double) is null", "'invalid_timestamp'"),
        # A message that Mailgun refused has no recipient of its own yet.
        Check(("recipient", "message.headers.to")),
    ),
    pages=("items",),
    envelopes=("event-data",),
    skips=(
        # Mail that came in and was kept, and uploads to mailing lists: nothing that we sent.
        Skip("event", ("stored",), "inbound_mail"),
        Skip(
            "event",
            ("list_member_uploaded", "list_member_upload_error", "list_uploaded"),
            "mailing_list_upload",
        ),
    ),
)
