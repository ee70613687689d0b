"""Finding out what became of runs that died, at whatever moment that was (K4, K6)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from orchestration.crm.client import Job
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback import apply as apply_module
from orchestration.writeback import fates
from orchestration.writeback.apply import apply_plan, resume_plan
from orchestration.writeback.approval import approve_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import Plan, make_plan
from orchestration.writeback.planners import PlanContext, Planner
from orchestration.writeback.settle import settle
from orchestration.writeback.undo import make_undo_plan
from tests.crm.live_org import LiveOrg
from tests.writeback.creations import CREATIONS, TASK, insert_creations, plan_creations
from tests.writeback.scene import ANN, BEN, outcomes, plan_for
from tests.writeback.stage import DESCRIBE, Stage
from tests.writeback.test_round_trip import FIRST, OPENS
from tests.writeback.test_undo_rules import by_rep

MAPPING = load_mapping()


class Killed(BaseException):
    """Stands for the end of the process."""


def die(*_: object, **__: object) -> None:
    raise Killed


def planned(org: LiveOrg, stage: Stage, *planners: Planner, **metrics: Any) -> Plan:
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 4, **metrics}])
    take_snapshot(stage.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    return make_plan(stage.warehouse, MAPPING, planners=planners)


def killed(org: LiveOrg, stage: Stage, plan: Plan, at: str) -> None:
    """Apply the plan, and die once a request of this kind was taken."""
    crm = org.crm()
    send = getattr(crm, at)

    def send_and_die(*given: Any) -> None:
        send(*given)
        raise Killed

    setattr(crm, at, send_and_die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING)


def test_k6_an_undo_that_died_after_its_last_answer_is_on_record_once_settled(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(org, stage)
    apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run", MAPPING)
    undo = make_undo_plan(stage.warehouse, org.crm(), "run")
    monkeypatch.setattr(apply_module, "_finish", die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, org.crm(), undo.plan_id, "undo", MAPPING)
    counted = "select run_id, outcome from writeback.ledger order by attempt_id"
    assert stage.rows(counted) == [("run", "written"), ("undo", "written")]
    assert settle(stage.warehouse, org.crm()).calls.read == 0
    assert stage.rows(counted) == [("run", "undone"), ("undo", "written")]
    assert stage.rows("select state from writeback.plans order by plan_id") == [
        ("applied",),
        ("applied",),
    ]
    assert resume_plan(stage.warehouse, org.crm(), "again", MAPPING)[1] is None


def test_k4_a_job_that_began_after_all_while_it_was_to_be_aborted_is_asked_what_it_did(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(org, stage)
    with stage.warehouse.connect() as connection:
        connection.execute("update writeback.plan_routes set route = 'bulk' where object <> '*'")
    dying = org.crm()
    monkeypatch.setattr(dying.jobs, "start", die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, dying, plan.plan_id, "run", MAPPING)
    crm, late = org.crm(), org.crm()
    state, asked = crm.jobs.state, [True]

    def state_before_the_late_start(job_id: str) -> Job:
        job = state(job_id)
        if asked.pop() if asked else False:
            late.jobs.start(job_id)
            late.jobs.wait(job_id, 1)
        return job

    monkeypatch.setattr(crm.jobs, "state", state_before_the_late_start)
    settled = settle(stage.warehouse, crm)
    assert (settled.written, settled.unsent) == (1, 0)
    assert org.record("Contact", ANN)[OPENS] == 4
    assert stage.rows("select state from writeback.jobs") == [("done",)]


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        (("Opens__c",), [(ANN, "failed", "OVERTAKEN"), (BEN, "written", None)]),
        (("Opens__c", "First__c"), [(ANN, "failed", "OVERTAKEN"), (BEN, "failed", "OVERTAKEN")]),
    ],
    ids=["one field", "all fields"],
)
def test_k4_what_a_hidden_field_would_have_told_does_not_keep_a_run_open(
    stage: Stage,
    crm: SalesforceCrm,
    monkeypatch: pytest.MonkeyPatch,
    hidden: tuple[str, ...],
    expected: list[Any],
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN)])
    plan = plan_for(stage, ANN, BEN)
    with stage.warehouse.connect() as connection:
        connection.execute(
            "insert into writeback.changes select * replace ('First__c' as field, 'A' as "
            f"new_value) from writeback.changes where record_id = '{BEN}'"
        )
    monkeypatch.setattr(crm, "update_many", die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    stage.snapshot(
        contacts=[{"Id": BEN, "First__c": "A"}],
        describe=[each for each in DESCRIBE if each["name"] not in hidden],
    )
    settled = settle(stage.warehouse, crm)
    assert settled.written + settled.failed == 2
    assert outcomes(stage) == expected


def test_k4_a_record_that_we_created_is_ours_however_late_it_is_looked_for(
    org: LiveOrg, stage: Stage
) -> None:
    killed(org, stage, planned(org, stage, plan_creations), "create_many")
    with stage.warehouse.connect() as connection:
        connection.execute("update writeback.ledger set sent_at = sent_at - interval 1 hour")
    (task,) = org.admin.get("/__admin/records/Task").json()
    made_at = datetime.fromisoformat(task["CreatedDate"]) - timedelta(hours=1)
    stamp = f"{made_at:%Y-%m-%dT%H:%M:%S}.000+0000"
    org.change("Task", task["Id"], CreatedDate=stamp, force=True)
    settled = settle(stage.warehouse, org.crm())
    assert (settled.written, settled.failed) == (1, 0)
    assert stage.rows(
        f"select record_id, outcome from writeback.ledger where external_key = '{TASK}'"
    ) == [(task["Id"], "written")]


def test_k6_what_arrived_goes_back_though_somebody_changed_a_field_of_it_before_it_was_settled(
    org: LiveOrg, stage: Stage
) -> None:
    killed(org, stage, planned(org, stage, first_sequence="Summer"), "update_many")
    by_rep(org, "Contact", ANN, Touchline_First_Sequence__c="Mine")
    assert settle(stage.warehouse, org.crm()).written == 1
    undo = make_undo_plan(stage.warehouse, org.crm(), "run")
    apply_plan(stage.warehouse, org.crm(), undo.plan_id, "undo", MAPPING)
    ann = org.record("Contact", ANN)
    assert (ann[OPENS], ann[FIRST]) == (None, "Mine")


def test_k4_a_box_that_somebody_ticked_does_not_show_that_a_write_arrived(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, crm = planned(org, stage, is_replied=True), org.crm()
    monkeypatch.setattr(crm, "update_many", die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING)
    by_rep(org, "Contact", ANN, Touchline_Replied__c=True)
    settled = settle(stage.warehouse, org.crm())
    assert (settled.written, settled.failed) == (0, 1)


def test_k4_clocks_that_go_wrong_make_no_record_of_ours_somebody_elses_nor_anybody_wait(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, waits = planned(org, stage, plan_creations), list[float]()
    org.rule(clock_skew_seconds=-3600)
    killed(org, stage, plan, "create_many")
    monkeypatch.setattr("orchestration.writeback.fates.time.sleep", waits.append)
    settled = settle(stage.warehouse, org.crm())
    assert (settled.written, settled.failed) == (1, 0)
    with stage.warehouse.connect() as connection:
        connection.execute(
            "update writeback.ledger set outcome = null, sent_at = sent_at + interval 1 hour"
        )
    settle(stage.warehouse, org.crm())
    assert max(waits) <= 3 * fates.SECONDS_UNTIL_VISIBLE


def test_k4_what_somebody_deleted_before_it_was_settled_is_not_made_again(
    org: LiveOrg, stage: Stage
) -> None:
    plan = planned(org, stage, plan_creations)
    killed(org, stage, plan, "create_many")
    (task,) = org.admin.get("/__admin/records/Task").json()
    org.change("Task", task["Id"], IsDeleted=True, force=True)
    report = resume_plan(stage.warehouse, org.crm(), "again", MAPPING)[1]
    assert report
    assert (report.written, report.failed) == (2, 0)
    assert len(org.admin.get("/__admin/records/Task").json()) == 1


def test_k4_a_record_that_an_undo_deleted_is_not_the_one_that_got_lost_later(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan_again(connection: DuckDBPyConnection, context: PlanContext) -> None:
        insert_creations(connection, context.plan_id, {("Task", TASK): CREATIONS["Task", TASK]})

    plan = planned(org, stage, plan_again)
    apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run", MAPPING)
    undo = make_undo_plan(stage.warehouse, org.crm(), "run")
    apply_plan(stage.warehouse, org.crm(), undo.plan_id, "undo", MAPPING)
    plan = planned(org, stage, plan_again)
    with stage.warehouse.connect() as connection:
        approve_plan(connection, plan.plan_id, "ann")
    crm = org.crm()
    monkeypatch.setattr(crm, "create_many", die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, crm, plan.plan_id, "lost", MAPPING)
    assert settle(stage.warehouse, org.crm()).unsent == 1
