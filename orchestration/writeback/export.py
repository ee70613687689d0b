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

#: A spreadsheet works out what begins like a formula, and subjects of mail are anybody's to choose.
_SAFE_TEXTS = ", ".join(
    f"if(regexp_matches({column}, '^[-=+@[:cntrl:]]') and try_cast({column} as double) is null, "
    f"chr(39) || {column}, {column}) as {column}"
    for column in ("external_key", "old_value", "new_value")
)
_SAFE_CELLS = f"select * replace ({_SAFE_TEXTS}) from exported"

#: How a file is written, by the end of its name.
FORMATS = {".csv": "csv, header", ".parquet": "parquet"}


def export_plan(connection: DuckDBPyConnection, plan_id: str, file: Path) -> None:
    """Write all cells of a plan to a .csv or .parquet file.

    In a .csv a text that a spreadsheet would take for a formula has an apostrophe before it.

    Raises:
        ValueError: another kind of file.
    """
    if file.suffix not in FORMATS:
        raise ValueError(f"{file} is neither .csv nor .parquet. Name the file by one of these.")
    connection.execute("create or replace temp table exported as " + _CELLS, {"plan_id": plan_id})
    target = str(file).replace("'", "''")
    cells = _SAFE_CELLS if file.suffix == ".csv" else "from exported"
    connection.execute(f"copy ({cells}) to '{target}' (format {FORMATS[file.suffix]})")
