"""The raw tables: one shape for every payload, the ledger of loads, the rejects."""

from duckdb import DuckDBPyConnection

from orchestration.crm.snapshot_tables import create_snapshot_tables
from orchestration.landing.formats import FORMATS

#: Zstandard takes half the time of DuckDB's choice for long strings, and a third of the room.
_PAYLOAD_DDL = """
create table if not exists {table} (
    load_id bigint, file varchar, line bigint, position integer, loaded_at timestamp,
    payload json using compression zstd, envelope json using compression zstd
)
"""

#: Columns that warehouses of version 0.1 lack.
_LATER_COLUMNS = "alter table {table} add column if not exists {column}"

_LEDGER_DDL = (
    "create schema if not exists raw",
    "create sequence if not exists raw.load_ids",
    """
    create table if not exists raw.loads (
        load_id bigint, source varchar, file varchar, bytes bigint, rows bigint, rejected bigint,
        loaded_at timestamp, content_hash varchar, start_byte bigint, pending_bytes bigint,
        head_hash varchar, skipped bigint
    )
    """,
    """
    create table if not exists raw.rejects (
        load_id bigint, source varchar, file varchar, line bigint, reason varchar, payload varchar,
        settled_at timestamp
    )
    """,
    # Records that are known to be none of ours, such as subscription confirmations.
    """
    create table if not exists raw.skipped (
        load_id bigint, source varchar, file varchar, reason varchar, records bigint
    )
    """,
    # Files to be loaded again though their content is known, and the load that did it.
    """
    create table if not exists raw.reloads (
        source varchar, file varchar, requested_at timestamp, load_id bigint
    )
    """,
    # Network lists as they are now: what a new list leaves out is gone (C1).
    """
    create table if not exists raw.networks (
        network_kind varchar, cidr varchar, file varchar, line bigint, problem varchar,
        loaded_at timestamp
    )
    """,
    # How each file looked when it was last read: spares reading it again to learn nothing new.
    """
    create table if not exists raw.landing_files (
        source varchar, file varchar, size bigint, modified_ns bigint, is_settled boolean,
        problem varchar, version varchar, primary key (source, file)
    )
    """,
)


def create_raw_tables(connection: DuckDBPyConnection) -> None:
    """Create every table of schema `raw` and the sequence `raw.load_ids` where missing.

    All times are naive UTC. `raw.loads.bytes` is the offset up to which a file's (decompressed)
    content was taken in, `content_hash` the SHA-256 of that prefix, `head_hash` of its first
    bytes; together they recognise a file that grew or came back under another name (A9).
    `raw.rejects.settled_at` is empty as long as there is something to be done about a reject.
    """
    for statement in _LEDGER_DDL:
        connection.execute(statement)
    for each in FORMATS:
        connection.execute(_PAYLOAD_DDL.format(table=each.table))
        connection.execute(_LATER_COLUMNS.format(table=each.table, column="envelope json"))
    connection.execute(_LATER_COLUMNS.format(table="raw.loads", column="skipped bigint"))
    connection.execute(_LATER_COLUMNS.format(table="raw.rejects", column="settled_at timestamp"))
    connection.execute(_LATER_COLUMNS.format(table="raw.landing_files", column="version varchar"))
    create_snapshot_tables(connection)
