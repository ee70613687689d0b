"""What the warehouse has to say after a run, as rows ready to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from orchestration.crm.snapshot_tables import TABLES
from orchestration.terminal.rejects import Rejects, read_rejects

Row = tuple[Any, ...]

# A warehouse that this version has not written to yet lacks the last column.
_LOADS = """
with

loads as (

    select * from raw.loads
    union all by name
    select cast(null as bigint) as skipped where false

)

select
    source,
    count(distinct file) as files,
    sum("rows") as records,
    sum(rejected) as rejected,
    coalesce(sum(skipped), 0) as skipped,
    max(loaded_at) as last_loaded_at
from loads
where source != 'salesforce'
group by source
order by source
"""

# A snapshot is no file, and a record that was read often is one: those that the org holds now.
_RECORDS = """
select
    'salesforce' as source,
    null as files,
    (select count(*) from ({current})) as records,
    0 as rejected,
    0 as skipped,
    max(loaded_at) as last_loaded_at
from raw.salesforce_snapshots
having count(*) > 0
"""

_CURRENT_RECORDS = """
select record_id from {table} group by record_id having not arg_max(is_deleted, load_id)
"""

_DISCREPANCIES = """
select discrepancy_class, discrepancy_cause, sum(message_count) as messages,
    sum(message_count) / sum(sum(message_count)) over () as share
from marts.open_click_discrepancies
group by discrepancy_class, discrepancy_cause
order by messages desc, discrepancy_class, discrepancy_cause
"""

_HEADLINES = """
select
    count(*) as delivered,
    count(case when open_tracking_enabled then 1 end) as open_tracked,
    count(case when open_tracking_enabled and open_count > 0 then 1 end) as opened_by_anything,
    count(case when open_tracking_enabled and human_open_count > 0 then 1 end) as opened_by_people,
    count(case when open_tracking_enabled and is_viewed then 1 end) as viewed,
    count(case when click_tracking_enabled then 1 end) as click_tracked,
    count(case when click_tracking_enabled and click_count > 0 then 1 end) as clicked_by_anything,
    count(case when click_tracking_enabled and human_click_count > 0 then 1 end)
        as clicked_by_people
from marts.messages
where origin = 'sequence' and delivered_at is not null
"""

_REPLY_RATES = """
select slice_label, denominator_count, replied_count, reply_rate, rate_low, rate_high
from marts.reply_rates
where slice in ('all', 'sequence') and denominator = 'enrolled' and not includes_automated
order by slice, reply_rate desc, slice_label
"""

_STATUSES = """
select vocabulary.summary, enrollments.status,
    string_agg(distinct enrollments.status_reason, ', ' order by enrollments.status_reason),
    count(*) as enrollment_count
from marts.enrollments as enrollments
inner join intermediate.status_vocabulary as vocabulary on enrollments.status = vocabulary.status
group by vocabulary.summary, enrollments.status
order by enrollment_count desc, enrollments.status
"""

_LOOSE_ENDS = """
select 'Events that belong to no message' as what, reason, count(*) as how_many
from marts.unattached_events
group by reason
union all
select 'People without a Salesforce record', reason, count(*)
from marts.unmatched_people
group by reason
union all
select 'Mail to review', 'unknown_sender', count(*)
from marts.replies
where match = 'unknown_sender'
having count(*) > 0
order by what, how_many desc
"""

# A warehouse that this version has not written to yet lacks the operations.
_PLANNED = """
planned as (

    select * from writeback.changes
    union all by name
    select cast(null as varchar) as operation, cast(null as varchar) as refers_to where false

)
"""

# Contacts and leads share the mapping; fields of the same name elsewhere are other fields.
_DECISIONS = """
select
    string_agg(distinct object, ', ' order by object) as objects, field, policy,
    count(case when decision = 'write' then 1 end) as writes,
    count(case when decision = 'kept' then 1 end) as kept,
    count(case when decision not in ('write', 'kept', 'unchanged') then 1 end) as skipped
from writeback.changes
where plan_id = ? and operation = 'update'
group by field, policy, case when object not in ('Contact', 'Lead') then object end
having writes + kept + skipped > 0
order by objects, writes desc, field
"""

# A record is written whole, or not at all: its cells are of one decision, but for the unchanged.
_WHOLE_RECORDS = """
select
    operation, object,
    count(distinct case when decision = 'write' then coalesce(record_id, external_key) end)
        as writes,
    count(distinct case when decision = 'kept' then coalesce(record_id, external_key) end) as kept,
    count(
        distinct case
            when decision not in ('write', 'kept', 'unchanged')
                then coalesce(record_id, external_key)
        end
    ) as skipped
