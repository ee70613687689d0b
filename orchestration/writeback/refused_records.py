"""The SQL that holds back records of the other planners that Salesforce refused for good (K5).

Unlike contacts and leads they go as a whole: a mail, a task, a member of a campaign.
"""

from duckdb import DuckDBPyConnection

from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.plan_sql import SOURCES

_ROUTED = """
select distinct object, operation
from writeback.changes
where plan_id = ? and decision = 'write'
intersect
select object, operation
from writeback.ledger
where outcome = 'failed' and not is_transient
order by all
"""

#: Of a withheld text the ledger has the length to compare, if it has it; ids of records of the same
#: plan are not known.
_BLOCK = """
with

wanted as (

    select
        coalesce(record_id, external_key) as record_key, field, new_value,
        coalesce(is_withheld, false) as is_withheld
    from writeback.changes
    where
        plan_id = $plan_id and object = $object and operation = $operation and decision = 'write'
        and refers_to is null

),

last_attempts as (

    select
        coalesce(external_key, record_id) as record_key, record_id, outcome, is_transient,
        sent_at, error_code, error_message, new_values
    from writeback.ledger
    where object = $object and operation = $operation and outcome in ('written', 'failed')
    qualify row_number() over (partition by record_key order by attempt_id desc) = 1

),

standing as (

    select record_key, error_code, error_message
    from last_attempts
    where
        outcome = 'failed'
        and not is_transient
        and not exists (
            select 1 from raw.salesforce_describes as describes
            where describes.object = $object and describes.loaded_at > last_attempts.sent_at
        )
        {unedited}
        and not exists (
            select 1 from wanted
            where
                wanted.record_key = last_attempts.record_key
                and wanted.new_value is distinct from
                    json_extract_string(last_attempts.new_values, '$.' || wanted.field)
                and not (
                    wanted.is_withheld
                    and not json_exists(last_attempts.new_values, '$.' || wanted.field)
                )
        )

)

update writeback.changes as changes
set
    decision = 'blocked',
    reason = 'Salesforce refused this record before: ' || standing.error_code || ', '
        || standing.error_message || '. Tried again once a value, the record, or the metadata '
        || 'changes'
from standing
where
    changes.plan_id = $plan_id
    and changes.object = $object
    and changes.operation = $operation
    and coalesce(changes.record_id, changes.external_key) = standing.record_key
    and changes.decision = 'write'
"""

_UNEDITED = """
        and not exists (
            select 1 from {versions} as versions
            where
                versions.record_id = last_attempts.record_id
                and versions.loaded_at > last_attempts.sent_at
        )
"""


def block_refused_records(connection: DuckDBPyConnection, plan_id: str) -> None:
    """Turn the cells of such records in a plan from `write` to `blocked`."""
    for name, operation in connection.execute(_ROUTED, [plan_id]).fetchall():
        if operation == "update" and name in SOURCES:
            continue
        is_edited = operation == "update" and name in TABLES
        unedited = _UNEDITED.format(versions=TABLES[name]) if is_edited else ""
        connection.execute(
            _BLOCK.format(unedited=unedited),
            {"plan_id": plan_id, "object": name, "operation": operation},
        )
