"""K1: a plan that waits is approved and written from the Dagster UI, or by a later run."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.approval import approve_plan_job
from orchestration.assets.writeback import FIELDS, LEDGER, PLAN, READ_COPY, applied_plan
from orchestration.crm.client import Crm
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.landing.tables import create_raw_tables
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.approval import approve_plan
from orchestration.writeback.mapping import parse_mapping
from orchestration.writeback.plan import Plan, make_plan, read_plan
from tests.crm.live_org import IMPATIENT
from tests.crm.scripted_org import Answer, Script, scripted_org
from tests.writeback.scene import ANN, BEN, SAVED
from tests.writeback.stage import Stage

pytestmark = pytest.mark.slow

MAPPING_TEXT = """
version: 1
objects:
  Contact:
    - {metric: open_count, field: Opens__c, policy: owned}
"""
MAPPING = parse_mapping(MAPPING_TEXT, "mapping.yml")


@dataclass(frozen=True)
class ScriptedOrg:
    """Stands where the environment's org does."""

    crm: SalesforceCrm

    def connect(self) -> Crm:
        """Return the client of the scripted org."""
        return self.crm


@dataclass(frozen=True)
class Waiting:
    """A plan of one record that waits, an org that would take it, and what jobs are given."""

    stage: Stage
    plan: Plan
    script: Script
    resources: dict[str, Any]

    def newest(self) -> Plan:
        """Return the newest plan as it is now."""
        with self.stage.warehouse.connect(read_only=True) as connection:
            plan = read_plan(connection)
        assert plan is not None
        return plan

    def apply(self, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
        """Have a run come to the step that writes."""
        instance.report_runless_asset_event(
            dg.AssetMaterialization(PLAN, metadata={"plan_id": self.plan.plan_id})
        )
        return dg.materialize([applied_plan], instance=instance, resources=self.resources)


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(MAPPING_TEXT, encoding="utf-8")
    settings = Settings.from_environment(
        {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_MAPPING": str(mapping)}
    )
    stage = Stage(Warehouse(settings.warehouse))
    with stage.warehouse.connect() as connection:
        create_raw_tables(connection)
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 1.0}])
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5}])
    plan = make_plan(stage.warehouse, MAPPING, approval="every")
    with scripted_org() as script:
        script.standing = stage.unmoved
        script.answers = [Answer(200, [SAVED])]
        org = ScriptedOrg(script.crm(IMPATIENT))
        resources = {"warehouse": stage.warehouse, "org": org, "settings": settings}
        yield Waiting(stage, plan, script, resources)


def keys(result: dg.ExecuteInProcessResult) -> list[dg.AssetKey]:
    made = [
        event.step_materialization_data.materialization.asset_key
        for event in result.all_events
        if event.is_step_materialization
    ]
    return list(made)


def test_k1_the_job_approves_the_plan_that_is_named_and_writes_it(waiting: Waiting) -> None:
    refused = approve_plan_job.execute_in_process(resources=waiting.resources, raise_on_error=False)
    assert not refused.success
    (failure,) = refused.get_step_failure_events()
    assert f"The newest one is {waiting.plan.plan_id}" in str(failure.step_failure_data.error)
    named = {"plan_id": waiting.plan.plan_id, "by": "Ann"}
    result = approve_plan_job.execute_in_process(
        run_config={"ops": {"approve_and_apply": {"config": named}}},
        resources=waiting.resources,
    )
    assert result.success
    assert keys(result) == [LEDGER, FIELDS, READ_COPY]
    plan = waiting.newest()
    assert (plan.state, plan.approval, plan.approved_by) == ("applied", "approved", "Ann")
    assert waiting.resources["settings"].published.is_file()


def test_k1_the_job_takes_no_plan_that_is_gone(waiting: Waiting) -> None:
    waiting.stage.snapshot(contacts=[{"Id": BEN, "Opens__c": 1.0}])
    waiting.stage.metrics(contacts=[{"crm_id": BEN, "open_count": 5}])
    make_plan(waiting.stage.warehouse, MAPPING, approval="every")
    result = approve_plan_job.execute_in_process(
        run_config={"ops": {"approve_and_apply": {"config": {"plan_id": waiting.plan.plan_id}}}},
        resources=waiting.resources,
        raise_on_error=False,
    )
    assert not result.success
    assert waiting.script.asked == []
    assert waiting.newest().waits


def test_k1_a_run_writes_nothing_of_a_plan_that_waits(waiting: Waiting) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = waiting.apply(instance)
    assert result.success
    assert keys(result) == [LEDGER]
    assert waiting.script.asked == []
    assert waiting.newest().waits


def test_k1_a_run_writes_what_was_approved_since_the_run_that_planned_it(waiting: Waiting) -> None:
    with waiting.stage.warehouse.connect() as connection:
        approve_plan(connection, waiting.plan.plan_id, "Ann")
    # The next run: a new snapshot, and the same to write.
    waiting.stage.snapshot()
    again = make_plan(waiting.stage.warehouse, MAPPING, approval="every")
    assert again.plan_id == waiting.plan.plan_id
    with dg.DagsterInstance.ephemeral() as instance:
        result = waiting.apply(instance)
    assert keys(result) == [LEDGER, FIELDS]
    assert waiting.newest().state == "applied"
