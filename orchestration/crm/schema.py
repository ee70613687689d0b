"""What a CRM object's describe says about its fields, parsed once into typed values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field as the current login sees it. `length` is 0 where the type has none."""

    name: str
    label: str
    type: str
    length: int
    precision: int
    scale: int
    active_values: tuple[str, ...]
    is_updateable: bool
    is_createable: bool
    is_nillable: bool
    is_calculated: bool
    is_filterable: bool


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object and the fields of it that the current login may see."""

    name: str
    fields: Mapping[str, FieldSchema]


def parse_describe(payload: Mapping[str, Any]) -> ObjectSchema:
    """Read a Salesforce describe; fields hidden from the login are simply absent from it."""
    return ObjectSchema(
        name=payload["name"],
        fields={field["name"]: _parse_field(field) for field in payload["fields"]},
    )


def _parse_field(field: Mapping[str, Any]) -> FieldSchema:
    return FieldSchema(
        name=field["name"],
        label=field.get("label") or field["name"],
        type=field["type"],
        length=field.get("length") or 0,
        # Whole numbers (`int`) tell their size in `digits`, all others in `precision`.
        precision=field.get("precision") or field.get("digits") or 0,
        scale=field.get("scale") or 0,
        active_values=tuple(
            item["value"] for item in field.get("picklistValues") or () if item["active"]
        ),
        is_updateable=field["updateable"],
        is_createable=field["createable"],
        is_nillable=field["nillable"],
        is_calculated=field["calculated"],
        is_filterable=field.get("filterable", True),
    )
