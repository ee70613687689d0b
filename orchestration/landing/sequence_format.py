"""The neutral sequence format (A5): its fields, for landing's checks and for the JSON Schema."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestration.landing.record_sql import Check

_DATE = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = (
    f"{_DATE}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{{1,9}})?"
    "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
)
_COUNTING_NUMBER = "[1-9][0-9]{0,8}"


def _unlike(pattern: str) -> str:
    # The braces are doubled: the text is a template for `{value}`.
    escaped = pattern.replace("{", "{{").replace("}", "}}")
    return f"not regexp_full_match({{value}}, '{escaped}')"


@dataclass(frozen=True)
class Kind:
    """A kind of value: what the schema says of it, and what landing refuses, as SQL of `{value}`.

    The schema may be stricter about spelling ("7" for 7), but never milder: what it accepts loads.
    """

    schema: Mapping[str, object]
    refused_if: str | None = None
    reason: str = "invalid_value"


TEXT = Kind({"type": "string", "minLength": 1})
IDENTIFIER = Kind({"type": ["string", "integer"], "minLength": 1})
TIME = Kind(
    {"type": "string", "format": "date-time", "pattern": f"^{_TIME}$"},
    f"{_unlike(_TIME)} or try_cast({{value}} as timestamptz) is null",
    "invalid_timestamp",
)
DATE = Kind(
    {"type": "string", "format": "date", "pattern": f"^{_DATE}$"},
    f"{_unlike(_DATE)} or try_cast({{value}} as date) is null",
    "invalid_timestamp",
)
COUNTING_NUMBER = Kind(
    {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    _unlike(f"{_COUNTING_NUMBER}(\\.0+)?"),
)
YES_OR_NO = Kind({"type": "boolean"}, _unlike("true|false"))
BODY_FORMAT = Kind({"type": "string", "enum": ["html", "plain"]}, _unlike("html|plain"))
TEXTS = Kind({"type": "array", "items": {"type": "string"}}, "left({value}, 1) <> '['")
COUNTS = Kind(
    {"type": "object", "additionalProperties": {"type": ["number", "null"]}},
    "left({value}, 1) <> '{{'",
)


@dataclass(frozen=True)
class Field:
    """A field of a record; an optional one may be missing, or null."""

    name: str
    kind: Kind
    meaning: str
    is_required: bool = False

    def schema(self) -> dict[str, object]:
        """Return the property's JSON Schema."""
        kind = dict(self.kind.schema)
        if not self.is_required:
            types = kind["type"]
            kind["type"] = [*(types if isinstance(types, list) else [types]), "null"]
            if isinstance(options := kind.get("enum"), list):
                kind["enum"] = [*options, None]
        return {"description": self.meaning, **kind}

    def check(self, record_type: str) -> Check:
        """Return what landing asks of the field in records of that type."""
        return Check(
            self.name,
            self.kind.refused_if,
            f"'{self.kind.reason}: {self.name}'",
            is_optional=not self.is_required,
            only_for=("record_type", record_type),
        )


def _needs(name: str, kind: Kind, meaning: str) -> Field:
    return Field(name, kind, meaning, is_required=True)


_PLATFORM = _needs("platform", TEXT, "Who told it: outreach, salesloft, …; as in sequence_states.")
_UPDATED_AT = _needs("updated_at", TIME, "When the platform changed it; the newest version counts.")
_COUNTS = Field("platform_counts", COUNTS, "The platform's own counters: kept, never events.")

ENROLLMENT = (
    _PLATFORM,
    _needs("id", IDENTIFIER, "Id of the enrollment, one of a kind over all your platforms."),
    _needs("sequence_id", IDENTIFIER, "Id of the sequence."),
    Field("sequence_name", TEXT, "Its name, as Salesforce shall show it."),
    Field("person_id", IDENTIFIER, "The platform's id of the person."),
    Field("person_email", TEXT, "The address that is written to."),
    Field("crm_record_id", TEXT, "Salesforce id of the Contact or Lead, where it is known."),
    Field("mailbox", TEXT, "Address that the sequence sends from."),
    _needs("platform_state", TEXT, "The state as the platform names it, translated by a seed."),
    Field("state_changed_at", TIME, "Since when the state holds."),
    _needs("enrolled_at", TIME, "When the person was put into the sequence."),
    _UPDATED_AT,
    Field("started_at", TIME, "When the first step began."),
    Field("ended_at", TIME, "When the sequence ended for the person."),
    Field("replied_at", TIME, "The reply that the platform knows of."),
    Field("reply_labels", TEXTS, "What the platform called that reply."),
    Field("bounced_at", TIME, "The bounce that ended it, where the state does not say so."),
    Field("opted_out_at", TIME, "The opt-out that the platform knows of."),
    _COUNTS,
)

