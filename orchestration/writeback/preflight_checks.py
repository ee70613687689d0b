"""What the preflight checks: pure functions over describes, limits and the mapping."""

from collections.abc import Callable, Collection, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from typing import Literal

from orchestration.crm.client import Limits, Operation
from orchestration.crm.schema import FieldSchema, ObjectSchema
from orchestration.crm.snapshot import FIELDS
from orchestration.writeback.mapping import Mapping, MappingError
from orchestration.writeback.refusals import check_mapping
from orchestration.writeback.setup_paths import field_access, new_field, object_access, values_of

Check = Literal[
    "login", "limits", "objects", "fields", "creations", "keys", "picklists", "privacy", "history"
]
Severity = Literal["ok", "warning", "problem"]

#: What Touchline fills on records that it creates, besides the mapped fields and defaults.
_FILLED: MappingOf[str, frozenset[str]] = {
    "Contact": frozenset({"LastName", "FirstName", "Email"}),
    "Lead": frozenset({"LastName", "FirstName", "Email"}),
    "Task": frozenset({"Subject", "Status", "WhoId", "OwnerId"}),
    "EmailMessage": frozenset({"Subject", "Status", "MessageDate", "FromAddress", "ToAddress"}),
    "EmailMessageRelation": frozenset({"EmailMessageId", "RelationId", "RelationType"}),
    "CampaignMember": frozenset({"CampaignId", "ContactId", "LeadId", "Status"}),
}

