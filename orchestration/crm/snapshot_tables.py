"""The `raw.salesforce_*` tables: their DDL and the set-based SQL that fills them (A7)."""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

#: Object to table; a table holds one row per record VERSION ever seen.
TABLES: Mapping[str, str] = {
    "Contact": "raw.salesforce_contacts",
    "Lead": "raw.salesforce_leads",
    "User": "raw.salesforce_users",
    "Task": "raw.salesforce_tasks",
    "EmailMessage": "raw.salesforce_email_messages",
    "EmailMessageRelation": "raw.salesforce_email_message_relations",
    "CampaignMember": "raw.salesforce_campaign_members",
    "Individual": "raw.salesforce_individuals",
}

_RECORDS_DDL = """
create table if not exists {table} (
    load_id bigint, loaded_at timestamp, record_id varchar, system_modstamp timestamp,
    is_deleted boolean, payload json
)
"""

_DESCRIBES_DDL = """
create table if not exists raw.salesforce_describes (
    load_id bigint, loaded_at timestamp, object varchar, payload json
)
"""

_SNAPSHOTS_DDL = """
create table if not exists raw.salesforce_snapshots (
    load_id bigint, object varchar, mode varchar, since timestamp, until timestamp,
    rows bigint, loaded_at timestamp, fields varchar[]
)
"""

EARLIER_SNAPSHOTS = """
select object, arg_max(until, load_id), arg_max(fields, load_id)
from raw.salesforce_snapshots
group by object
"""

LATEST_DESCRIBES = """
select object, arg_max(payload, load_id)
from raw.salesforce_describes
group by object
"""

#: Appends the records of a file whose content differs from their latest known version.
INSERT_VERSIONS = """
insert into {table} (load_id, loaded_at, record_id, system_modstamp, is_deleted, payload)
with

read_records as (

    select
        json ->> '$.Id' as record_id,
        -- Salesforce answers in UTC, always: 2026-10-22T21:03:23.000+0000
        cast(left(json ->> '$.SystemModstamp', 23) as timestamp) as system_modstamp,
        coalesce(cast(json ->> '$.IsDeleted' as boolean), false) as is_deleted,
        json as payload
    from read_ndjson_objects($file)

),

-- A record that moves between two pages while we read may come twice: its later version counts.
incoming as (

    select * from read_records
    qualify row_number() over (partition by record_id order by system_modstamp desc, payload) = 1

),

known as (

    select
        record_id,
        arg_max(payload, load_id) as payload,
        arg_max(system_modstamp, load_id) as system_modstamp
    from {table}
    where record_id in (select record_id from incoming)
    group by record_id

)

select
    $load_id, $loaded_at, incoming.record_id,
    -- One that had vanished may come back unchanged: that is news, though its own stamp is old.
    greatest(incoming.system_modstamp, known.system_modstamp),
    incoming.is_deleted, incoming.payload
from incoming
left join known on known.record_id = incoming.record_id
where known.payload is distinct from incoming.payload
order by incoming.record_id
"""

#: After a full read: whatever the org no longer shows, not even as deleted, is gone for good
#: (purged from the recycle bin, or hidden from the login) and must not be written to.
INSERT_VANISHED = """
insert into {table} (load_id, loaded_at, record_id, system_modstamp, is_deleted, payload)
with known as (

    select
        record_id,
        arg_max(payload, load_id) as payload,
        arg_max(is_deleted, load_id) as is_deleted
    from {table}
    group by record_id

)

select
    $load_id, $loaded_at, record_id, $until, true,
    json_merge_patch(payload, '{{"IsDeleted": true}}')
from known
where
    not is_deleted
    and record_id not in (select json ->> '$.Id' from read_ndjson_objects($file))
order by record_id
"""

INSERT_DESCRIBE = """
insert into raw.salesforce_describes (load_id, loaded_at, object, payload)
select $load_id, $loaded_at, $object, $payload
where $payload is distinct from (
    select arg_max(payload, load_id) from raw.salesforce_describes where object = $object
)
"""


def create_snapshot_tables(connection: DuckDBPyConnection) -> None:
    """Create the `raw.salesforce_*` tables that do not exist yet."""
    for table in TABLES.values():
        connection.execute(_RECORDS_DDL.format(table=table))
    connection.execute(_DESCRIBES_DDL)
    connection.execute(_SNAPSHOTS_DDL)
