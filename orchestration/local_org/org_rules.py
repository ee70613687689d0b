"""What an admin of this org has set: rules, permissions, its clock and its limit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

ACTIONS = frozenset({"read", "create", "update", "delete"})
_OPERATORS = frozenset(
    {"equals", "not_equals", "contains", "longer_than", "greater_than", "less_than", "is_null"}
)
_LISTS = ("duplicate_rules", "read_only_records")


@dataclass(frozen=True)
class ValidationRule:
    """A record is refused with `message` if its field, after the write, meets the condition."""

    object: str
    field: str
    operator: str
    message: str
    value: str | float | bool | None = None

    def refuses(self, row: Mapping[str, Any]) -> bool:
        """Whether a record as it would be after the write breaks the rule."""
        found = row.get(self.field)
        if found is None or self.operator == "is_null":
            return (found is None) == (self.operator in {"is_null", "not_equals"})
        if self.operator in {"greater_than", "less_than"}:
            is_greater = bool(found > self.value)  # numbers, or times as the org writes them
            return bool(found != self.value) and is_greater == (self.operator == "greater_than")
        if self.operator == "longer_than":
            return len(str(found)) > int(self.value or 0)
        if self.operator == "contains":
            return str(self.value).lower() in str(found).lower()
        return bool(found == self.value) == (self.operator == "equals")


@dataclass(frozen=True)
class Rules:
    """Everything that may be set; the defaults are an org that allows all.

    `duplicate_rules` names objects; `object_access` says what of read, create, update and delete
    the API user may do with an object. Under "Object.Field", `inactive_values` lists what describe
    calls inactive, and `allowed_values` what a record type leaves of a picklist: describe does not
    know of that. `assignment_rules` says by object which user a rule makes the owner.
    """

    api_limit: int | None = None
    clock_skew_seconds: float = 0.0
    late_seconds: float = 0.0
    enhanced_email: bool = True
    duplicate_rules: tuple[str, ...] = ()
    validation_rules: tuple[ValidationRule, ...] = ()
    read_only_fields: Mapping[str, list[str]] = field(default_factory=dict)
    object_access: Mapping[str, list[str]] = field(default_factory=dict)
    inactive_values: Mapping[str, list[str]] = field(default_factory=dict)
    allowed_values: Mapping[str, list[str]] = field(default_factory=dict)
    read_only_records: tuple[str, ...] = ()
    assignment_rules: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the rules as JSON says them."""
        return asdict(self)


def read(data: Mapping[str, Any]) -> Rules:
    """Return the rules that a JSON object describes; what it leaves out is as it was delivered.

    Raises:
        ValueError: an unknown key or word.
    """
    known = {each.name for each in fields(Rules)}
    if unknown := sorted(set(data) - known):
        raise ValueError(f"No such rule: {', '.join(unknown)}. Use {', '.join(sorted(known))}.")
    lists = {name: tuple(data[name]) for name in _LISTS if name in data}
    checks = tuple(_validation(each) for each in data.get("validation_rules", ()))
    rules = Rules(**{**data, **lists, "validation_rules": checks})
    for name, actions in rules.object_access.items():
        if wrong := sorted(set(actions) - ACTIONS):
            raise ValueError(f"{name}: no such right: {', '.join(wrong)}")
    return rules


def _validation(data: Mapping[str, Any]) -> ValidationRule:
    rule = ValidationRule(**data)
    if rule.operator not in _OPERATORS:
        raise ValueError(f"operator must be one of {', '.join(sorted(_OPERATORS))}")
    if rule.operator == "longer_than" and not isinstance(rule.value, int):
        raise ValueError("longer_than needs a whole number as value")
    return rule
