"""The SQL that compares one object's marts row with its snapshot, and lists what differs.

The comparison is wide (one row per record, two columns per mapped field): the payload is parsed
once per record, and only the records that differ are ever turned into one row per cell.
"""

from collections.abc import Mapping, Sequence

from orchestration.writeback.comparison import PLAIN_REASON, Cell, quoted

#: Object to (the metrics that dbt computes, the raw versions of the records).
SOURCES: Mapping[str, tuple[str, str]] = {
    "Contact": ("crm.contact_fields", "raw.salesforce_contacts"),
    "Lead": ("crm.lead_fields", "raw.salesforce_leads"),
}

#: Read beside the mapped fields, to say why a record is left alone.
_MASTER, _CONVERTED, _CONTACT = "MasterRecordId", "IsConverted", "ConvertedContactId"

_GONE = (
    "'deleted in Salesforce' || coalesce(', merged into ' || master_id, '') "
    "|| ': the next build of the marts follows'"
)
_DUPLICATE = "'computed more than once for this record: mend the model that feeds it'"
_CONVERTED_REASON = (
    "'converted lead, its contact is ' || coalesce(contact_id, 'unknown') "
    "|| ': the next build of the marts follows'"
)


def compare(name: str, cells: Sequence[Cell], *, keeps_unchanged: bool) -> str:
    """Return the statement that fills the temporary table `compared` for one object."""
    metrics, versions = SOURCES[name]
    paths = [cell.target.mapping.field for cell in cells] + [_MASTER, _CONVERTED, _CONTACT]
    path_list = ", ".join(quoted(f"$.{path}") for path in paths)
    stored = {path: f"stored[{place}]" for place, path in enumerate(paths, start=1)}
    ours = {cell: f'computed."{cell.target.mapping.column}"' for cell in cells}
    theirs = {cell: stored[cell.target.mapping.field] for cell in cells}
    keys = [f"{cell.old_key(theirs[cell])} as {cell.old}" for cell in cells]
    keys += [item for cell in cells for item in cell.new_keys(ours[cell])]
    may_differ = " or ".join(f"({cell.may_differ(theirs[cell], ours[cell])})" for cell in cells)
    differs = " or ".join(f"({cell.differs})" for cell in cells)
    return f"""
create or replace temp table compared as
with

latest as (

    select record_id, max(load_id) as load_id
    from {versions}
    group by record_id

),

-- One JSON parse per record, whatever the number of fields.
current_versions as (

    select
        versions.record_id,
        versions.is_deleted,
        json_extract_string(versions.payload, [{path_list}]) as stored
    from {versions} as versions
    inner join latest
        on latest.record_id = versions.record_id and latest.load_id = versions.load_id

),

computed_twice as (

    select crm_id
    from {metrics}
    group by crm_id
    having count(*) > 1

),

paired as (

    select
        computed,
        stored,
        {stored[_MASTER]} as master_id,
        {stored[_CONTACT]} as contact_id,
        case
            when computed.crm_id in (select crm_id from computed_twice) then 'duplicate'
            when current_versions.record_id is null then 'stale'
            when current_versions.is_deleted then 'stale'
            when {stored[_CONVERTED]} = 'true' then 'converted'
        end as problem,
        current_versions.record_id is null as is_unknown
    from {metrics} as computed
    left join current_versions on current_versions.record_id = computed.crm_id

),

candidates as (

    select * from paired
    where {"true" if keeps_unchanged else f"problem is not null or {may_differ}"}

),

keyed as (

    select
        computed.crm_id as crm_id,
        {", ".join(keys)},
        problem,
        case problem
            when 'duplicate' then {_DUPLICATE}
            when 'converted' then {_CONVERTED_REASON}
            when 'stale' then case when is_unknown then 'not in the snapshot' else {_GONE} end
        end as problem_reason
    from candidates

)

select * from keyed
where {"true" if keeps_unchanged else f"problem is not null or {differs}"}
"""


def list_cells(name: str, cells: Sequence[Cell], *, keeps_unchanged: bool) -> str:
    """Return the statement that turns `compared` into rows of writeback.changes.

    Lists are unnested side by side: one pass over the records, whatever the number of fields.
    """
    rules = [cell.rules() for cell in cells]
    columns = {
        "field": [quoted(cell.target.mapping.field) for cell in cells],
        "old_value": [cell.as_text(cell.old) for cell in cells],
        "new_value": [cell.as_text(cell.new) for cell in cells],
        "policy": [quoted(cell.target.mapping.policy) for cell in cells],
        "decision": [_first([(when, taken) for when, taken, _ in each]) for each in rules],
        "reason": [_first([(when, words) for when, _, words in each]) for each in rules],
        "is_listed": [_is_listed(cell, keeps_unchanged=keeps_unchanged) for cell in cells],
    }
    lists = ",\n        ".join(
        f"unnest([{', '.join(items)}]) as {column}" for column, items in columns.items()
    )
    return f"""
insert into writeback.changes
    (plan_id, object, record_id, field, old_value, new_value, policy, decision, reason)
select
    $plan_id, {quoted(name)}, crm_id, field, old_value, new_value, policy, decision,
    coalesce(reason, {PLAIN_REASON})
from (
    select
        crm_id,
        {lists}
    from compared
)
where is_listed
"""


def _first(rules: Sequence[tuple[str, str]]) -> str:
    branches = " ".join(f"when {condition} then {value}" for condition, value in rules)
    return f"case {branches} end"


