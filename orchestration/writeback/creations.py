"""Cells of records that a plan creates: values that fit the org's fields, one row each (K4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import FieldSchema, ObjectSchema
from orchestration.writeback.comparison import Cell, quoted
from orchestration.writeback.mapping import FieldMapping
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.refusals import NUMBER_TYPES, Target


@dataclass(frozen=True, slots=True)
class Value:
    """One field of the records to be created, as SQL over the query that plans them.

    `is_key`: this cell stands for the whole record where none is made. `is_essential`: without
    it no record is made. `cuts`: a text too long for the field is cut. `is_withheld`: the plan
    only says how long the text is, and `sql` is that length; `text_hash` is SQL of a hash of it.
    `refers_to`: SQL of the external key of a record of the same plan, whose id the value will
    be. Only where `is_checked` does the describe say which values the field takes.
    """

    field: str
    sql: str
    is_key: bool = False
    is_essential: bool = False
    cuts: bool = False
    is_withheld: bool = False
    text_hash: str | None = None
    refers_to: str | None = None
    is_checked: bool = True


def may_create(schema: ObjectSchema | None, key_field: str) -> bool:
    """Whether records can be made that carry their external key, so that none is made twice."""
    if schema is None or not schema.is_createable:
        return False
    key = schema.fields.get(key_field)
    return key is not None and key.is_createable


def fields_of(schema: ObjectSchema, *named: tuple[str, str | None]) -> dict[str, FieldSchema]:
    """Return name to field of those (name, field) that the org has and lets us change."""
    found = {name: schema.fields.get(field) for name, field in named if field}
    return {name: field for name, field in found.items() if field and field.is_updateable}


def plan_creations(
    connection: DuckDBPyConnection,
    context: PlanContext,
    schema: ObjectSchema,
    planned: str,
    values: Sequence[Value],
    parameters: Mapping[str, str] | None = None,
) -> None:
    """List the cells of records that are to be created.

    `planned` is a query with a row per record: `external_key`, `reason`, `problem` (the decision
    where it is not to be made, else null), `problem_reason`, and whatever the values need. Fields
    that the org has not, or that cannot be set, are left out; so are values that are null. A record
    whose key or any essential value does not fit is not made at all: it could be made twice, or be
    something else, like an open task for a mail that was sent.
    `parameters` are those of the query.
    """
    settable = [value for value in values if _is_settable(schema, value.field)]
    columns = [
        _Column(value, schema.fields[value.field], place) for place, value in enumerate(settable)
    ]
    unsettable = [value for value in values if value not in settable and value.is_essential]
    connection.execute(
        f"create or replace temp table planned as {_keyed(schema, planned, columns, unsettable)}",
        dict(parameters or {}),
    )
    connection.execute(
        "insert into writeback.changes (plan_id, object, external_key, field, new_value, policy, "
        f"decision, reason, operation, refers_to, is_withheld, text_hash) {_cells(columns)}",
        {"plan_id": context.plan_id, "object": schema.name},
    )
    connection.execute("drop table planned")


def as_cell(schema: FieldSchema) -> Cell:
    """Return how values of a field are compared and put as text."""
    mapping = FieldMapping(metric="value", field=schema.name, policy="owned")
    return Cell(Target(mapping, schema), 0)


def _is_settable(schema: ObjectSchema, field: str) -> bool:
    return field in schema.fields and schema.fields[field].is_createable


@dataclass(frozen=True, slots=True)
class _Column:
    """One value as the columns `v<n>` (its key; of a withheld text the length), `r<n>`, `h<n>`."""

    value: Value
    schema: FieldSchema
    place: int

    @property
    def selected(self) -> str:
        key = self.value.sql
        if not self.value.is_withheld:
            key = as_cell(self.schema).new_key(key)
        nothing, place = "cast(null as varchar)", self.place
        refers_to, text_hash = self.value.refers_to or nothing, self.value.text_hash or nothing
        return f"{key} as v{place}, {refers_to} as r{place}, {text_hash} as h{place}"

    @property
    def length(self) -> str:
        return f"v{self.place}" if self.value.is_withheld else f"length(v{self.place})"

    @property
    def text(self) -> str:
        """The value as the plan shows it; of a withheld text only how long it is."""
        key = f"v{self.place}"
        if self.value.is_withheld:
            return f"{key} || ' character' || if({key} = 1, '', 's')"
        if self.is_cut:
            cut = f"left({key}, {self.schema.length - 1}) || '…'"
            return f"if({self.length} <= {self.schema.length}, {key}, {cut})"
        return as_cell(self.schema).as_text(key)

    @property
    def is_cut(self) -> bool:
        return self.value.cuts and self.schema.length > 0

    @property
    def reason(self) -> str:
        if not self.is_cut:
            return "reason"
        cut = f"', cut to {self.schema.length} characters'"
        return f"reason || if({self.length} <= {self.schema.length}, '', {cut})"

    @property
    def cells(self) -> str:
        """A query of this value of every record that has it."""
        unfit, why = self.misfit() or ("false", "''")
        return f"""
