"""The tables of the writeback: plans, their cells, the ledger of attempts, skipped records."""

from duckdb import DuckDBPyConnection


def create_writeback_tables(connection: DuckDBPyConnection) -> None:
    """Create the `writeback.*` tables that do not exist yet."""
    raise NotImplementedError
