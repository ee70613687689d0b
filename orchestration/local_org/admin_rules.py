"""The back door to what an admin of the org sets: rules, rights, clock and limit."""

from typing import Any

from orchestration.local_org import org_rules
from orchestration.local_org.admin import bad
from orchestration.local_org.calls import Call, Reply
from orchestration.local_org.org_rules import Rules
from orchestration.local_org.schema import NUMBER_TYPES, Schema


def get(call: Call) -> Reply:
    """Return the rules in force."""
    return Reply(content=call.org.rules.body())


def replace(call: Call) -> Reply:
    """Set all rules; what is not given is as it was delivered."""
    return _set(call, call.record())


def change(call: Call) -> Reply:
    """Set some rules; the others stay."""
    return _set(call, {**call.org.rules.body(), **call.record()})


def _set(call: Call, data: dict[str, Any]) -> Reply:
    try:
        rules = org_rules.read(data)
        _check_names(call.org.full_schema, rules)
        _check_orders(call.org.full_schema, rules)
    except (TypeError, ValueError) as error:
        raise bad(str(error)) from error
    with call.org.store.writing() as connection:
        call.org.set_rules(connection, rules)
    return get(call)


def _check_orders(schema: Schema, rules: Rules) -> None:
    """Refuse to compare what has no order: numbers with text."""
    for rule in rules.validation_rules:
        sobject = schema.find(rule.object)
        found = sobject.find(rule.field) if sobject else None
        is_number = found is not None and found.type in NUMBER_TYPES
        is_ordering = rule.operator in {"greater_than", "less_than"}
        if is_ordering and is_number != isinstance(rule.value, int | float):
            raise ValueError(f"{rule.object}.{rule.field} cannot be compared with {rule.value!r}")


def _check_names(schema: Schema, rules: Rules) -> None:
    """Refuse names that the org does not have: such a rule would never do anything."""
    pairs = [(name, each) for name, fields in rules.read_only_fields.items() for each in fields]
    pairs += [(each.object, each.field) for each in rules.validation_rules]
    for name in (*rules.inactive_values, *rules.allowed_values):
        owner, _, each = name.partition(".")
        pairs.append((owner, each))
    for name in (*rules.object_access, *rules.duplicate_rules):
        pairs.append((name, "Id"))
    for name in rules.assignment_rules:
        pairs.append((name, "OwnerId"))
    for name, each in pairs:
        sobject = schema.find(name)
        found = sobject.find(each) if sobject else None
        if sobject is None or found is None or (sobject.name, found.name) != (name, each):
            raise ValueError(f"The org has no field {name}.{each}; names mind their case here.")
