"""The steps that Dagster shows: which plan is applied, and when they fail or make nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.writeback import FIELDS, LEDGER, PLAN, applied_plan, ended_early, plan
from orchestration.checks import nothing_was_refused
from orchestration.crm.client import CallCounts
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.settings import Settings
from orchestration.writeback.apply import WritebackReport
from orchestration.writeback.plan import make_plan
from tests.crm.live_org import IMPATIENT
from tests.crm.scripted_org import RESET, Answer, Script
from tests.writeback.scene import ANN, BEN, MAPPING, SAVED, refused, sent_ids
from tests.writeback.stage import Stage

MAPPING_TEXT = """
version: 1
objects:
  Contact:
    - {metric: open_count, field: Opens__c, policy: owned}
"""


@dataclass(frozen=True)
class Reached:
    """An org that needs no start."""

    crm: SalesforceCrm

    def connect(self) -> SalesforceCrm:
        """Return the client."""
        return self.crm


@dataclass(frozen=True)
class Steps:
    """The writeback's steps over a stage and a script."""

    stage: Stage
    script: Script
    settings: Settings
    instance: dg.DagsterInstance

    def run(self, *steps: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
        """Run these steps, or all, as one run."""
        return dg.materialize(
            list(steps) or [plan, applied_plan, nothing_was_refused],
            resources={
                "warehouse": self.stage.warehouse,
                "settings": self.settings,
                "org": Reached(self.script.crm(IMPATIENT)),
            },
            instance=self.instance,
            raise_on_error=False,
        )


@pytest.fixture
def steps(stage: Stage, script: Script, tmp_path: Path) -> Steps:
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(MAPPING_TEXT, encoding="utf-8")
    settings = Settings.from_environment(
        {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_MAPPING": str(mapping)}
    )
    stage.snapshot(contacts=[{"Id": ANN}, {"Id": BEN}])
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5}, {"crm_id": BEN, "open_count": 5}])
    return Steps(stage, script, settings, dg.DagsterInstance.ephemeral())


def made(result: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    events = result.get_asset_materialization_events()
    return {event.asset_key for event in events if event.asset_key}


def figures(steps: Steps, key: dg.AssetKey) -> dict[str, Any]:
    entry = steps.instance.get_latest_materialization_event(key)
    assert entry is not None
    assert entry.asset_materialization is not None
    return {name: each.value for name, each in entry.asset_materialization.metadata.items()}


def refusals(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    [check] = result.get_asset_check_evaluations()
    return {name: value.value for name, value in check.metadata.items()}


def test_a_write_that_ends_early_fails_the_step_after_its_figures_and_publishes(
    steps: Steps,
) -> None:
    """K5: Dagster alerts on failed runs, and readers see what was written until then."""
    steps.script.answers = [RESET] * IMPATIENT.attempts
    result = steps.run(plan, applied_plan)
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_key == "apply_plan"
    assert "no answer" in str(failure.step_failure_data.error)
    assert figures(steps, LEDGER)["written"] == 0
    assert steps.settings.published.exists()


def test_rule_25_a_step_tells_what_was_read_sent_and_refused_and_by_how_many_calls(
    steps: Steps,
) -> None:
    too_long = refused("STRING_TOO_LONG")
    too_long["errors"][0]["message"] = "Two\nlines, or | three"
    steps.script.answers = [Answer(200, [too_long, SAVED])]
    assert steps.run(plan, applied_plan).success
    planned, written = figures(steps, PLAN), figures(steps, LEDGER)
    assert (planned["records"], planned["changed_records"]) == (2, 2)
    told = ("written", "failed", "failed_by_code", "write_calls", "jobs")
    assert [written[name] for name in told] == [1, 1, {"STRING_TOO_LONG": 1}, 1, []]
    assert written["read_calls"] + written["write_calls"] == planned["api_calls_estimate"]
    assert "| STRING_TOO_LONG | 1 | Two lines, or \\| three | rests until" in written["refusals"]


@pytest.mark.parametrize(
    ("has_begun", "told"),
    [
        (True, "(1 record was not reached; `touchline apply --resume` goes on, or the next run"),
        (False, "(1 record was not reached; mend it: the next run, or `touchline apply plan-7`"),
    ],
)
def test_k8_what_has_not_begun_is_not_resumed_but_applied(has_begun: bool, told: str) -> None:
    report = WritebackReport(
        "plan-7", "run", 0, 0, 0, 1, {}, CallCounts(), 0.0, "No.", has_begun=has_begun
    )
    assert str(ended_early(report).description).startswith(f"No. {told}")


def test_a_plan_without_writes_makes_no_field_of_salesforce(steps: Steps) -> None:
    steps.script.answers = [Answer(200, [SAVED, SAVED])]
    assert made(steps.run()) == {PLAN, LEDGER, FIELDS}
    steps.stage.snapshot(
        contacts=[{"Id": ANN, "Opens__c": 5}, {"Id": BEN, "Opens__c": 5}],
    )
    assert made(steps.run()) == {PLAN, LEDGER}


def test_the_check_speaks_of_the_newest_run_only(steps: Steps) -> None:
    steps.script.answers = [Answer(200, [refused("LOCKED_OUT"), SAVED])]
    assert refusals(steps.run()) == {"LOCKED_OUT": 1}
    steps.stage.snapshot(
        contacts=[{"Id": ANN, "Opens__c": 5}, {"Id": BEN, "Opens__c": 5}],
    )
    assert refusals(steps.run()) == {}


def test_the_plan_that_is_applied_is_the_one_that_dagster_saw_made(steps: Steps) -> None:
    """A plan that slipped in by hand is not written unseen, nor the older one over it."""
    assert steps.run(plan).success
    steps.stage.metrics(contacts=[{"crm_id": ANN, "open_count": 6}])
    make_plan(steps.stage.warehouse, MAPPING)
    result = steps.run(applied_plan)
    assert not result.success
    assert sent_ids(steps.script) == []
