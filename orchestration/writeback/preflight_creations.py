"""The preflight's checks of what Touchline creates: people, activities, campaign members."""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from orchestration.crm.schema import FieldSchema, ObjectSchema
from orchestration.writeback.email_messages import MAIL_STATUSES
from orchestration.writeback.package_fields import KEY_LENGTH
from orchestration.writeback.preflight_facts import Facts, Finding, Severity
from orchestration.writeback.refusals import NUMBER_TYPES
from orchestration.writeback.setup_paths import field_access, new_field, values_of
from orchestration.writeback.tasks import DONE, MAIL_SUBTYPE, NOT_STARTED

#: What makes no sense without, of records that Touchline creates, and what it fills besides.
_ESSENTIAL: MappingOf[str, tuple[str, ...]] = {
    "Contact": ("LastName", "Email"),
    "Lead": ("LastName", "Email", "Company"),
    "Task": ("Subject", "Status", "WhoId"),
    "EmailMessage": ("Subject", "Status", "MessageDate"),
    "EmailMessageRelation": ("EmailMessageId", "RelationId", "RelationType"),
    "CampaignMember": ("CampaignId", "ContactId", "LeadId", "Status"),
}
_FILLED: MappingOf[str, tuple[str, ...]] = {
    "Contact": ("FirstName", "OwnerId"),
    "Lead": ("FirstName", "OwnerId"),
    "Task": ("OwnerId", "ActivityDate", "Description"),
    "EmailMessage": (
        "TextBody", "HtmlBody", "FromAddress", "ToAddress", "Incoming", "MessageIdentifier",
        "ThreadIdentifier", "RelatedToId",
    ),
}  # fmt: skip


#: The keys of the section `activities` that name fields for figures.
_COUNTS = ("open_count", "click_count", "clicked_at")


def check_creations(facts: Facts) -> Iterator[Finding]:
    """H5, J2: what Touchline fills on new records may be filled, and the org requires no more."""
    creation = facts.mapping.sections.create_missing
    for name, operations in facts.objects.items():
        schema = facts.schemas.get(name)
        if schema is None or not schema.is_createable or "create" not in operations:
            continue
        defaults = creation.defaults if creation and creation.object == name else {}
        constants = [(field, text) for where, field, text in _constants(facts) if where == name]
        essential = dict.fromkeys((*_ESSENTIAL.get(name, ()), *(field for field, _ in constants)))
        for field in essential:
            yield from _check_filled(schema, field, "problem", "are not created")
        for field, constant in constants:
            yield from _check_constant(facts, schema, field, constant)
        for field in _FILLED.get(name, ()):
            yield from _check_filled(schema, field, "warning", "are created without it")
        given = {*essential, *_FILLED.get(name, ()), *defaults}
        yield from _unfilled(schema, given)
        for default, value in defaults.items():
            for found in _check_default(name, default, value, schema.fields.get(default)):
                yield _said(facts, "create_missing", "defaults", found)
        if name == "Lead" and "Company" not in defaults:
            yield Finding(
                "creations",
                "warning",
                "Lead.Company",
                "is filled with the domain of the address: who writes from a free mail provider "
                "is not created",
                "Name a value for them under create_missing.defaults in the mapping.",
            )


def _constants(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Tell which values Touchline gives to whatever it creates: object, field and value."""
    sections = facts.mapping.sections
    if sections.activities.log == "email_message":
        yield from (("EmailMessage", "Status", value) for value in MAIL_STATUSES)
    if sections.activities.log != "off":
        yield ("Task", "TaskSubtype", MAIL_SUBTYPE)
    if sections.activities.log != "off" or sections.tasks.kinds:
        yield ("Task", "Status", DONE)
    if sections.tasks.kinds:
        yield ("Task", "Status", NOT_STARTED)


def _check_constant(facts: Facts, schema: ObjectSchema, name: str, value: str) -> Iterator[Finding]:
    field = schema.fields.get(name)
    if field and field.active_values and value not in field.active_values:
        yield Finding(
            "creations",
            # A plan leaves such records out by itself, and the others may go.
            "warning" if facts.is_planned else "problem",
            f"{schema.name}.{name}",
            f"has no active value {value!r}: records that need it are not created",
            f"Add it: {values_of(schema.name, field.label)}.",
        )


def _check_filled(
    schema: ObjectSchema, name: str, severity: Severity, what_happens: str
) -> Iterator[Finding]:
    field = schema.fields.get(name)
    if field is None or not field.is_createable:
        found = f"cannot be set by the user that Touchline logs in as: records {what_happens}"
        subject = f"{schema.name}.{name}"
        yield Finding("creations", severity, subject, found, field_access(schema.name, name))


def _unfilled(schema: ObjectSchema, given: Collection[str]) -> Iterator[Finding]:
    for field in schema.fields.values():
        if not field.is_required or field.name in given:
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
    keys: dict[tuple[str, str], str] = {}
    if sections.tasks.kinds:
        keys["Task", sections.tasks.key_field] = "tasks"
    if sections.activities.log != "off":
        keys["Task", sections.activities.key_field] = "activities"
    if sections.activities.log == "email_message":
        keys["EmailMessage", sections.activities.key_field] = "activities"
    for (name, key), section in sorted(keys.items()):
        if name in facts.schemas:
            found = _check_key(name, key, facts.field(name, key))
            yield found if found.severity == "ok" else _said(facts, section, "key_field", found)
    if "EmailMessage" in facts.schemas:
        yield from _check_counts(facts)


def _check_counts(facts: Facts) -> Iterator[Finding]:
    section = facts.mapping.sections.activities
    for said in _COUNTS if section.log == "email_message" else ():
        target = getattr(section, said)
        if target is None:
            continue
        field = facts.field("EmailMessage", target)
        takes = {"datetime"} if said == "clicked_at" else NUMBER_TYPES
        fault = None
        if field is None or not (field.is_updateable and field.is_createable):
            fault = "is unknown, or cannot be edited by the user that Touchline logs in as"
        elif field.type not in takes:
            fault = f"is of the type {field.type}, and takes no such figure"
        if fault:
            remedy = f"{new_field('EmailMessage', target)} Or set it to null under activities."
            found = Finding("keys", "problem", f"EmailMessage.{target}", fault, remedy)
            yield _said(facts, "activities", said, found)


def _said(facts: Facts, section: str, key: str, found: Finding) -> Finding:
    """Add where the mapping says what a finding is about."""
    problem = facts.mapping.section_problem(section, key, found.found, found.remedy)
    return replace(found, found=f"{problem.reason} ({problem.file}:{problem.line})")


def _check_key(name: str, key: str, field: FieldSchema | None) -> Finding:
    subject = f"{name}.{key}"
    if field is None:
        found = "the key field is unknown to the org, or hidden"
        return Finding("keys", "problem", subject, found, new_field(name, key))
    is_key = field.type == "string" and field.is_external_id and field.is_unique
    # Ids in our keys differ by case alone: an org that holds two for one refuses the second.
    if not (is_key and field.is_case_sensitive) or field.length < KEY_LENGTH:
        return Finding(
            "keys",
            "problem",
            subject,
            f"the key field is no unique, case-sensitive external id of the type "
            f"Text({KEY_LENGTH})",
            f"{values_of(name, field.label)} > Edit: External ID, Do not allow duplicate values, "
            f'Treat "ABC" and "abc" as different values, Length {KEY_LENGTH}.',
        )
    if not field.is_createable:
        found = "the key field cannot be set by the user that Touchline logs in as"
        return Finding("keys", "problem", subject, found, field_access(name, key))
    return Finding("keys", "ok", subject, "is a unique external id")
