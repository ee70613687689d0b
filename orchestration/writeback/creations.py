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
    """One field of the records to be created, as SQL over the temporary table `planned`.

    `is_key`: this cell stands for the whole record where none is made. `cuts`: a text too long
    for the field is cut. `is_withheld`: the plan only says how long the text is, and has a hash
    of it. `refers_to`: SQL of the external key of a record of the same plan, whose id the value
    will be. Only where `is_checked` does the describe say which values the field takes.
    """

    field: str
    sql: str
    is_key: bool = False
    cuts: bool = False
    is_withheld: bool = False
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
    that the org has not, or that cannot be set, are left out; so are values that are null.
    `parameters` are those of the query.
    """
    values = [value for value in values if _is_settable(schema, value.field)]
    connection.execute(
        f"create or replace temp table planned as {_checked(schema, planned, values)}",
        dict(parameters or {}),
    )
    cells = " union all ".join(_list_value(schema, value) for value in values)
    connection.execute(
        "insert into writeback.changes (plan_id, object, external_key, field, new_value, policy, "
        f"decision, reason, operation, refers_to, is_withheld, text_hash) {cells}",
        {"plan_id": context.plan_id},
    )
    connection.execute("drop table planned")
    connection.execute(_BLOCK_REFUSED, {"plan_id": context.plan_id, "object": schema.name})


def as_cell(schema: FieldSchema) -> Cell:
    """Return how values of a field are compared and put as text."""
    mapping = FieldMapping(metric="value", field=schema.name, policy="owned")
    return Cell(Target(mapping, schema), 0)


def _is_settable(schema: ObjectSchema, field: str) -> bool:
    return field in schema.fields and schema.fields[field].is_createable


def _checked(schema: ObjectSchema, planned: str, values: Sequence[Value]) -> str:
    """A record whose key does not fit is not made at all: it could be made twice."""
    checks = [_fit(schema.fields[value.field], value) for value in values if value.is_key]
    unfit = " ".join(f"when not ({fits}) then 'invalid'" for fits, _ in checks)
    why = " ".join(f"when not ({fits}) then {misfit}" for fits, misfit in checks)
    return f"""
select * replace (
    coalesce(problem, case {unfit} end) as problem,
    coalesce(problem_reason, case {why} end) as problem_reason
)
from ({planned})
"""


def _fit(schema: FieldSchema, value: Value) -> tuple[str, str]:
    """Return whether a value fits its field, and what is to be said where it does not."""
    key = as_cell(schema).new_key(value.sql)
    if not value.is_checked:
        return "true", "''"
    if schema.type == "picklist" and schema.active_values:
        values = ", ".join(quoted(value) for value in schema.active_values)
        return f"{key} in ({values})", f"{key} || ' is no active value of the picklist: add it'"
    if _is_text(schema) and schema.length:
        remedy = f"' characters, the field holds {schema.length}: make the field longer'"
        return f"length({key}) <= {schema.length}", f"length({key}) || {remedy}"
    return "true", "''"


def _list_value(of: ObjectSchema, value: Value) -> str:
    schema = of.fields[value.field]
    key = as_cell(schema).new_key(value.sql)
    text = as_cell(schema).as_text(key)
    fits, misfit = _fit(schema, value)
    reason = "reason"
    if value.cuts and schema.length:
        text = f"case when {fits} then {key} else left({key}, {schema.length - 1}) || '…' end"
        reason = f"reason || if({fits}, '', ', cut to {schema.length} characters')"
        fits = "true"
    if value.is_withheld:
        text = f"length({key}) || ' character' || if(length({key}) = 1, '', 's')"
    text_hash = f"md5({key})" if value.is_withheld else "cast(null as varchar)"
    refers_to = value.refers_to or "cast(null as varchar)"
    return f"""
select
    $plan_id, {quoted(of.name)}, external_key, {quoted(schema.name)}, {text}, 'owned',
    case when problem is not null then problem when {fits} then 'write' else 'invalid' end,
    case when problem is not null then problem_reason when {fits} then {reason} else {misfit} end,
    'create', {refers_to}, {str(value.is_withheld).lower()}, {text_hash}
from planned
where
    ({key} is not null or {refers_to} is not null)
    and ({str(value.is_key).lower()} or problem is null)
"""


def _is_text(schema: FieldSchema) -> bool:
    return schema.type not in NUMBER_TYPES | {"boolean", "date", "datetime", "reference", "id"}


#: K5: what Salesforce refused to create rests until a value of it or the metadata changes.
_BLOCK_REFUSED = """
with

refused as (

    select external_key, sent_at, error_code, error_message, new_values
    from writeback.ledger
    where object = $object and operation = 'create' and outcome = 'failed' and not is_transient
    qualify row_number() over (partition by external_key order by attempt_id desc) = 1

),

wanted as (

    select external_key, map_from_entries(list((field, new_value) order by field)) as new_values
    from writeback.changes
    where
        plan_id = $plan_id and object = $object and operation = 'create' and decision = 'write'
        and refers_to is null
        and external_key in (select external_key from refused)
    group by external_key

),

standing as (

    select refused.external_key, refused.error_code, refused.error_message
    from refused
    inner join wanted on wanted.external_key = refused.external_key
    where
        not exists (
            select 1 from raw.salesforce_describes as describes
            where describes.object = $object and describes.loaded_at > refused.sent_at
        )
        and list_bool_and(list_transform(
            map_entries(wanted.new_values),
            lambda entry: entry.value is not distinct from
                json_extract_string(refused.new_values, '$.' || entry.key)
        ))
)

update writeback.changes as changes
set
    decision = 'blocked',
    reason = 'Salesforce refused to create this before: ' || coalesce(standing.error_code, '')
        || ', ' || coalesce(standing.error_message, '')
        || '. Tried again once a value or the metadata changes'
from standing
where
    changes.plan_id = $plan_id
    and changes.object = $object
    and changes.operation = 'create'
    and changes.external_key = standing.external_key
    and changes.decision = 'write'
"""
