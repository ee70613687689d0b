"""Mailgun event logs (A6): webhooks, pages of the Events API, and events by themselves."""

from orchestration.landing.event_types import type_check
from orchestration.landing.record_sql import Check, RecordRules, Skip
from orchestration.landing.timestamps import epoch_check

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

EVENTS = RecordRules(
    checks=(
        type_check("event", EVENT_TYPES),
        epoch_check("timestamp"),
        # A message that Mailgun refused has no recipient of its own yet.
        Check(("recipient", "message.headers.to")),
    ),
    pages=("items",),
    envelopes=("event-data",),
    skips=(
        # Mail that came in and was kept, and uploads to mailing lists: nothing that we sent.
        Skip("event", ("stored",), "inbound_mail"),
        # What a route for inbound mail posts: the mail itself, and no `event`.
        Skip("body-plain", (), "inbound_mail"),
        Skip(
            "event",
            ("list_member_uploaded", "list_member_upload_error", "list_uploaded"),
            "mailing_list_upload",
        ),
    ),
)
