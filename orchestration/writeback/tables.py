"""The `writeback.*` tables: what each holds, and how an older warehouse gets what is new."""

from duckdb import DuckDBPyConnection

_DDL = """
create sequence if not exists writeback.attempt_ids;

-- `kind` is sync or undo (then `undoes` names the run that is taken back). `approval` is
-- not_needed, waiting or approved; `gates` says why the plan waits, one line each.
create table if not exists writeback.plans (
    plan_id varchar not null, created_at timestamp not null, snapshot_at timestamp not null,
    state varchar not null, records bigint not null, changed_records bigint not null,
    changed_cells bigint not null, api_calls_estimate bigint not null, notes varchar[] not null,
    kind varchar default 'sync', undoes varchar, approval varchar default 'not_needed',
    gates varchar[], approved_at timestamp, approved_by varchar
);

-- A creation has no record_id but an external_key. Where a value is the id of a record that the
-- same plan creates, `refers_to` is that record's external key and new_value is null. A withheld
-- value (the text of a mail) is not in here: new_value says how long it is, crm.activities has it,
-- and text_hash tells whether it is still the same text.
create table if not exists writeback.changes (
    plan_id varchar not null, object varchar not null, record_id varchar, external_key varchar,
    field varchar not null, old_value varchar, new_value varchar, policy varchar not null,
    decision varchar not null, reason varchar not null, operation varchar default 'update',
    refers_to varchar, is_withheld boolean default false, text_hash varchar
);

-- Every cell of a plan is counted here; `changes` may leave out the unchanged ones.
create table if not exists writeback.plan_counts (
    plan_id varchar not null, object varchar not null, field varchar not null,
    policy varchar not null, decision varchar not null, cells bigint not null
);

-- How a plan's records are sent: one row per object and operation (update, create or delete).
create table if not exists writeback.plan_routes (
    plan_id varchar not null, object varchar not null, operation varchar not null,
    route varchar not null, records bigint not null, read_calls bigint not null,
    write_calls bigint not null, reason varchar not null
);

-- A row without an outcome was sent, and its answer never came back.
create table if not exists writeback.ledger (
    attempt_id bigint not null, plan_id varchar not null, run_id varchar not null,
    object varchar not null, record_id varchar, external_key varchar,
    sent_at timestamp not null, outcome varchar, error_code varchar, error_message varchar,
    error_fields varchar[], is_transient boolean, old_values json, new_values json,
    operation varchar default 'update', job_id varchar
);

-- Bulk jobs, noted before their data is uploaded. `state` is open, started, done, failed or
-- aborted, as far as is known; a job without `closed_at` has answers to fetch.
create table if not exists writeback.jobs (
    job_id varchar not null, plan_id varchar not null, run_id varchar not null,
    object varchar not null, operation varchar not null, state varchar not null,
    records bigint not null, opened_at timestamp not null, closed_at timestamp
);

create table if not exists writeback.skipped (
    object varchar not null, record_id varchar not null, reason varchar not null,
    first_seen_at timestamp not null, last_seen_at timestamp not null, attempts bigint not null
);
"""

#: Columns that warehouses of earlier versions lack.
_ADDED = {
    "plans": (
        "kind varchar default 'sync'",
        "undoes varchar",
        "approval varchar default 'not_needed'",
        "gates varchar[]",
        "approved_at timestamp",
        "approved_by varchar",
    ),
    "changes": (
        "operation varchar default 'update'",
        "refers_to varchar",
        "is_withheld boolean default false",
        "text_hash varchar",
    ),
    "ledger": ("operation varchar default 'update'", "job_id varchar"),
}


def create_writeback_tables(connection: DuckDBPyConnection) -> None:
    """Create the `writeback.*` tables that do not exist yet, and add columns that are missing."""
    connection.execute("create schema if not exists writeback")
    connection.execute(_DDL)
    for table, columns in _ADDED.items():
        for column in columns:
            connection.execute(f"alter table writeback.{table} add column if not exists {column}")