from writeback.changes
where plan_id = ? and operation <> 'update'
group by operation, object
having writes + kept + skipped > 0
order by operation, object
"""

_WHO = "['Email', 'ToAddress', 'WhoId', 'ContactId', 'LeadId', 'RelationId']"

# A record to be created is told by its key and by the person that it is about.
_CHANGES = f"""
with

{_PLANNED},

shown as (

    select
        object, coalesce(record_id, external_key) as record_key,
        coalesce(operation, 'update') as operation, field, old_value,
        coalesce(new_value, 'the new record of ' || refers_to) as new_value, decision, reason
    from planned
    where plan_id = $plan_id and decision != 'unchanged'
    order by decision != 'write', operation, object, record_key, field
    limit $limit

),

whose as (

    select
        object, external_key as record_key,
        arg_min(
            new_value,
            list_position({_WHO}, field)
        ) as who
    from planned
    where
        plan_id = $plan_id
        and operation = 'create'
        and external_key in (select record_key from shown)
        and list_contains({_WHO}, field)
    group by object, external_key

)

select
    case shown.operation
        when 'create' then 'new ' || shown.object
        when 'delete' then 'delete ' || shown.object
        else shown.object
    end as label,
    shown.record_key || coalesce(' (' || whose.who || ')', '') as record_label,
    shown.field, shown.old_value, shown.new_value, shown.decision, shown.reason
from shown
left join whose on whose.object = shown.object and whose.record_key = shown.record_key
order by
    shown.decision != 'write', shown.operation, shown.object, shown.record_key, shown.field
"""

_EXAMPLES = """
select object, record_id, field, old_value, new_value, decision, reason
from (
    select
        *,
        row_number() over (
            partition by decision, field order by old_value is null, record_id
        ) as within_field
    from writeback.changes
    where
        plan_id = ?
        and operation = 'update'
        and decision in ('write', 'kept', 'converted', 'invalid', 'blocked')
)
where within_field = 1
qualify row_number() over (partition by decision order by field) <= ?
order by decision != 'write', decision, field
limit ?
"""


@dataclass(frozen=True)
class Summary:
    """The tables that the demo and `touchline status` end with."""

    loads: Sequence[Row]
    rejects: Sequence[Rejects]
    headlines: Row
    discrepancies: Sequence[Row]
    reply_rates: Sequence[Row]
    statuses: Sequence[Row]
    loose_ends: Sequence[Row]


def loads(connection: DuckDBPyConnection) -> list[Row]:
    """Return (source, files, records, rejected, skipped, last loaded at) of all loads so far.

    Salesforce has no files; its records are those that the org held at the last snapshot.
    """
    current = " union all ".join(_CURRENT_RECORDS.format(table=each) for each in TABLES.values())
    rows = connection.execute(_LOADS).fetchall()
    if has_table(connection, "raw", "salesforce_snapshots"):
        rows += connection.execute(_RECORDS.format(current=current)).fetchall()
    return rows


def has_table(connection: DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether a table exists: what a run ended before is not there yet."""
    found = connection.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchone()
    return found is not None and found[0] > 0


def loose_ends(connection: DuckDBPyConnection) -> list[Row]:
    """Return (what, reason, how many) of what could not be tied to anything."""
    return connection.execute(_LOOSE_ENDS).fetchall()


def summarize(connection: DuckDBPyConnection) -> Summary:
    """Read the summary of everything loaded so far; the marts must have been built."""
    return Summary(
        loads=loads(connection),
        rejects=read_rejects(connection),
        headlines=connection.execute(_HEADLINES).fetchall()[0],
        discrepancies=connection.execute(_DISCREPANCIES).fetchall(),
        reply_rates=connection.execute(_REPLY_RATES).fetchall(),
        statuses=connection.execute(_STATUSES).fetchall(),
        loose_ends=loose_ends(connection),
    )


def planned_fields(connection: DuckDBPyConnection, plan_id: str) -> list[Row]:
    """Return (objects, field, policy, cells to write, kept, skipped) of the records that exist."""
    return connection.execute(_DECISIONS, [plan_id]).fetchall()


def planned_records(connection: DuckDBPyConnection, plan_id: str) -> list[Row]:
    """Return (operation, object, records to write, kept, skipped) of what is created or deleted."""
    return connection.execute(_WHOLE_RECORDS, [plan_id]).fetchall()


def planned_changes(connection: DuckDBPyConnection, plan_id: str, limit: int) -> list[Row]:
    """Return the plan's cells that are not simply unchanged, those to be written first."""
    return connection.execute(_CHANGES, {"plan_id": plan_id, "limit": limit}).fetchall()


def telling_examples(connection: DuckDBPyConnection, plan_id: str, limit: int) -> list[Row]:
    """Return a few cells that show what the policies do, at most one per decision and field."""
    return connection.execute(_EXAMPLES, [plan_id, limit // 2, limit]).fetchall()
