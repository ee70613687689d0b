"""What the preflight checks: pure functions over describes, limits and the mapping."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from orchestration.crm.schema import FieldSchema, ObjectSchema
from orchestration.crm.snapshot import FIELDS
from orchestration.writeback.mapping import MappingError
from orchestration.writeback.preflight_creations import check_creations, check_keys
from orchestration.writeback.preflight_facts import Facts, Finding
from orchestration.writeback.refusals import check_mapping
from orchestration.writeback.setup_paths import field_access, object_access, values_of

#: Without these, mail is logged as tasks.
_ENHANCED_EMAIL = frozenset({"EmailMessage", "EmailMessageRelation"})

_OPT_OUT = "HasOptedOutOfEmail"


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
            if facts.is_planned or name == "EmailMessage":
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
            is_hidden = facts.field(name, field.field) is None
            if field.optional and is_hidden and field.field != _OPT_OUT:
                yield Finding(
                    "fields",
                    "warning",
                    f"{name}.{field.field}",
                    "is optional, and not visible: it is left out",
                    field_access(name, field.field),
                )
        if fields and name not in unfit:
            yield Finding("fields", "ok", name, f"{len(fields)} mapped fields are checked")


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
        if _OPT_OUT in schema.fields:
            yield Finding("privacy", "ok", f"{name}.{_OPT_OUT}", "is visible")
        else:
            yield Finding(
                "privacy",
                "warning",
                f"{name}.{_OPT_OUT}",
                "is hidden: opt-outs are neither seen in Salesforce nor written",
                field_access(name, _OPT_OUT),
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
