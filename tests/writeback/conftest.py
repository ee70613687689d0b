"""Fixtures of the writeback room."""

from pathlib import Path

import pytest

from orchestration.warehouse import Warehouse
from tests.writeback.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(Warehouse(tmp_path / "warehouse.duckdb"))
