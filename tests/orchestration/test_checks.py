"""Asset checks of our own: what they see, and that they stop nothing."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.checks import rejects_are_few
from orchestration.landing.load import load
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a folder with a log in which two of three lines are broken."""
    log = tmp_path / "landing" / "postmark" / "a.ndjson"
    log.parent.mkdir(parents=True)
    log.write_text("oops\noops\n[]\n", encoding="utf-8")
    return Settings.from_environment({"TOUCHLINE_DATA": str(tmp_path)})


def check(settings: Settings) -> dg.AssetCheckResult:
    """Load what there is and ask the check."""
    warehouse = Warehouse(settings.warehouse)
    assert isinstance(settings.landing, Path)
    load(warehouse, settings.landing)
    result = rejects_are_few(warehouse=warehouse, settings=settings)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_l7_a_spike_fails_the_check_and_names_the_reasons(
    settings: Settings, tmp_path: Path
) -> None:
    few = check(settings)
    assert (few.passed, few.description) == (True, None)
    told = Settings.from_environment(
        {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_REJECT_MINIMUM": "2"}
    )
    spike = check(told)
    assert not spike.passed
    assert spike.severity == dg.AssetCheckSeverity.ERROR
    assert spike.description is not None
    assert "postmark: `touchline status`" in spike.description
    assert spike.metadata["postmark"].value == (
        "2 of 2 records rejected (100.0%, usually 0.0%): broken_json 2"
    )
    borne = Settings.from_environment(
        {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_REJECT_MINIMUM": "2",
         "TOUCHLINE_REJECT_SHARE": "1"}
    )  # fmt: skip
    assert check(borne).passed


def test_l7_a_spike_stops_nothing_that_follows() -> None:
    [spec] = rejects_are_few.check_specs
    assert spec.asset_key == dg.AssetKey(["raw", "rejects"])
    assert not spec.blocking
