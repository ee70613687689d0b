"""An admin's way from an empty org to the first approved write and back, command by command.

docs/first-write.md goes the same way with the whole sync; here the figures are given.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from orchestration.cli import app
from orchestration.crm.snapshot import take_snapshot
from orchestration.landing.tables import create_raw_tables
from orchestration.local_org import process
from orchestration.org import Org
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan
from tests.crm.live_org import ANN, SEED
from tests.local_org.caller import write_seed
from tests.local_org.packages import Project
from tests.writeback.stage import Stage

MAPPING = "version: 1\nextends: default\napproval: {required: every}\n"


class Admin:
    """Somebody at the keyboard, with a data folder and an org that know nothing of each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = folder / "mapping.yml"
        file.write_text(MAPPING, encoding="utf-8")
        seed = write_seed(folder / "seed", {name: list(map(dict, SEED[name])) for name in SEED})
        self.environment = {
            "TOUCHLINE_DATA": str(folder),
            "TOUCHLINE_ORG_PORT": "0",
            "TOUCHLINE_ORG_SEED": str(seed),
            "TOUCHLINE_MAPPING": str(file),
        }
        self.settings = Settings.from_environment(self.environment)

    def types(self, *words: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, list(words), env=self.environment)

    def done(self, *words: str) -> str:
        """Run a command that must succeed, and return what it says."""
        answer = self.types(*words)
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    def json(self, *words: str) -> Any:
        """Run a command for machines."""
        return json.loads(self.types(*words, "--json").stdout)

    def contact(self, record_id: str) -> dict[str, Any]:
        """Return a record as the org holds it."""
        running = process.find(self.settings.org)
        assert running is not None
        url = f"{running.url}/__admin/records/Contact"
        records = httpx.get(url, trust_env=False).raise_for_status().json()
        return next(each for each in records if each["Id"] == record_id)

    def plan(self) -> str:
        """Plan one field of one record as a sync would, and return the plan's name."""
        warehouse, mapping = Warehouse(self.settings.warehouse), load_mapping(self.settings.mapping)
        with warehouse.connect() as connection:
            create_raw_tables(connection)
        Stage(warehouse).metrics(contacts=[{"crm_id": ANN, "open_count": 4}])
        fields = mapping.target_fields()
        take_snapshot(warehouse, Org(self.settings).connect(), target_fields=fields)
        return str(make_plan(warehouse, mapping, planners=[]).plan_id)


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    yield Admin(tmp_path)
    process.stop(tmp_path / "org")


def test_k8_i9_i8_k6_from_an_empty_org_to_the_first_write_and_back(admin: Admin) -> None:
    assert "It has none of Touchline's fields." in admin.done("org", "start", "--bare")
    assert admin.types("doctor").exit_code == 1
    assert "36 components: 36 created." in admin.done("org", "deploy")
    assert admin.types("doctor").exit_code == 1, "nobody has the permission set yet"
    assert "integration@touchline.example" in admin.done("org", "assign")
    assert "No problems." in admin.done("doctor")

    plan_id = admin.plan()
    assert "It waits for approval" in admin.done("plan", "--stored")
    assert "is approved, by Ann" in admin.done("approve", plan_id, "--by", "Ann")
    assert admin.contact(ANN)["Touchline_Open_Count__c"] is None
    assert "1 records written, 0 refused" in admin.done("apply")
    assert admin.contact(ANN)["Touchline_Open_Count__c"] == 4

    (run,) = admin.json("ledger")
    admin.done("undo", run["run_id"], "--yes")
    assert admin.contact(ANN)["Touchline_Open_Count__c"] is None


def test_a_deployment_again_is_told_as_unchanged(admin: Admin) -> None:
    admin.done("org", "start", "--bare")
    admin.done("org", "deploy")
    assert "36 components: 36 unchanged." in admin.done("org", "deploy")
    assert "has what was deployed of Touchline's fields" in admin.done("org", "start", "--bare")


def test_a_refused_deployment_shows_each_problem_and_is_no_success(admin: Admin) -> None:
    admin.done("org", "start")
    project = Project(admin.folder / "project").add_field("Invoice", "Score__c")
    answer = admin.types("org", "deploy", str(project.folder))
    assert answer.exit_code == 1
    assert "Invoice.Score__c" in answer.stdout
    assert "'CustomObject' named 'Invoice' cannot be found" in answer.stdout
    assert "1 component failed; nothing was deployed." in answer.stdout
    assert admin.json("org", "deploy", str(project.folder))["success"] is False
