"""Fixtures of the landing room: an empty landing folder beside an empty warehouse."""

from pathlib import Path

import pytest

from orchestration.warehouse import Warehouse
from tests.landing.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    landing = tmp_path / "landing"
    landing.mkdir()
    return Folder(landing, Warehouse(tmp_path / "warehouse.duckdb"))