#: Without these, mail is logged as tasks.
_ENHANCED_EMAIL = frozenset({"EmailMessage", "EmailMessageRelation"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found about one subject, and what to do about it in Salesforce or here."""

    check: Check
    severity: Severity
    subject: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        """Read as one line."""
        return f"{self.subject}: {self.found.rstrip('.')}. {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the checks look at; `preflight` says what each part means."""

    mapping: Mapping
    objects: MappingOf[str, frozenset[Operation]]
    schemas: MappingOf[str, ObjectSchema]
    limits: Limits | None
    calls_needed: int
    is_planned: bool
    earlier: MappingOf[str, ObjectSchema]
    columns: MappingOf[str, MappingOf[str, str]] | None
    vocabularies: MappingOf[str, Collection[str]]

    def field(self, object_name: str, name: str) -> FieldSchema | None:
        """Return a field, if the login sees it."""
        schema = self.schemas.get(object_name)
        return schema.fields.get(name) if schema else None


def check_limits(facts: Facts) -> Iterator[Finding]:
    """K3: the calls to come leave the reserve of the day's calls untouched."""
    if facts.limits is None:
        return
    left, daily = facts.limits.daily_calls_left, facts.limits.daily_calls
    reserve = int(daily * facts.mapping.sections.limits.api_reserve_share)
    told = f"{left:,} of {daily:,} left, {facts.calls_needed:,} needed, {reserve:,} in reserve"
    if left - facts.calls_needed >= reserve:
        yield Finding("limits", "ok", "daily API calls", told)
        return
    yield Finding(
        "limits",
        "problem",
        "daily API calls",
        told,
        "Wait: calls come back over 24 hours, and Setup > System Overview shows who uses them. Or "
        "lower limits.api_reserve_share in the mapping.",
    )


def check_objects(facts: Facts) -> Iterator[Finding]:
    """K8: each object is visible, and the login may do to it what is to be done."""
    for name, operations in facts.objects.items():
        schema = facts.schemas.get(name)
        needed = {
            "update": (schema is None or schema.is_updateable, "Edit"),
            "create": (schema is None or schema.is_createable, "Create"),
            "delete": (schema is None or schema.is_deletable, "Delete"),
        }
        lacking = [needed[each][1] for each in sorted(operations) if not needed[each][0]]
        if name in _ENHANCED_EMAIL and (schema is None or not schema.is_createable):
            yield _no_enhanced_email(facts, name, schema)
        elif schema is None:
            is_written = facts.is_planned or bool(operations)
            yield Finding(
                "objects",
                "problem" if is_written else "warning",
                name,
                "is not there, or hidden from the user that Touchline logs in as",
                object_access(name, ["Read", *(needed[each][1] for each in sorted(operations))]),
            )
        elif lacking:
            found = f"the login may not {' or '.join(lacking).lower()} records of it"
            yield Finding("objects", "problem", name, found, object_access(name, lacking))
        else:
            may = ", ".join(["read", *sorted(operations)])
            yield Finding("objects", "ok", name, f"the login may {may} it")


def _no_enhanced_email(facts: Facts, name: str, schema: ObjectSchema | None) -> Finding:
    lacks = "is not there" if schema is None else "takes no new records from this login"
    return Finding(
        "objects",
        "problem" if facts.is_planned else "warning",
        name,
        f"{lacks}: "
        + ("the plan has some to write" if facts.is_planned else "mail is logged as tasks instead"),
        "Setup > Enhanced Email: enable it, or say `log: task` under activities in the mapping.",
    )


def check_fields(facts: Facts) -> Iterator[Finding]:
    """I4: every mapped field is there, may be written, and takes its metric."""
    mapped = {
        name: fields for name, fields in facts.mapping.objects.items() if name in facts.schemas
    }
    unfit: set[str] = set()
    try:
        check_mapping(replace(facts.mapping, objects=mapped), facts.schemas, facts.columns)
    except MappingError as error:
        for each in error.problems:
            unfit.add(each.value.split(".")[0])
            found = f"{each.reason} ({each.file}:{each.line})"
            yield Finding("fields", "problem", each.value, found, each.remedy)
    for name, fields in mapped.items():
        for field in fields:
            if field.optional and facts.field(name, field.field) is None:
                yield Finding(
                    "fields",
                    "warning",
                    f"{name}.{field.field}",
                    "is optional, and not visible: it is left out",
                    field_access(name, field.field),
                )
        if fields and name not in unfit:
            yield Finding("fields", "ok", name, f"{len(fields)} mapped fields are checked")


def check_creations(facts: Facts) -> Iterator[Finding]:
    """H5, I3: records that we create get all that the org requires, and all that is mapped."""
    creation = facts.mapping.sections.create_missing
    for name, operations in facts.objects.items():
        schema = facts.schemas.get(name)
        if schema is None or "create" not in operations:
            continue
        defaults = creation.defaults if creation and creation.object == name else {}
        mapped = {field.field for field in facts.mapping.objects.get(name, ())}
        given = _FILLED.get(name, frozenset()) | defaults.keys() | mapped
        yield from _unfilled(schema, given)
        for default, value in defaults.items():
            yield from _check_default(name, default, value, schema.fields.get(default))
        for target in sorted(mapped & schema.fields.keys()):
            if not schema.fields[target].is_createable:
                yield Finding(
                    "creations",
                    "problem",
                    f"{name}.{target}",
                    "cannot be set on creation",
                    field_access(name, target),
                )


def _unfilled(schema: ObjectSchema, given: Collection[str]) -> Iterator[Finding]:
    for field in schema.fields.values():
        if not _is_required(field) or field.name in given:
            continue
        remedy = f"Give it a default: {values_of(schema.name, field.label)}."
        if schema.name in ("Contact", "Lead"):
            remedy = f"Name a value under create_missing.defaults in the mapping. Or: {remedy}"
        yield Finding(
            "creations",
            "problem",
            f"{schema.name}.{field.name}",
            "is required on creation, and nothing fills it",
            remedy,
        )


def _is_required(field: FieldSchema) -> bool:
    return (
        field.is_createable
        and not field.is_nillable
        and not field.is_defaulted_on_create
        and field.type != "boolean"
    )


def _check_default(
    name: str, default: str, value: object, field: FieldSchema | None
) -> Iterator[Finding]:
    subject = f"{name}.{default}"
    if field is None or not field.is_createable:
        found = "has a default in create_missing, and cannot be set on creation"
        yield Finding("creations", "problem", subject, found, field_access(name, default))
    elif field.type == "picklist" and str(value) not in field.active_values:
        yield Finding(
            "creations",
            "problem",
            subject,
            f"has no active value {str(value)!r}, which create_missing gives it",
            f"Use one of: {', '.join(field.active_values)}.",
        )


def check_keys(facts: Facts) -> Iterator[Finding]:
    """K4: what we create carries a key that the org keeps unique; J3: counts have fields."""
    sections = facts.mapping.sections
    keys = {
        ("EmailMessage", sections.activities.key_field): sections.activities.log == "email_message",
        ("Task", sections.activities.key_field): sections.activities.log != "off",
        ("Task", sections.tasks.key_field): bool(sections.tasks.kinds),
    }
    for (name, key), is_used in keys.items():
        if is_used and name in facts.schemas:
            yield _check_key(name, key, facts.field(name, key))
    for target in sections.activities.count_fields() if "EmailMessage" in facts.schemas else ():
        field = facts.field("EmailMessage", target)
        if field is None or not (field.is_updateable and field.is_createable):
            yield Finding(
                "keys",
                "problem",
                f"EmailMessage.{target}",
                "is unknown, or cannot be edited by the user that Touchline logs in as",
                f"{new_field('EmailMessage', target)} Or set it to null under activities.",
            )


def _check_key(name: str, key: str, field: FieldSchema | None) -> Finding:
    subject = f"{name}.{key}"
    if field is None:
        found = "the key field is unknown to the org, or hidden"
        return Finding("keys", "problem", subject, found, new_field(name, key))
    if field.type != "string" or not (field.is_external_id and field.is_unique):
        return Finding(
            "keys",
            "problem",
            subject,
            "the key field is no unique external id of the type Text",
            f"{values_of(name, field.label)} > Edit: External ID, and Do not allow duplicate "
            f"values.",
        )
    if not field.is_createable:
        found = "the key field cannot be set by the user that Touchline logs in as"
        return Finding("keys", "problem", subject, found, field_access(name, key))
    return Finding("keys", "ok", subject, "is a unique external id")


def check_picklists(facts: Facts) -> Iterator[Finding]:
    """I4: a value that a picklist lacks is written as the default, so it is told before."""
    for name, fields in facts.mapping.objects.items():
        for mapped in fields:
            field = facts.field(name, mapped.field)
            if field is None or field.type != "picklist" or mapped.default is None:
                continue
            wanted = facts.vocabularies.get(mapped.column, ())
            lacking = [value for value in wanted if value not in field.active_values]
            subject = f"{name}.{mapped.field}"
            if lacking:
                yield Finding(
                    "picklists",
                    "warning",
                    subject,
                    f"lacks {', '.join(lacking)}: {mapped.default} is written instead",
                    f"{values_of(name, field.label)} > Values > New.",
                )
            elif wanted:
                found = f"has all {len(wanted)} values that may be written"
                yield Finding("picklists", "ok", subject, found)


def check_privacy(facts: Facts) -> Iterator[Finding]:
    """D9: opt-outs and "Don't Track" are only honoured where the login sees them."""
    for name in ("Contact", "Lead"):
        schema = facts.schemas.get(name)
        if schema is None:
            continue
        if "HasOptedOutOfEmail" in schema.fields:
            yield Finding("privacy", "ok", f"{name}.HasOptedOutOfEmail", "is visible")
        else:
            yield Finding(
                "privacy",
                "warning",
                f"{name}.HasOptedOutOfEmail",
                "is hidden: opt-outs in Salesforce are not seen",
                field_access(name, "HasOptedOutOfEmail"),
            )
    if "Individual" not in facts.objects:
        return
    hidden = [
        f"{name}.{field}"
        for name, field in (
            ("Individual", "HasOptedOutTracking"),
            ("Contact", "IndividualId"),
            ("Lead", "IndividualId"),
        )
        if facts.field(name, field) is None
    ]
    if hidden:
        yield Finding(
            "privacy",
            "warning",
            "Don't Track",
            f"{', '.join(hidden)} cannot be seen: nobody counts as wanting no tracking",
            "Setup > Data Protection and Privacy > Edit: Make data protection details available "
            f"in records. {field_access('Individual', 'HasOptedOutTracking')}",
        )
    else:
        yield Finding("privacy", "ok", "Don't Track", "is visible")


def check_history(facts: Facts) -> Iterator[Finding]:
    """I4: what the last snapshot saw of a field that we use is still so."""
    used = facts.mapping.target_fields()
    for name, before in facts.earlier.items():
        now = facts.schemas.get(name)
        if now is None:
            continue
        for field in sorted({*FIELDS.get(name, ()), *used.get(name, ())} & before.fields.keys()):
            old, new = before.fields[field], now.fields.get(field)
            if new is None:
                yield Finding(
                    "history",
                    "warning",
                    f"{name}.{field}",
                    "was visible at the last snapshot, and is not any more",
                    f"Setup > View Setup Audit Trail shows who changed it. "
                    f"{field_access(name, field)}",
                )
            elif new.type != old.type or new.length < old.length:
                yield Finding(
                    "history",
                    "warning",
                    f"{name}.{field}",
                    f"was {_kind(old)} at the last snapshot, and is {_kind(new)} now",
                    "Setup > View Setup Audit Trail shows who changed it.",
                )


def _kind(field: FieldSchema) -> str:
    return f"{field.type}({field.length})" if field.length else field.type


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    check_limits,
    check_objects,
    check_fields,
    check_creations,
    check_keys,
    check_picklists,
    check_privacy,
    check_history,
)
