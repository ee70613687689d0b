"""Fixtures of the writeback room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.crm.salesforce import SalesforceCrm
from orchestration.landing.tables import create_raw_tables
from orchestration.writeback import fates, sending_collections
from tests.crm.live_org import IMPATIENT, LiveOrg, running_org
from tests.crm.scripted_org import Script, scripted_org
from tests.held_warehouse import held_warehouse
from tests.writeback.activity_scene import Scene
from tests.writeback.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with held_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        with warehouse.connect() as connection:
            create_raw_tables(connection)
        yield Stage(warehouse)


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return Scene(stage.warehouse)


@pytest.fixture(scope="session")
def started_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveOrg]:
    with running_org(tmp_path_factory.mktemp("org")) as org:
        yield org


@pytest.fixture
def org(started_org: LiveOrg) -> LiveOrg:
    started_org.reset()
    return started_org


@pytest.fixture
def script(stage: Stage) -> Iterator[Script]:
    with scripted_org() as running:
        running.standing = stage.unmoved
        yield running


@pytest.fixture
def crm(script: Script) -> SalesforceCrm:
    return script.crm(IMPATIENT)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_collections, "SECONDS_BEFORE_AGAIN", 0)
    monkeypatch.setattr(fates, "SECONDS_UNTIL_VISIBLE", 0)
