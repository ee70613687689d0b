"""Values in two forms: the plan's canonical text, and JSON as the CRM gives and takes it (I7)."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from orchestration.crm.schema import FieldSchema
from orchestration.writeback.refusals import NUMBER_TYPES

#: Salesforce trims them all, at both ends of a text.
_BLANKS = " \t\n\r"

#: Ids come with 15 characters or 18, which say the same.
ID_TYPES, ID_LENGTH = frozenset({"id", "reference"}), 15

#: How a withheld text stands in the plan and in the ledger.
_LENGTH = re.compile(r"(\d+) characters?")


def as_json(text: str | None, field_type: str) -> object:
    """Return a canonical text as JSON takes it; None clears the field."""
    if text is None:
        return None
    if field_type in NUMBER_TYPES:
        return float(text) if "." in text else int(text)
    if field_type == "boolean":
        return text == "true"
    return text


def as_text(schema: FieldSchema, found: Any) -> str | None:
    """Return what the CRM answered as canonical text, at the field's precision.

    The same precision as that of the SQL in `comparison`, which this must agree with.
    """
    if schema.type == "boolean":
        return "true" if found else "false"
    if found is None:
        return None
    if schema.type in NUMBER_TYPES:
        return _number(schema, str(found))
    if schema.type == "datetime":
        # 2026-10-22T21:03:23.000+0000: Salesforce answers in UTC, always.
        return f"{str(found)[:19]}Z"
    text = str(found)
    if schema.type == "textarea":
        text = text.replace("\r", "")
    if schema.type == "email":
        text = text.lower()
    return text.strip(_BLANKS) or None


def holds(schema: FieldSchema, found: Any, text: str | None) -> bool:
    """Whether what the CRM answered is this canonical text, at the field's precision."""
    if schema.type == "boolean":
        return as_text(schema, found) == (text or "false")
    if schema.type in ID_TYPES and found and text:
        return bool(str(found)[:ID_LENGTH] == text[:ID_LENGTH])
    ours = text
    if text is not None:
        ours = _number(schema, text) if schema.type in NUMBER_TYPES else as_text(schema, text)
    return as_text(schema, found) == ours


def is_length(text: str | None) -> bool:
    """Whether it stands for a withheld text."""
    return _LENGTH.fullmatch(text or "") is not None


def holds_withheld(schema: FieldSchema, found: Any, text: str | None) -> bool:
    """Whether it is a text of the length that stands for a withheld one in the ledger."""
    length, held = _LENGTH.fullmatch(text or ""), as_text(schema, found)
    return bool(length and held is not None and len(held) == int(length.group(1)))


def _number(schema: FieldSchema, text: str) -> str | None:
    try:
        number = Decimal(text).quantize(Decimal(1).scaleb(-schema.scale), ROUND_HALF_UP)
    except InvalidOperation:
        return None
    return str(abs(number) if number == 0 else number)
