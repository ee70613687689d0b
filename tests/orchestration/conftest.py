"""The code location over a data folder of its own, with a manifest of the models as they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions import build_defs
from orchestration.settings import Settings

#: Dagster resolves definitions to an AssetGraph and does not export the class.
Graph = Any

#: What `Settings.export` tells to child processes; put back when the tests are over.
TOLD = ("DAGSTER_HOME", "TOUCHLINE_DATA", "TOUCHLINE_WAREHOUSE", "TOUCHLINE_PUBLISHED")


@pytest.fixture(scope="session")
def assembled_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a folder in which nothing has been run."""
    return Settings.from_environment({"TOUCHLINE_DATA": str(tmp_path_factory.mktemp("data"))})


@pytest.fixture(scope="session")
def definitions(assembled_settings: Settings) -> Iterator[dg.Definitions]:
    """The whole code location."""
    with pytest.MonkeyPatch.context() as environment:
        for name in TOLD:
            environment.setenv(name, "put back after the tests")
        yield build_defs(assembled_settings)


@pytest.fixture(scope="session")
def graph(definitions: dg.Definitions) -> Graph:
    """Every asset and check, and how they hang together."""
    return definitions.resolve_asset_graph()


@pytest.fixture(scope="session")
def manifest(definitions: dg.Definitions, assembled_settings: Settings) -> dict[str, Any]:
    """What dbt says of the project."""
    assert definitions
    file: Path = assembled_settings.dbt_project / "target" / "manifest.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
