"""The tables of the writeback, and what reports read from them."""

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

_DDL = """
create sequence if not exists writeback.plan_numbers;
create sequence if not exists writeback.attempt_ids;

create table if not exists writeback.plans (
    plan_id varchar not null, created_at timestamp not null, snapshot_at timestamp not null,
    state varchar not null, records bigint not null, changed_records bigint not null,
    changed_cells bigint not null, api_calls_estimate bigint not null, notes varchar[] not null
);

create table if not exists writeback.changes (
    plan_id varchar not null, object varchar not null, record_id varchar, external_key varchar,
    field varchar not null, old_value varchar, new_value varchar, policy varchar not null,
    decision varchar not null, reason varchar not null
);

-- Every cell of a plan is counted here; `changes` may leave out the unchanged ones.
create table if not exists writeback.plan_counts (
    plan_id varchar not null, object varchar not null, field varchar not null,
    policy varchar not null, decision varchar not null, cells bigint not null
);

-- A row without an outcome was sent, and its answer never came back.
create table if not exists writeback.ledger (
    attempt_id bigint not null, plan_id varchar not null, run_id varchar not null,
    object varchar not null, record_id varchar, external_key varchar,
    sent_at timestamp not null, outcome varchar, error_code varchar, error_message varchar,
    error_fields varchar[], is_transient boolean, old_values json, new_values json
);

create table if not exists writeback.skipped (
    object varchar not null, record_id varchar not null, reason varchar not null,
    first_seen_at timestamp not null, last_seen_at timestamp not null, attempts bigint not null
);
"""


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record that could not be written, and since when."""

    object: str
    record_id: str
    reason: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many records Salesforce refused with one code, and its words for one of them."""

    code: str
    records: int
    sample: str


def create_writeback_tables(connection: DuckDBPyConnection) -> None:
    """Create the `writeback.*` tables that do not exist yet."""
    connection.execute("create schema if not exists writeback")
    connection.execute(_DDL)


def decision_counts(connection: DuckDBPyConnection, plan_id: str) -> dict[str, int]:
    """Return how many cells of the plan got each decision, unchanged ones included."""
    rows = connection.execute(
        "select decision, sum(cells)::bigint from writeback.plan_counts "
        "where plan_id = ? group by decision order by decision",
        [plan_id],
    ).fetchall()
    return dict(rows)


def failures_by_code(connection: DuckDBPyConnection, run_id: str) -> list[FailureCount]:
    """Return the run's refused records by error code, the most frequent first."""
    rows = connection.execute(
        "select error_code, count(*), any_value(error_message) from writeback.ledger "
        "where run_id = ? and outcome = 'failed' group by error_code order by count(*) desc, 1",
        [run_id],
    ).fetchall()
    return [FailureCount(code, count, sample) for code, count, sample in rows]


def skipped_records(connection: DuckDBPyConnection, limit: int = 100) -> list[SkippedRecord]:
    """Return the records that cannot be written at present, the latest seen first."""
    rows = connection.execute(
        "select object, record_id, reason, first_seen_at, last_seen_at, attempts "
        "from writeback.skipped order by last_seen_at desc, object, record_id limit ?",
        [limit],
    ).fetchall()
    return [SkippedRecord(*row) for row in rows]
