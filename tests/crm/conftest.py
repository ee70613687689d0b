"""Fixtures of the crm room: a local org, and a warehouse to read it into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.landing.tables import create_raw_tables
from orchestration.warehouse import Warehouse
from tests.crm.live_org import LiveOrg, running_org
from tests.held_warehouse import held_warehouse


@pytest.fixture(scope="session")
def started_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveOrg]:
    with running_org(tmp_path_factory.mktemp("org")) as org:
        yield org


@pytest.fixture
def org(started_org: LiveOrg) -> LiveOrg:
    started_org.reset()
    return started_org


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with held_warehouse(tmp_path / "warehouse.duckdb") as held:
        with held.connect() as connection:
            create_raw_tables(connection)
        yield held
