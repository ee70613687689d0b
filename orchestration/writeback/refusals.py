"""What is refused before any write: a mapping held against the org and the marts (I4)."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from orchestration.crm.schema import FieldSchema, ObjectSchema
from orchestration.writeback.mapping import FieldMapping, Mapping, MappingError, Problem
from orchestration.writeback.setup_paths import field_access, new_field

TEXT_TYPES = frozenset({"string", "textarea", "email", "url", "phone", "picklist", "combobox"})
NUMBER_TYPES = frozenset({"double", "int", "currency", "percent"})
WRITABLE_TYPES = TEXT_TYPES | NUMBER_TYPES | {"boolean", "date", "datetime"}

#: With state and country picklists these texts are filled by Salesforce from the code fields.
_CODE_FIELDS: MappingOf[str, str] = {
    "MailingCountry": "MailingCountryCode",
    "OtherCountry": "OtherCountryCode",
    "Country": "CountryCode",
}

#: Salesforce works these out itself, from what is written elsewhere.
_DERIVED: MappingOf[str, tuple[str, str]] = {
    "HasResponded": (
        "is set by Salesforce from the status of a campaign member",
        "Say `campaign_members: {fill: true}`: the status is written.",
    ),
    "LastActivityDate": (
        "is set by Salesforce from the activities of the record",
        "Log activities (`activities:`), or map to a date field of your own.",
    ),
    "IsEmailBounced": (
        "is set by Salesforce from EmailBouncedReason",
        "Map to a checkbox of your own.",
    ),
}

#: Types that get a remedy of their own; every other unwritable type gets the general one.
_TYPE_REMEDIES: MappingOf[str, tuple[str, str]] = {
    "multipicklist": (
        "is a multi-select picklist, where one value would replace several",
        "Map to a text field or to a single-select picklist.",
    ),
    "reference": (
        "is a lookup, which holds a record id and no metric",
        "Map to a text field instead.",
    ),
}

_NUMERIC_COLUMNS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE")


@dataclass(frozen=True, slots=True)
class Target:
    """A mapped field together with what the org says about it."""

    mapping: FieldMapping
    schema: FieldSchema


@dataclass(frozen=True, slots=True)
class CheckedMapping:
    """The mapping as this org takes it. `notes`: optional fields that were left out."""

    targets: MappingOf[str, tuple[Target, ...]]
    notes: tuple[str, ...]


def check_mapping(
    mapping: Mapping,
    schemas: MappingOf[str, ObjectSchema],
    columns: MappingOf[str, MappingOf[str, str]] | None = None,
) -> CheckedMapping:
    """Hold the mapping against the org's describes and, if given, the marts' columns.

    `columns`: object to {column: DuckDB type} of crm.contact_fields and crm.lead_fields.

    Raises:
        MappingError: something may not or cannot be written; all problems at once.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    targets: dict[str, tuple[Target, ...]] = {}
    for name, fields in mapping.objects.items():
        visible = schemas[name].fields if name in schemas else {}
        kept: list[Target] = []
        for field in fields:
            schema = visible.get(field.field)
            if schema is None and field.optional:
                notes.append(f"{name}.{field.field} is not visible in this org: left out")
                continue
            found = list(_refusals(name, field, visible))
            if schema is not None and columns is not None:
                found += _column_refusals(field, schema, columns.get(name, {}))
            problems += [mapping.problem(name, field, *refusal) for refusal in found]
            if schema is not None:
                kept.append(Target(field, schema))
        targets[name] = tuple(kept)
    if problems:
        raise MappingError(problems)
    return CheckedMapping(targets, tuple(notes))


def _refusals(
    name: str, field: FieldMapping, visible: MappingOf[str, FieldSchema]
) -> Iterator[tuple[str, str]]:
    """Yield (reason, remedy) for all that the field's describe rules out."""
    schema = visible.get(field.field)
    if field.field in _DERIVED:
        yield _DERIVED[field.field]
        return
    if field.field in _CODE_FIELDS:
        yield (
            "is filled by Salesforce from its code field",
            f"Map to {_CODE_FIELDS[field.field]} instead.",
        )
        return
    if schema is None:
        same = [known for known in visible if known.lower() == field.field.lower()]
        if same:
            yield "is written otherwise than the org writes it", f"Write {same[0]}."
            return
        yield (
            "is unknown to the org, or hidden from the user that Touchline logs in as",
            new_field(name, field.field),
        )
        return
    if schema.is_calculated:
        yield "is calculated by Salesforce", "Map to a field that can be edited."
        return
    if "Campaign" in schema.references:
        yield (
            "is a lookup to a campaign, which takes no metric",
            "Say `campaign_members: {fill: true}`: what came of a sequence goes to the members.",
        )
        return
    if schema.type not in WRITABLE_TYPES:
        yield _TYPE_REMEDIES.get(
            schema.type,
            (
                f"has the type {schema.type}, which takes no metric",
                "Map to a field of another type.",
            ),
        )
        return
    if not schema.is_updateable:
        yield (
            "cannot be edited by the user that Touchline logs in as",
            f"{field_access(name, field.field)} Or map to another field.",
        )
    yield from _value_refusals(field, schema)


def _value_refusals(field: FieldMapping, schema: FieldSchema) -> Iterator[tuple[str, str]]:
    if schema.type == "picklist":
        if field.default is None:
            yield (
                "is a picklist without a default in the mapping",
                "Add `default:` with the value that stands in for one the picklist lacks.",
            )
        elif field.default not in schema.active_values:
            yield (
                f"has no active value {field.default!r}",
                f"Use one of: {', '.join(schema.active_values)}.",
            )
        if field.metric.endswith("_tags"):
            yield "is a picklist, and tags are free text", "Map tags to a text field."
    elif field.default is not None:
        yield "is no picklist and takes no default", "Remove `default:`."
    if field.clears and not schema.is_nillable:
        yield "cannot be empty", "Remove `clears: true`."
    if field.policy == "opt_out" and schema.type != "boolean":
        yield "is no checkbox, and opt_out needs one", "Map to a checkbox, or use another policy."
    if field.policy == "fill_blank" and schema.type == "boolean":
        yield "is a checkbox, which is never blank", "Use the policy owned or opt_out."
    if field.policy == "never_decrease" and schema.type not in NUMBER_TYPES:
        yield "is no number, and never_decrease needs one", "Use the policy owned."


def _column_refusals(
    field: FieldMapping, schema: FieldSchema, columns: MappingOf[str, str]
) -> list[tuple[str, str]]:
    if field.column not in columns:
        return [
            (
                f"no metric {field.column} is computed",
                f"Use one of: {', '.join(sorted(columns.keys() - {'crm_id'}))}.",
            )
        ]
    column = columns[field.column]
    if _fits(schema.type, column):
        return []
    return [
        (
            f"is of the type {schema.type}, and the metric {field.column} is {column.lower()}",
            "Map the metric to a field of a matching type.",
        )
    ]


def _fits(field_type: str, column: str) -> bool:
    if field_type == "boolean":
        return column == "BOOLEAN"
    if field_type in NUMBER_TYPES:
        return column.startswith((*_NUMERIC_COLUMNS, "DECIMAL", "UINTEGER", "UBIGINT"))
    if field_type in ("date", "datetime"):
        return column.startswith(("TIMESTAMP", "DATE")) and "TIME ZONE" not in column
    if field_type == "picklist":
        return column == "VARCHAR"
    return True
