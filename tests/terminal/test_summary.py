"""What the warehouse says it holds, also of a first run that ended early."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from orchestration.crm.snapshot_tables import TABLES, create_snapshot_tables
from orchestration.landing.tables import create_raw_tables
from orchestration.terminal import summary
from orchestration.terminal.status import as_json, read_status
from orchestration.warehouse import Warehouse

AT = datetime.fromisoformat("2026-10-22 08:00:00")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse into which one file was loaded, twice as it grew."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.connect() as connection:
        create_raw_tables(connection)
        for load_id, rows in ((1, 3), (2, 4)):
            connection.execute(
                'insert into raw.loads (load_id, source, file, "rows", rejected, loaded_at) '
                "values (?, 'sendgrid', 'sendgrid/a.ndjson', ?, 1, ?)",
                [load_id, rows, AT],
            )
    return warehouse


def test_a_run_that_salesforce_refused_has_loaded_files_all_the_same(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        state = read_status(connection)
    assert state.loads == [("sendgrid", 1, 7, 2, 0, AT)]
    assert json.loads(json.dumps(as_json(state), default=str))["plan"] is None


def test_of_salesforce_each_record_counts_once_and_deleted_ones_not(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        create_snapshot_tables(connection)
        versions = [
            ("Contact", 1, "003A", False),
            ("Contact", 2, "003A", False),
            ("Contact", 1, "003B", False),
            ("Contact", 2, "003B", True),
            ("Lead", 1, "00QA", False),
        ]
        for name, load_id, record_id, is_deleted in versions:
            connection.execute(
                f"insert into {TABLES[name]} (load_id, record_id, is_deleted) values (?, ?, ?)",
                [load_id, record_id, is_deleted],
            )
        assert [row[0] for row in summary.loads(connection)] == ["sendgrid"], "no snapshot yet"
        connection.execute(
            "insert into raw.salesforce_snapshots (load_id, object, loaded_at) "
            "values (2, 'Contact', ?)",
            [AT],
        )
        assert summary.loads(connection)[1] == ("salesforce", None, 2, 0, 0, AT)
