"""SQL that planners share: records as the snapshot has them, and what became of earlier ones."""

from collections.abc import Mapping

from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.comparison import quoted

#: Why nothing is made for a record; the words are those of the mapped fields.
_GONE = "' is deleted in Salesforce: the next build of the marts follows'"
_CONVERTED = "' is a converted lead: the next build of the marts follows'"


def current(object_name: str, columns: Mapping[str, str | None], only: str = "true") -> str:
    """Return a query of an object's records as the last snapshot that read them saw them.

    `columns`: name to API name of a field, as text, or to None for nothing; `record_id` and
    `is_deleted` come along. `only` narrows the versions, by `record_id`.
    """
    table = TABLES[object_name]
    # One JSON parse per record, whatever the number of fields.
    paths = ", ".join(quoted(f"$.{name or 'Id'}") for name in columns.values())
    named = ", ".join(
        f"{f'stored[{place}]' if field else 'cast(null as varchar)'} as {name}"
        for place, (name, field) in enumerate(columns.items(), start=1)
    )
    return f"""
select record_id, is_deleted, {named}
from (
    select
        versions.record_id, versions.is_deleted,
        json_extract_string(versions.payload, [{paths}]) as stored
    from {table} as versions
    inner join (
        select record_id, max(load_id) as load_id from {table} where {only} group by record_id
    ) as latest
        on latest.record_id = versions.record_id and latest.load_id = versions.load_id
)
"""


def people(ids: str) -> str:
    """Return a query of contacts and leads: `record_id, account_id, problem, problem_reason`.

    `ids` is a query of the record ids to look for. Whoever may be written for has no problem.
    """
    contacts = current("Contact", {"account_id": "AccountId"}, f"record_id in ({ids})")
    leads = current("Lead", {"is_converted": "IsConverted"}, f"record_id in ({ids})")
    return f"""
select
    record_id, account_id,
    case when is_deleted then 'stale' when is_converted then 'converted' end as problem,
    case
        when is_deleted then record_id || {_GONE}
        when is_converted then record_id || {_CONVERTED}
    end as problem_reason
from (
    select record_id, is_deleted, account_id, false as is_converted from ({contacts})
    union all
    select record_id, is_deleted, null, coalesce(is_converted = 'true', false) from ({leads})
)
"""


def active_users() -> str:
    """Return a query of the ids of users that a record may be given to."""
    users = current("User", {"is_active": "IsActive"})
    return f"select record_id from ({users}) where not is_deleted and is_active = 'true'"


def made(*objects: str) -> str:
    """Return a query of what we created: `external_key, record_id, outcome` (written, undone)."""
    names = ", ".join(quoted(name) for name in objects)
    return f"""
select
    external_key, arg_max(record_id, attempt_id) as record_id,
    arg_max(outcome, attempt_id) as outcome
from writeback.ledger
where operation = 'create' and object in ({names}) and outcome in ('written', 'undone')
group by external_key
"""


def is_settled(deleted: str) -> str:
    """Return whether a record is not to be made again: whoever deleted it had a reason (K4).

    `deleted`: SQL of the id of a deleted record, or null; `made` is joined. What an undo took
    back is planned again, and such a plan waits for approval.
    """
    return (
        f"(coalesce(made.outcome = 'written', false) "
        f"or ({deleted} is not null and made.outcome is distinct from 'undone'))"
    )


def why_settled(deleted: str) -> str:
    """Return the reason, where that holds."""
    return f"""
case
    when {deleted} is not null
        then 'kept: ' || {deleted} || ' was deleted in Salesforce, it is not made again'
    else 'kept: made before as ' || coalesce(made.record_id, 'a record')
        || ', which Salesforce does not show: it is not made again'
end
"""