MESSAGE = (
    _PLATFORM,
    _needs("id", IDENTIFIER, "The platform's id of the message."),
    _needs("message_id", TEXT, "Message-ID header, with or without angle brackets."),
    Field("provider_message_id", TEXT, "The mail provider's id, as its event logs write it."),
    Field("thread_id", TEXT, "The mailbox's thread id."),
    _needs("enrollment_id", IDENTIFIER, "Id of the enrollment that it was sent for."),
    _needs("sequence_id", IDENTIFIER, "Id of the sequence."),
    Field("step_number", COUNTING_NUMBER, "The step's place in the whole sequence, from 1."),
    _needs("mailbox", TEXT, "Address that it was sent from."),
    _needs("to", TEXT, "Address of the one recipient."),
    Field("subject", TEXT, "Subject."),
    Field("body_text", TEXT, "Text of the mail."),
    Field("format", BODY_FORMAT, "html unless said otherwise; plain text carries no pixel."),
    _needs("sent_at", TIME, "When it was sent. One that was not sent is no message yet."),
    Field("track_opens", YES_OR_NO, "Whether it carries a pixel; unless said, as html does."),
    Field("track_clicks", YES_OR_NO, "Whether its links are tracked; unless said, as html has."),
    _COUNTS,
)

TASK = (
    _PLATFORM,
    _needs("id", IDENTIFIER, "The platform's id of the task."),
    _needs("enrollment_id", IDENTIFIER, "Id of the enrollment whose step it is."),
    Field("sequence_id", IDENTIFIER, "Id of the sequence."),
    Field("step_number", COUNTING_NUMBER, "The step's place in the whole sequence, from 1."),
    _needs("type", TEXT, "What is to be done, in the platform's words: call, linkedin, …"),
    Field("subject", TEXT, "What the task says."),
    Field("mailbox", TEXT, "Mailbox of who has to do it."),
    Field("owner_email", TEXT, "Address of who has to do it, where it is not the mailbox's."),
    Field("due_on", DATE, "The day that it is due."),
    Field("created_at", TIME, "When it came up."),
    _UPDATED_AT,
    Field("completed_at", TIME, "When it was done or skipped on the platform."),
)

RECORD_TYPES: Mapping[str, tuple[Field, ...]] = {
    "enrollment": ENROLLMENT,
    "message": MESSAGE,
    "task": TASK,
}


def checks() -> Iterator[Check]:
    """Yield what landing asks of a record: its type first, and then what that type needs."""
    yield Check(
        "record_type",
        _unlike("|".join(RECORD_TYPES)),
        "'unknown_record_type: ' || left({value}, 100)",
    )
    for record_type, fields in RECORD_TYPES.items():
        for each in fields:
            if each.is_required or each.kind.refused_if:
                yield each.check(record_type)


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of one record."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:touchline:sequence-record",
        "title": "Touchline sequence record",
        "description": "One enrollment, message or task of a sequence platform. Other fields may "
        "be there: they are kept and not read.",
        "type": "object",
        "required": ["record_type"],
        "properties": {"record_type": {"enum": list(RECORD_TYPES)}},
        "allOf": [
            {
                "if": {"properties": {"record_type": {"const": record_type}}},
                "then": {"$ref": f"#/$defs/{record_type}"},
            }
            for record_type in RECORD_TYPES
        ],
        "$defs": {
            record_type: {
                "required": [each.name for each in fields if each.is_required],
                "properties": {each.name: each.schema() for each in fields},
            }
            for record_type, fields in RECORD_TYPES.items()
        },
    }


def published_schema() -> str:
    """Return the text of docs/schemas/sequence-records.schema.json.

    To write it: `python -m orchestration.landing.sequence_format > docs/schemas/…`.
    """
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(published_schema())
