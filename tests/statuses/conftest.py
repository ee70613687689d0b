"""The models of statuses, compiled by dbt once."""

from pathlib import Path

import pytest

from tests.dbt_command import run_dbt
from tests.statuses.models import Models

_CHAIN = "int_enrollments__current+1 enrollment_status_history"
_TESTS = "every_play_names_what_there_is every_play_can_apply"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where dbt left what it compiled."""
    folder = tmp_path_factory.mktemp("statuses")
    run_dbt(folder / "warehouse.duckdb", "compile", "--select", *_CHAIN.split(), *_TESTS.split())
    return folder / "dbt-test" / "compiled"


@pytest.fixture
def models(compiled: Path) -> Models:
    """Return the models over no tables yet."""
    return Models(compiled)
