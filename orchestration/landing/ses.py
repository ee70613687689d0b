"""Amazon SES events (A2): which objects are events, and in what they come wrapped."""

from orchestration.landing.event_types import type_check
from orchestration.landing.record_sql import Check, RecordRules, Skip
from orchestration.landing.timestamps import iso_check

#: formats.md 1.2. Events of a configuration set bear an `eventType`; notifications of an identity
#: say the first three as `notificationType`.
EVENT_TYPES = (
    "Bounce",
    "Complaint",
    "Delivery",
    "Send",
    "Reject",
    "Open",
    "Click",
    "Rendering Failure",
    "DeliveryDelay",
    "Subscription",
)

#: SNS and SQS put what they carry into a string of JSON, EventBridge into an object.
ENVELOPES = ("body", "Body", "Sns.Message", "Message", "detail")

#: The time is in the part that is named after the type; sends and rejects have that of the mail.
_TIMES = (
    "bounce.timestamp",
    "complaint.timestamp",
    "complaint.arrivalDate",
    "delivery.timestamp",
    "deliveryDelay.timestamp",
    "open.timestamp",
    "click.timestamp",
    "subscription.timestamp",
    "mail.timestamp",
)

_VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."

EVENTS = RecordRules(
    checks=(
        type_check(("eventType", "notificationType"), EVENT_TYPES),
        Check("mail.messageId"),
        # An event that nothing dates is an event all the same; staging finds it a time.
        iso_check(*_TIMES, is_optional=True),
    ),
    pages=("Records", "Messages"),
    envelopes=ENVELOPES,
    skips=(
        # What SNS and SES say of themselves when a topic is set up.
        Skip("Type", ("SubscriptionConfirmation",), "subscription_confirmation"),
        Skip("Type", ("UnsubscribeConfirmation",), "unsubscribe_confirmation"),
        *(Skip(path, (_VALIDATED,), "topic_validation") for path in ENVELOPES),
        Skip("notificationType", ("AmazonSnsSubscriptionSucceeded",), "topic_validation"),
        Skip("notificationType", ("Received",), "inbound_mail"),
    ),
)
