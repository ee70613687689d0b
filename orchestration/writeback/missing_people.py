"""Planning records for people who have none: contacts or leads, where the mapping says so (H5)."""

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import ObjectSchema
from orchestration.writeback.comparison import quoted
from orchestration.writeback.creations import Value, plan_creations
from orchestration.writeback.mapping_sections import CreateMissing
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.snapshot_sql import (
    active_users,
    current,
    is_settled,
    made,
    why_settled,
)

#: What is known of a person, by the field that takes it; a default comes after.
_KNOWN = {
    "Email": "email",
    "FirstName": "first_name",
    "LastName": "last_name",
    "Company": "company_domain",
    "OwnerId": "active_owner_id",
    "HasOptedOutOfEmail": "case when is_opted_out then true end",
}

_MISSING = """
with

addresses as (

    select lower(trim(email)) as email, min(record_id) as record_id
    from (
        select record_id, email from ({contacts}) where not is_deleted
        union all
        select record_id, email from ({leads}) where not is_deleted
    )
    where email is not null
    group by lower(trim(email))

),

made as ({made}),

users as ({users}),

people as (

    select
        person_email as email,
        max(trim(person_name)) as person_name,
        max(company_domain) as company_domain,
        max(owner_id) as owner_id,
        max(sequence_name) as sequence_name,
        bool_or(is_opted_out) as is_opted_out
    from marts.unmatched_people
    where is_creatable
    group by person_email

),

named as (

    select
        people.*,
        people.email as external_key,
        users.record_id as active_owner_id,
        -- "Ann Mary Lee", or "Lee, Ann Mary".
        nullif(trim(case
            when person_name like '%, %' then split_part(person_name, ', ', 2)
            else regexp_extract(person_name, '^(.*)\\s\\S+$', 1)
        end), '') as first_name,
        coalesce(nullif(case
            when person_name like '%, %' then split_part(person_name, ', ', 1)
            else regexp_extract(person_name, '(\\S+)$', 1)
        end, ''), {last_name}) as last_name,
        'nobody in Salesforce has the address, which ' || coalesce(sequence_name, 'a sequence')
            || ' writes to' as reason,
        case
            when addresses.record_id is not null then 'duplicate'
            when {is_settled} then 'kept'
            when is_opted_out and not {can_opt_out} then 'kept'
        end as found_problem,
        case
            when addresses.record_id is not null
                then addresses.record_id || ' has the address: the next build of the marts follows'
            when {is_settled} then {why_settled}
            when is_opted_out and not {can_opt_out}
                then 'kept: opted out, and HasOptedOutOfEmail cannot be set'
        end as found_reason
    from people
    left join addresses on addresses.email = people.email
    left join made on made.external_key = people.email
    left join users on users.record_id = people.owner_id

)

select
    *,
    coalesce(found_problem, case {lacking} end) as problem,
    coalesce(found_reason, case {lacking_reason} end) as problem_reason
from named
"""


def plan_missing_people(connection: DuckDBPyConnection, context: PlanContext) -> None:
    """List a record for each person without one; email alone makes none unless one says so.

    The address is the external key: no field of our own stands on people. Mapped fields follow
    with the next plan, once the record is in the snapshot.
    """
    section = context.sections.create_missing
    if section is None:
        return
    schema = context.schemas.get(section.object)
    if schema is None or not schema.is_createable:
        context.notes.append(f"{section.object} records cannot be created in this org.")
        return
    values = list(_values(schema, section))
    lacking = list(_lacking(schema, values))
    opt_out = schema.fields.get("HasOptedOutOfEmail")
    planned = _MISSING.format(
        contacts=current("Contact", {"email": "Email"}),
        leads=current("Lead", {"email": "Email"}),
        made=made("Contact", "Lead"),
        is_settled=is_settled("null"),
        why_settled=why_settled("cast(null as varchar)"),
        users=active_users(),
        last_name=_default(section, "LastName") or "split_part(people.email, '@', 1)",
        can_opt_out=str(bool(opt_out and opt_out.is_createable)).lower(),
        lacking=" ".join(f"when {sql} is null then 'invalid'" for _, sql in lacking)
        or "when false then ''",
        lacking_reason=" ".join(
            f"when {sql} is null then {quoted(_remedy(section, name))}" for name, sql in lacking
        )
        or "when false then ''",
    )
    plan_creations(connection, context, schema, planned, values)


def _values(schema: ObjectSchema, section: CreateMissing) -> Iterator[Value]:
    for name in dict.fromkeys([*_KNOWN, *section.defaults]):
        default = _default(section, name)
        known = _KNOWN.get(name)
        parts = [part for part in (known, default) if part]
        if name in schema.fields and parts:
            sql = parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"
            yield Value(
                name,
                sql,
                is_key=name == "Email",
                is_essential=schema.fields[name].is_required,
                cuts=name in ("LastName", "FirstName"),
            )


def _default(section: CreateMissing, name: str) -> str | None:
    value = section.defaults.get(name)
    if value is None:
        return None
    return quoted(value) if isinstance(value, str) else str(value).lower()


def _lacking(schema: ObjectSchema, values: list[Value]) -> Iterator[tuple[str, str]]:
    """Return (field, SQL) of what the org requires; a record without it would be refused."""
    given = {value.field: value.sql for value in values}
    for field in schema.fields.values():
        if field.is_required:
            yield field.name, given.get(field.name, "null")


def _remedy(section: CreateMissing, name: str) -> str:
    return (
        f"{section.object}.{name} is required, and nothing is known: "
        f"give it a value under create_missing.defaults in the mapping"
    )
