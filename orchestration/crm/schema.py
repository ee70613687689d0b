"""What a CRM object's describe says about its fields, parsed once into typed values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field as the current login sees it. `length` is 0 where the type has none.

    `references`: the objects that a lookup points to.
    """

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
    is_external_id: bool = False
    is_unique: bool = False
    is_case_sensitive: bool = False
    is_restricted: bool = False
    is_defaulted_on_create: bool = False
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object and the fields of it that the current login may see.

    The flags say what the login may do to records of it.
    """

    name: str
    fields: Mapping[str, FieldSchema]
    is_createable: bool = True
    is_updateable: bool = True
    is_deletable: bool = True


def parse_describe(payload: Mapping[str, Any]) -> ObjectSchema:
    """Read a Salesforce describe; fields hidden from the login are simply absent from it."""
    return ObjectSchema(
        name=payload["name"],
        fields={field["name"]: _parse_field(field) for field in payload["fields"]},
        is_createable=payload.get("createable", True),
        is_updateable=payload.get("updateable", True),
        is_deletable=payload.get("deletable", True),
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
        is_external_id=field.get("externalId", False),
        is_unique=field.get("unique", False),
        is_case_sensitive=field.get("caseSensitive", False),
        is_restricted=field.get("restrictedPicklist", False),
        is_defaulted_on_create=field.get("defaultedOnCreate", False),
        references=tuple(field.get("referenceTo") or ()),
    )
