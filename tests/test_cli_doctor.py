"""`touchline doctor` and `touchline metadata` as people and machines meet them (K8, I9)."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from orchestration.cli import app
from orchestration.local_org import process


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder that nothing was loaded into; its org is stopped afterwards."""
    yield tmp_path
    process.stop(tmp_path / "org")


def touchline(data: Path, *arguments: str, mapping: str = "") -> Result:
    environment = {"TOUCHLINE_DATA": str(data), "TOUCHLINE_ORG_PORT": "0", "COLUMNS": "200"}
    file = data / "mapping.yml"
    file.write_text(f"version: 1\nextends: default\n{mapping}", encoding="utf-8")
    return CliRunner().invoke(
        app, list(arguments), env={**environment, "TOUCHLINE_MAPPING": str(file)}
    )


def test_k8_the_doctor_works_before_anything_was_loaded(data: Path) -> None:
    answer = touchline(data, "doctor")
    assert answer.exit_code == 0, answer.output
    assert "No problems." in answer.stdout
    assert not (data / "warehouse.duckdb").exists()


def test_k8_a_problem_ends_with_status_1_and_what_to_do_in_setup(data: Path) -> None:
    running = process.start(data / "org", 0, None)
    hidden = {"Contact": ["Touchline_Open_Count__c"]}
    httpx.put(f"{running.url}/__admin/hidden-fields", json=hidden, trust_env=False)
    answer = touchline(data, "doctor")
    assert answer.exit_code == 1
    assert "1 problem and 0 warnings: nothing is written until" in answer.stdout
    told = json.loads(touchline(data, "doctor", "--json").stdout)
    assert told["ok"] is False
    (problem,) = [each for each in told["findings"] if each["severity"] == "problem"]
    assert problem["subject"] == "Contact.Touchline_Open_Count__c"
    assert "Setup > Object Manager > Contact" in problem["remedy"]


def test_i9_the_package_says_what_is_not_in_it(data: Path) -> None:
    line = "objects: {Lead: [{metric: open_count, field: Opens__c, policy: owned}]}"
    answer = touchline(data, "metadata", "--out", str(data / "package"), mapping=line)
    assert answer.exit_code == 0
    assert "35 fields and a permission set are in" in answer.stdout
    assert "Lead.Opens__c: a field of your own" in answer.stderr
    assert (data / "package" / "sfdx-project.json").is_file()
    told = json.loads(touchline(data, "metadata", "--out", str(data / "package"), "--json").stdout)
    assert told["left_out"] == []
    assert "README.md" in told["files"]
