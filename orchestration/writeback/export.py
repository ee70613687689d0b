"""A plan as a file: every cell, for a spreadsheet or a notebook (K1)."""

from pathlib import Path

from duckdb import DuckDBPyConnection

_CELLS = """
select
    plan_id, object, record_id, external_key, field, old_value, new_value, policy, decision, reason,
    coalesce(operation, 'update') as operation, refers_to,
    coalesce(is_withheld, false) as is_withheld
from (
    select * from writeback.changes
    union all by name
    -- A warehouse that this version has not written to yet lacks some columns.
    select null::varchar as operation, null::varchar as refers_to, null::boolean as is_withheld
    where false
)
where plan_id = $plan_id
order by object, coalesce(record_id, external_key), field
"""

#: How a file is written, by the end of its name.
FORMATS = {".csv": "csv, header", ".parquet": "parquet"}


def export_plan(connection: DuckDBPyConnection, plan_id: str, file: Path) -> None:
    """Write all cells of a plan to a .csv or .parquet file.

    Raises:
        ValueError: another kind of file.
    """
    if file.suffix not in FORMATS:
        raise ValueError(f"{file} is neither .csv nor .parquet. Name the file by one of these.")
    connection.execute("create or replace temp table exported as " + _CELLS, {"plan_id": plan_id})
    target = str(file).replace("'", "''")
    connection.execute(f"copy exported to '{target}' (format {FORMATS[file.suffix]})")
