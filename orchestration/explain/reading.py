"""How the read copy is asked: a few rows out of millions, each as a mapping."""

from typing import Any

from duckdb import DuckDBPyConnection

from orchestration.explain.story import Place

Row = dict[str, Any]


def read(connection: DuckDBPyConnection, sql: str, **values: Any) -> list[Row]:
    """Run a query and return its rows by column name."""
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def few(table: str, condition: str) -> str:
    """Return a subquery of the rows of a large table that fulfil a condition.

    The rows are found by the condition's columns alone; only then are the others read, and only
    where they lie. Asked at once, DuckDB reads all columns of all rows (decision 0024).
    """
    return f"(select * from {table} where rowid in (select rowid from {table} where {condition}))"


def place(text: str, copies: int | None = None) -> Place:
    """Return a place as dbt's macro `source_place` writes it: `file:000000012`."""
    file, _, line = text.rpartition(":")
    return Place(file, int(line), copies or 1)