def _is_listed(cell: Cell, *, keeps_unchanged: bool) -> str:
    """Of a record that cannot be written, only what would have been."""
    listed = "true" if keeps_unchanged else cell.differs
    return f"case when problem is null then {listed} else {cell.new} is not null end"


#: Unchanged cells that are not listed, per mapped field.
COUNT_UNLISTED = """
insert into writeback.plan_counts (plan_id, object, field, policy, decision, cells)
with

mapped as (

    select unnest($fields::varchar[]) as field, unnest($policies::varchar[]) as policy

),

listed as (

    select field, count(*) as cells
    from writeback.changes
    where plan_id = $plan_id and object = $object
    group by field

)

select
    $plan_id, $object, mapped.field, mapped.policy, 'unchanged',
    $records - coalesce(listed.cells, 0)
from mapped
left join listed on listed.field = mapped.field
where $records > coalesce(listed.cells, 0)
"""

COUNT_DECISIONS = """
insert into writeback.plan_counts (plan_id, object, field, policy, decision, cells)
select plan_id, object, field, policy, decision, count(*)
from writeback.changes
where plan_id = $plan_id
group by plan_id, object, field, policy, decision
"""

#: Records with a cell that cannot be written; their earlier days are kept. A record that is yet
#: to be created goes by its external key.
UPSERT_SKIPPED = """
merge into writeback.skipped as skipped
using (
    select
        object,
        coalesce(record_id, external_key) as record_id,
        arg_min(decision || ': ' || reason, field) as reason
    from writeback.changes
    where
        plan_id = $plan_id
        and decision in ('blocked', 'invalid', 'stale', 'duplicate', 'converted')
    group by object, coalesce(record_id, external_key)
) as found
on skipped.object = found.object and skipped.record_id = found.record_id
when matched then update set reason = found.reason, last_seen_at = $seen_at
when not matched then insert values
    (found.object, found.record_id, found.reason, $seen_at, $seen_at, 0)
"""

#: Nothing is wanted of these records any more, or nothing stands in its way: no longer skipped.
CLEAR_SKIPPED = """
delete from writeback.skipped as skipped
where not exists (
    select 1 from writeback.changes as changes
    where
        changes.plan_id = $plan_id
        and changes.object = skipped.object
        and coalesce(changes.record_id, changes.external_key) = skipped.record_id
        and changes.decision not in ('unchanged', 'kept')
)
"""

#: A warehouse that this version has not written to yet lacks some columns.
READ_PLAN = """
with plans as (

    select * from writeback.plans
    union all by name
    select
        null::varchar as kind, null::varchar as undoes, null::varchar as approval,
        null::varchar[] as gates, null::timestamp as approved_at, null::varchar as approved_by
    where false

)

select
    plan_id, created_at, snapshot_at, state, records, changed_records, changed_cells,
    api_calls_estimate, notes, kind, undoes, approval, gates, approved_at, approved_by
from plans
where
    plan_id = $plan_id
    -- An undo that was only looked at, or wrote nothing, replaces no plan.
    or $plan_id is null and (
        coalesce(kind, 'sync') <> 'undo'
        or (changed_records > 0 and state not in ('planned', 'superseded'))
    )
order by created_at desc
limit 1
"""

NEXT_PLAN_NUMBER = """
select coalesce(max(try_cast(replace(plan_id, 'plan-', '') as bigint)), 0) + 1
from writeback.plans
"""

#: What plans write, as a count and a sum over their cells in which no order matters: equal where
#: the same new values take the place of the same old ones. A sum is one pass; a comparison row by
#: row costs more than making the plan.
FINGERPRINTS = """
select
    plan_id,
    count(*) as cells,
    sum(
        hash(
            object, operation, record_id, external_key, field, old_value, new_value, refers_to,
            text_hash
        )::hugeint
    ) as cell_sum
from writeback.changes
where plan_id in ($waiting, $plan_id) and decision = 'write'
group by plan_id
"""

#: The plan that waits keeps its id and its age.
REFRESH_PLAN = """
update writeback.plans
set
    snapshot_at = $snapshot_at, records = $records, api_calls_estimate = $calls, notes = $notes
where plan_id = $plan_id
"""

SET_APPROVAL = """
update writeback.plans
set
    gates = $gates,
    approval = case
        when approval = 'approved' then approval
        when len($gates) > 0 then 'waiting'
        else 'not_needed'
    end
where plan_id = $plan_id
"""

#: Whoever waits is outdated now; whoever was being applied never came to its end.
SUPERSEDE = """
update writeback.plans
set state = case state when 'applying' then 'interrupted' else 'superseded' end
where state in ('planned', 'applying')
"""

#: Plans that sent anything keep the reasons for it; those that led nowhere keep only counts.
PRUNE = """
delete from writeback.changes
where
    plan_id <> $plan_id
    and (
        decision = 'unchanged'
        or plan_id in (
            select plan_id from writeback.plans
            where state = 'superseded' or changed_cells = 0
            except
            select plan_id from writeback.ledger
        )
    )
"""

INSERT_PLAN = """
insert into writeback.plans
    (plan_id, created_at, snapshot_at, state, records, changed_records, changed_cells,
    api_calls_estimate, notes)
select
    $plan_id, $created_at, $snapshot_at, 'planned', $records,
    (select coalesce(sum(records), 0) from writeback.plan_routes where plan_id = $plan_id),
    (
        select coalesce(sum(cells), 0) from writeback.plan_counts
        where plan_id = $plan_id and decision = 'write'
    ),
    $calls, $notes
"""