select
    $plan_id, $object, external_key, {quoted(self.schema.name)}, {self.text}, 'owned',
    case when problem is not null then problem when {unfit} then 'invalid' else 'write' end,
    case
        when problem is not null then problem_reason when {unfit} then {why} else {self.reason}
    end,
    'create', r{self.place}, {str(self.value.is_withheld).lower()}, h{self.place}
from planned
where
    (v{self.place} is not null or r{self.place} is not null)
    and ({str(self.value.is_key).lower()} or problem is null)
"""

    def misfit(self) -> tuple[str, str] | None:
        """Return when the value does not fit its field, and what is to be said then."""
        key, schema = f"v{self.place}", self.schema
        if not self.value.is_checked or self.is_cut:
            return None
        if schema.type == "picklist" and schema.active_values:
            values = ", ".join(quoted(value) for value in schema.active_values)
            why = f"{key} || ' is no active value of the picklist: add it'"
            return f"{key} not in ({values})", why
        if _is_text(schema) and schema.length:
            remedy = f"' characters, the field holds {schema.length}: make the field longer'"
            return f"{self.length} > {schema.length}", f"{self.length} || {remedy}"
        return None


def _keyed(
    schema: ObjectSchema, planned: str, columns: Sequence[_Column], unsettable: Sequence[Value]
) -> str:
    """Work out each value once, and whether the record can be made; no text of a mail is kept."""
    faults = [
        (f"l{place}", quoted(f"{schema.name}.{value.field} is missing or cannot be set"))
        for place, value in enumerate(unsettable)
    ]
    for column in columns:
        misfit = column.misfit()
        if misfit and (column.value.is_key or column.value.is_essential):
            name = "" if column.value.is_key else f"'{column.schema.name}: ' || "
            faults.append((misfit[0], f"{name}{misfit[1]}"))
    unfit = " ".join(f"when {fault} then 'invalid'" for fault, _ in faults)
    why = " ".join(f"when {fault} then {reason}" for fault, reason in faults)
    lacking = "".join(
        f", ({value.sql}) is not null as l{place}" for place, value in enumerate(unsettable)
    )
    selected = ", ".join(column.selected for column in columns)
    return f"""
select * replace (
    coalesce(problem, case {unfit or "when false then ''"} end) as problem,
    coalesce(problem_reason, case {why or "when false then ''"} end) as problem_reason
)
from (
    select external_key, reason, problem, problem_reason, {selected}{lacking} from ({planned})
)
"""


def _cells(columns: Sequence[_Column]) -> str:
    """List the values of each record, one row each."""
    return " union all ".join(column.cells for column in columns)


def _is_text(schema: FieldSchema) -> bool:
    return schema.type not in NUMBER_TYPES | {"boolean", "date", "datetime", "reference", "id"}
