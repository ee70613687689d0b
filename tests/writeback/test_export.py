"""A plan as a file (K1): all of its cells, and only its own."""

from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse import Warehouse
from orchestration.writeback.export import export_plan
from orchestration.writeback.tables import create_writeback_tables

HEADER = [
    "plan_id", "object", "record_id", "external_key", "field", "old_value", "new_value", "policy",
    "decision", "reason",
]  # fmt: skip
CELLS = [
    ("plan-1", "Contact", "003A", None, "A__c", None, 'Ann, "A"\nLee', "owned", "write", "ä; ö"),
    ("plan-1", "Lead", "00QA", None, "A__c", "1", "1", "owned", "unchanged", "both have 1"),
    ("plan-2", "Lead", "00QB", None, "A__c", "1", "2", "owned", "write", "another plan"),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse with the cells of two plans."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.connect() as connection:
        create_writeback_tables(connection)
        marks = ", ".join("?" * len(HEADER))
        connection.executemany(
            "insert into writeback.changes (plan_id, object, record_id, external_key, field, "
            f"old_value, new_value, policy, decision, reason) values ({marks})",
            CELLS,
        )
    return warehouse


@pytest.mark.parametrize("name", ["cells.csv", "cells.parquet", "Ann's cells.csv"])
def test_every_cell_of_the_plan_is_in_the_file(
    warehouse: Warehouse, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    with warehouse.connect(read_only=True) as connection:
        export_plan(connection, "plan-1", file)
    if file.suffix == ".parquet":
        relation = duckdb.read_parquet(str(file))
    else:
        relation = duckdb.read_csv(str(file), all_varchar=True)
    assert relation.columns == [*HEADER, "operation", "refers_to", "is_withheld"]
    assert sorted(row[: len(HEADER)] for row in relation.fetchall()) == CELLS[:2]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("=1+1", "'=1+1"), ("@SUM(1)", "'@SUM(1)"), ("\t=1", "'\t=1"), ("-1.5", "-1.5"), ("1-", "1-")],
)
def test_a_spreadsheet_takes_no_value_of_a_csv_for_a_formula(
    warehouse: Warehouse, tmp_path: Path, value: str, shown: str
) -> None:
    with warehouse.connect() as connection:
        connection.execute("update writeback.changes set new_value = ?", [value])
        for name in ("cells.csv", "cells.parquet"):
            export_plan(connection, "plan-2", tmp_path / name)
    told = duckdb.read_csv(str(tmp_path / "cells.csv"), all_varchar=True).fetchall()
    exact = duckdb.read_parquet(str(tmp_path / "cells.parquet")).fetchall()
    assert (told[0][6], exact[0][6]) == (shown, value)


def test_a_second_export_replaces_the_first(warehouse: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    with warehouse.connect(read_only=True) as connection:
        export_plan(connection, "plan-1", file)
        export_plan(connection, "plan-2", file)
    assert [row[2] for row in duckdb.read_csv(str(file)).fetchall()] == ["00QB"]


def test_another_kind_of_file_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    with (
        warehouse.connect(read_only=True) as connection,
        pytest.raises(ValueError, match=r"neither \.csv nor \.parquet"),
    ):
        export_plan(connection, "plan-1", tmp_path / "cells.xlsx")
