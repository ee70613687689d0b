"""The SQL of one cell: values at the CRM's precision, and the rule that decides about it."""

from dataclasses import dataclass

from orchestration.crm.schema import FieldSchema
from orchestration.writeback.refusals import NUMBER_TYPES, TEXT_TYPES, Target

#: The text that both sides are brought to. Space, tab and line ends: Salesforce trims them all.
_BLANKS = "chr(32) || chr(9) || chr(10) || chr(13)"

#: Why most cells are written or left, from both values as text.
PLAIN_REASON = """case
    when decision = 'unchanged' then 'both have ' || coalesce(new_value, 'nothing')
    else
        'Salesforce has ' || coalesce(old_value, 'nothing')
        || ', Touchline computed ' || coalesce(new_value, 'nothing')
end"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One target as the columns `o<n>` (Salesforce), `n<n>` (ours) and `r<n>` (ours, as computed).

    `r<n>` exists for picklists only, where a default may stand in for the computed value.
    """

    target: Target
    number: int

    @property
    def old(self) -> str:
        """The column with Salesforce's value."""
        return f"o{self.number}"

    @property
    def new(self) -> str:
        """The column with the value to be written."""
        return f"n{self.number}"

    @property
    def computed(self) -> str | None:
        """The column with the value before a default stood in for it."""
        return f"r{self.number}" if self.target.schema.type == "picklist" else None

    @property
    def differs(self) -> str:
        """Null-safe: both sides are at the CRM's precision already."""
        return f"{self.old} is distinct from {self.new}"

    def may_differ(self, json_text: str, column: str) -> str:
        """Return a cheap condition that holds wherever `differs` does.

        Trimming text on both sides costs more than all the rest of a comparison, and equal texts
        need none of it. Almost every cell of almost every plan is equal.
        """
        schema = self.target.schema
        if schema.type not in TEXT_TYPES:
            ours = self.new_key(column)
            return f"{self.old_key(json_text)} is distinct from {ours}"
        condition = f"{json_text} is distinct from cast({column} as varchar)"
        if self.computed is None:
            return condition
        return f"{condition} or {column} not in ({self._active_values})"

    @property
    def _active_values(self) -> str:
        return ", ".join(quoted(value) for value in self.target.schema.active_values)

    def old_key(self, json_text: str) -> str:
        """Return the comparable value of what Salesforce answered."""
        schema = self.target.schema
        if schema.type in NUMBER_TYPES:
            return f"try_cast({json_text} as {_decimal(schema)})"
        if schema.type == "datetime":
            # Salesforce answers in UTC, always: 2026-10-22T21:03:23.000+0000
            return f"try_cast(left({json_text}, 19) as timestamp)"
        if schema.type == "date":
            return f"try_cast({json_text} as date)"
        if schema.type == "boolean":
            return f"coalesce(try_cast({json_text} as boolean), false)"
        return _text(schema, json_text)

    def new_key(self, column: str) -> str:
        """Return the comparable value of what the marts computed, before any default."""
        schema = self.target.schema
        if schema.type in NUMBER_TYPES:
            # NaN and infinities become NULL here, and so are never sent.
            return f"try_cast({column} as {_decimal(schema)})"
        if schema.type == "datetime":
            return f"date_trunc('second', cast({column} as timestamp))"
        if schema.type in ("date", "boolean"):
            return f"cast({column} as {schema.type})"
        return _text(schema, column)

    def new_keys(self, column: str) -> list[str]:
        """Return the select items for our side: `n<n>`, and `r<n>` where there is one."""
        key = self.new_key(column)
        if self.computed is None:
            return [f"{key} as {self.new}"]
        default = quoted(self.target.mapping.default or "")
        fits = f"{key} is null or {key} in ({self._active_values})"
        return [
            f"case when {fits} then {key} else {default} end as {self.new}",
            f"{key} as {self.computed}",
        ]

    def as_text(self, column: str) -> str:
        """Return the canonical text of a key, as the plan and the ledger show it."""
        if self.target.schema.type == "datetime":
            return f"strftime({column}, '%Y-%m-%dT%H:%M:%SZ')"
        return f"cast({column} as varchar)"

    def rules(self) -> list[tuple[str, str, str]]:
        """Return (condition, decision, reason) in the order in which they are tried.

        A reason that says no more than both values is `null` here: `PLAIN_REASON` words it.
        """
        old, new = self.old, self.new
        has = f"'Salesforce has ' || coalesce({self.as_text(old)}, 'nothing')"
        computed = f"', Touchline computed ' || coalesce({self.as_text(new)}, 'nothing')"
        rules = [
            ("problem is not null", "problem", "problem_reason"),
            (f"not ({self.differs})", "'unchanged'", "null"),
        ]
        if not self.target.mapping.clears:
            why = "', Touchline computed nothing; this field is not cleared'"
            rules.append((f"{new} is null", "'kept'", f"'kept: ' || {has} || {why}"))
        rules += [
            (condition, "'kept'", f"'kept: ' || {reason}")
            for condition, reason in self._kept(has, computed)
        ]
        rules += [(condition, "'invalid'", reason) for condition, reason in self._invalid()]
        if self.computed:
            why = (
                f"', Touchline computed ' || {self.computed} || "
                f"', which the picklist lacks: its default ' || {new} || ' stands in'"
            )
            rules.append((f"{self.computed} is distinct from {new}", "'write'", f"{has} || {why}"))
        rules.append(("true", "'write'", "null"))
        return rules

    def _kept(self, has: str, computed: str) -> list[tuple[str, str]]:
        """Return when the policy leaves Salesforce's value alone, and in which words (I2)."""
        old, new = self.old, self.new
        policy = self.target.mapping.policy
        if policy == "fill_blank":
            why = "', policy fill_blank writes only into empty fields'"
            return [(f"{old} is not null", f"'already filled: ' || {has} || {computed} || {why}")]
        if policy == "opt_out":
            why = "'already opted out in Salesforce, and policy opt_out never takes that back'"
            return [(f"{new} is distinct from true", why)]
        if policy == "never_decrease":
            why = "', policy never_decrease'"
            return [(f"{new} < {old}", f"{has} || {computed} || {why}")]
        return []

    def _invalid(self) -> list[tuple[str, str]]:
        """Return when a value does not fit the field, and what to do about it (I4)."""
        schema, new = self.target.schema, self.new
        if schema.type in NUMBER_TYPES and schema.precision:
            digits = schema.precision - schema.scale
            reason = (
                f"{self.as_text(new)} || ' has more than the {digits} digits of the field: "
                f"give the field more digits'"
            )
            return [(f"abs({new}) >= 1e{digits}", reason)]
        if self.as_text(new) and schema.length and _is_free_text(schema):
            reason = (
                f"length({new}) || ' characters, the field holds {schema.length}: "
                f"make the field longer'"
            )
            return [(f"length({new}) > {schema.length}", reason)]
        return []


def quoted(value: str) -> str:
    """Return an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def _decimal(schema: FieldSchema) -> str:
    return f"decimal(38, {schema.scale})"


def _is_free_text(schema: FieldSchema) -> bool:
    return schema.type not in NUMBER_TYPES | {"boolean", "date", "datetime", "picklist"}


def _text(schema: FieldSchema, expression: str) -> str:
    """Empty and NULL are one; long text may come back with other line ends than it was sent."""
    text = f"cast({expression} as varchar)"
    if schema.type == "textarea":
        text = f"replace({text}, chr(13), '')"
    if schema.type == "email":
        text = f"lower({text})"
    return f"nullif(trim({text}, {_BLANKS}), '')"
