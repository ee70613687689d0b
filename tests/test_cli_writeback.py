"""`touchline apply`, `undo` and `ledger` on a local org, as people and machines meet them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from orchestration.cli import app
from orchestration.crm.snapshot import take_snapshot
from orchestration.landing.tables import create_raw_tables
from orchestration.local_org import process
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan
from tests.crm.live_org import ANN, BEN, SEED, LiveOrg
from tests.writeback.stage import Stage

OPENS = "Touchline_Open_Count__c"


@dataclass(frozen=True)
class Desk:
    """A data folder with a plan, its org, and somebody at the keyboard."""

    org: LiveOrg
    stage: Stage
    environment: dict[str, str]

    def type(self, *words: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, list(words), env=self.environment)

    def json(self, *words: str) -> Any:
        """Run a command for machines."""
        return json.loads(self.type(*words, "--json").stdout)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    environment = {"TOUCHLINE_DATA": str(folder), "TOUCHLINE_ORG_PORT": "0"}
    settings = Settings.from_environment(environment)
    started = process.start(settings.org, port=0, seed=_seed(folder))
    try:
        with httpx.Client(base_url=started.url, trust_env=False) as admin:
            org = LiveOrg(started.url, folder / "seed", admin)
            warehouse = Warehouse(settings.warehouse)
            with warehouse.connect() as connection:
                create_raw_tables(connection)
            stage, mapping = Stage(warehouse), load_mapping()
            stage.metrics(contacts=[{"crm_id": each, "open_count": 4} for each in (ANN, BEN)])
            take_snapshot(warehouse, org.crm(), target_fields=mapping.target_fields())
            make_plan(warehouse, mapping, planners=[])
            yield Desk(org, stage, environment)
    finally:
        process.stop(settings.org)


def _seed(folder: Path) -> Path:
    seed = folder / "seed"
    seed.mkdir()
    for name, records in SEED.items():
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (seed / f"{name}.ndjson").write_text(lines, encoding="utf-8")
    return seed


def test_k6_a_plan_is_applied_listed_and_taken_back_by_command(desk: Desk) -> None:
    applied = desk.json("apply")
    assert (applied["written"], applied["failed"], applied["unknown"]) == (2, 0, 0)
    assert desk.org.record("Contact", ANN)[OPENS] == 4
    (run,) = desk.json("ledger")
    assert (run["run_id"], run["written"], run["undone"]) == (applied["run_id"], 2, 0)
    attempts = desk.json("ledger", "--record", ANN[:15])
    assert [(each["record_id"], each["new_values"]) for each in attempts] == [(ANN, {OPENS: "4"})]

    # Looking changes nothing, and nobody is asked where nobody sits.
    looked = desk.type("undo", run["run_id"][:12], "--plan")
    assert looked.exit_code == 0
    assert f"Contact {ANN}" in looked.stdout
    assert desk.type("undo", run["run_id"]).exit_code == 2
    bare = desk.type("apply")
    assert "plan-00001 was applied already" in str(bare.exception)
    assert desk.org.record("Contact", ANN)[OPENS] == 4

    undone = desk.json("undo", run["run_id"], "--yes")
    assert (undone["changed_records"], undone["applied"]["written"]) == (2, 2)
    assert desk.org.record("Contact", ANN)[OPENS] is None
    listed = desk.type("ledger")
    assert f"takes back {run['run_id']}" in listed.stdout
    assert desk.json("ledger", "--run", run["run_id"])[0]["outcome"] == "undone"


def test_k4_a_resume_with_nothing_to_resume_says_so(desk: Desk) -> None:
    resumed = desk.type("apply", "--resume")
    assert resumed.exit_code == 0
    assert "No plan was interrupted" in resumed.stdout


def test_a_plan_to_resume_is_not_named(desk: Desk) -> None:
    assert desk.type("apply", "plan-00001", "--resume").exit_code == 2
