"""The custom fields that Touchline knows how to make: types, labels, help texts (I9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestration.writeback.package_xml import Element, document, truth

FieldType = Literal["Number", "Text", "Checkbox", "DateTime", "Picklist"]

#: The elements of a field in the order in which Salesforce writes them.
ORDER = (
    "fullName", "caseSensitive", "defaultValue", "description", "externalId", "inlineHelpText",
    "label", "length", "precision", "required", "scale", "type", "unique", "valueSet",
)  # fmt: skip

#: What a key holds at most; the models shorten longer ones.
KEY_LENGTH = 255

_TEXT_LENGTH = 255
_DIGITS = 9

_WRITTEN_BY = "Written by Touchline from the raw logs of sales email."


@dataclass(frozen=True, slots=True)
class Known:
    """How a metric is kept in Salesforce; `help` is what people read beside the field."""

    type: FieldType
    label: str
    help: str


#: By column of crm.contact_fields and crm.lead_fields.
METRICS: Mapping[str, Known] = {
    "open_count": Known(
        "Number",
        "Open Count",
        "All recorded opens of email to this person, whoever caused them: privacy proxies and "
        "security scanners are among them.",
    ),
    "human_open_count": Known(
        "Number",
        "Human Open Count",
        "Opens that a person caused, as far as can be told. Opens behind a privacy proxy are not "
        "among them.",
    ),
    "click_count": Known(
        "Number",
        "Click Count",
        "All clicks on tracked links in email to this person, security scanners included.",
    ),
    "human_click_count": Known(
        "Number", "Human Click Count", "Clicks on tracked links that a person made."
    ),
    "clicked_at": Known("DateTime", "Clicked At", "First click by a person on a tracked link."),
    "is_replied": Known(
        "Checkbox",
        "Replied",
        "The person answered a sequence, in its thread or outside it. Automatic replies do not "
        "count.",
    ),
    "last_reply_at": Known(
        "DateTime", "Last Reply At", "When the latest reply by a person was received."
    ),
    "sequence_status": Known(
        "Picklist",
        "Sequence Status",
        "Where the person stands in the most recent sequence, and how it ended.",
    ),
    "sequence_status_detailed": Known(
        "Picklist",
        "Sequence Status",
        "Where the person stands in the most recent sequence, and how it ended.",
    ),
    "sequence_stage": Known(
        "Picklist", "Sequence Stage", "What your plays make of status and reply."
    ),
    "most_recent_sequence": Known(
        "Text", "Most Recent Sequence", "The sequence with the latest activity."
    ),
    "most_recent_step_at": Known(
        "DateTime",
        "Most Recent Sequence Step At",
        "When the last email of the most recent sequence was sent.",
    ),
    "first_sequence": Known(
        "Text", "First Sequence", "The first sequence that this person was ever enrolled in."
    ),
    "initial_reply_class": Known(
        "Picklist", "Initial Reply Class", "What the first reply was about."
    ),
    "latest_reply_class": Known(
        "Picklist", "Latest Reply Class", "What the latest reply was about."
    ),
    "initial_reply_tags": Known(
        "Text", "Initial Reply Tags", "Labels of the first reply, with commas between them."
    ),
    "latest_reply_tags": Known(
        "Text", "Latest Reply Tags", "Labels of the latest reply, with commas between them."
    ),
    "is_opted_out": Known("Checkbox", "Opted Out", "The person opted out of email."),
    "last_email_sent_at": Known(
        "DateTime", "Last Email Sent At", "When the latest email to this person was sent."
    ),
    "last_email_received_at": Known(
        "DateTime", "Last Email Received At", "When the person's own latest email was received."
    ),
    "engagement_level": Known(
        "Number", "Engagement Level", "The highest step that the engagement score has reached."
    ),
}

#: Per-message counts on EmailMessage, by the key of the section `activities` that names the field.
MESSAGE_COUNTS: Mapping[str, Known] = {
    "open_count": Known(
        "Number", "Open Count", "All recorded opens of this email, whoever caused them."
    ),
    "click_count": Known(
        "Number", "Click Count", "All clicks on tracked links of this email, scanners included."
    ),
    "clicked_at": Known(
        "DateTime", "Clicked At", "First click by a person on a tracked link of this email."
    ),
}

_KEY_HELP = (
    "Keeps Touchline from logging the same thing twice. Do not edit it: what has no key here is "
    "taken for missing, and is created again."
)


def field_file(name: str, known: Known, values: Sequence[str] = ()) -> str:
    """Return the metadata of a field; `values` are those of a picklist."""
    shapes: Mapping[FieldType, dict[str, str | Sequence[Element]]] = {
        "Number": {"precision": str(_DIGITS), "scale": "0", "required": "false", "unique": "false"},
        "Text": {"length": str(_TEXT_LENGTH), "required": "false", "unique": "false"},
        "Checkbox": {"defaultValue": "false"},
        "DateTime": {"required": "false"},
        "Picklist": {"required": "false", "valueSet": _value_set(values)},
    }
    return _custom_field(
        {
            "fullName": name,
            "description": _WRITTEN_BY,
            "externalId": "false",
            "inlineHelpText": known.help,
            "label": known.label,
            "type": known.type,
            **shapes[known.type],
        }
    )


def key_file(name: str) -> str:
    """Return the metadata of a key: a unique external id that tells upper from lower case."""
    return _custom_field(
        {
            "fullName": name,
            "caseSensitive": "true",
            "description": _WRITTEN_BY,
            "externalId": "true",
            "inlineHelpText": _KEY_HELP,
            "label": "Touchline Key",
            "length": str(KEY_LENGTH),
            "required": "false",
            "type": "Text",
            "unique": "true",
        }
    )


def _custom_field(parts: Mapping[str, str | Sequence[Element]]) -> str:
    return document("CustomField", [(name, parts[name]) for name in ORDER if name in parts])


def _value_set(values: Sequence[str]) -> Sequence[Element]:
    listed: list[Element] = [
        ("value", [("fullName", value), ("default", "false"), ("label", value)]) for value in values
    ]
    return [
        ("restricted", truth(True)),
        ("valueSetDefinition", [("sorted", truth(False)), *listed]),
    ]
