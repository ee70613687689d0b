"""The org's own tables, beside those of its objects."""

HOUSEKEEPING = """
create table if not exists org_meta (key text primary key, value text not null);
create table if not exists id_numbers (object text primary key, last integer not null);
create table if not exists connected_apps (
    consumer_key text primary key, secret_hash text, public_key text, run_as text not null
);
create table if not exists sessions (
    token_hash text primary key, user_id text not null, consumer_key text not null,
    created_at real not null, expires_at real not null
);
create table if not exists query_cursors (
    cursor_id text primary key, soql text not null,
    include_deleted integer not null, page_size integer not null, ids text not null,
    created_at real not null
);
create table if not exists hidden_fields (
    object text not null, field text not null, primary key (object, field)
);
create table if not exists deployed_fields (
    object text not null, field text not null, definition text not null, primary key (object, field)
);
create table if not exists permission_sets (
    name text primary key, definition text not null, is_assigned integer not null
);
create table if not exists request_log (
    request_id integer primary key, at text not null, method text not null, path text not null,
    query text not null, kind text not null, is_api_call integer not null,
    status integer not null, records integer not null, failed_records integer not null,
    is_write integer not null, duration_ms real not null, fault text not null default ''
);
create index if not exists request_log_at on request_log (at) where is_api_call;
create table if not exists bulk_jobs (
    job_id text primary key, kind text not null, operation text not null, object text not null,
    state text not null, user_id text not null, created_at text not null, changed_at text not null,
    api_version text not null, line_ending text not null, column_delimiter text not null,
    external_id_field text, soql text, processed integer not null, failed integer not null,
    error_message text, milliseconds integer not null, faults text not null,
    started_by integer not null
);
create table if not exists bulk_data (job_id text primary key, content blob not null);
create table if not exists bulk_rows (
    job_id text not null, row_number integer not null, outcome text not null, record_id text,
    is_created integer not null, error text, cells text not null, primary key (job_id, row_number)
) without rowid;
create table if not exists record_writes (
    write_id integer primary key, request_id integer not null, job_id text, source text not null,
    object text not null, record_id text not null, operation text not null, external_key text,
    fields text not null, digest text not null, is_change integer not null, at text not null
);
create index if not exists record_writes_record on record_writes (object, record_id);
create table if not exists late_rows (
    late_id integer primary key, object text not null, record_id text not null,
    visible_at real not null, before text not null
);
"""

#: What a reset empties; apps and the request log stay.
EMPTIED = (
    "query_cursors",
    "hidden_fields",
    "deployed_fields",
    "permission_sets",
    "bulk_jobs",
    "bulk_data",
    "bulk_rows",
    "record_writes",
    "late_rows",
)
