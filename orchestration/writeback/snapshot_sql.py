"""SQL over the snapshot: the records as they are now, read by a planner (J2-J5)."""

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
