"""Undo: what it waits for, what it leaves alone, and when it counts as done (K6)."""

from collections.abc import Sequence
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from orchestration.crm.client import Record, RowResult
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback import fates
from orchestration.writeback.apply import (
    PlanNotApplicableError,
    apply_plan,
    resume_plan,
    why_not_resumed,
)
from orchestration.writeback.approval import approve_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import Plan, make_plan, read_plan
from orchestration.writeback.planners import PlanContext, Planner
from orchestration.writeback.settle import settle
from orchestration.writeback.undo import NotSettledError, drop_plan, make_undo_plan
from tests.crm.live_org import ANN, IMPATIENT, LiveOrg
from tests.crm.live_org import USER as REP
from tests.writeback.creations import insert_creations, plan_creations
from tests.writeback.stage import Stage, contact_mapping
from tests.writeback.test_round_trip import FIRST, OPENS, QUIET

MAPPING = load_mapping()
OPT_OUT = "HasOptedOutOfEmail"


class KilledError(BaseException):
    """The process ends here."""


class DyingCrm(SalesforceCrm):
    """Dies once an update was taken, before its answer is noted."""

    def update_many(self, object_name: str, records: Sequence[Record]) -> list[RowResult]:
        """Send, and never come back."""
        super().update_many(object_name, records)
        raise KilledError


def plan_it(org: LiveOrg, stage: Stage, *planners: Planner, opens: int | None = None) -> Plan:
    if opens is not None:
        stage.metrics(contacts=[{"crm_id": ANN, **QUIET, "open_count": opens}])
    take_snapshot(stage.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    return make_plan(stage.warehouse, MAPPING, planners=planners)


def apply(org: LiveOrg, stage: Stage, plan: Plan, run_id: str) -> int:
    return apply_plan(stage.warehouse, org.crm(), plan.plan_id, run_id, MAPPING).written


def by_rep(org: LiveOrg, name: str, record_id: str, **fields: object) -> None:
    body = {"fields": fields, "user": REP}
    org.admin.patch(f"/__admin/records/{name}/{record_id}", json=body).raise_for_status()


def decided(stage: Stage, plan: Plan) -> list[tuple[str, str]]:
    return stage.rows(
        "select decision, reason from writeback.changes "
        f"where plan_id = '{plan.plan_id}' and decision <> 'unchanged' order by object, field"
    )


def outcomes(stage: Stage) -> dict[str, str]:
    return dict(stage.rows("select run_id, outcome from writeback.ledger"))


def test_k6_an_undo_that_was_looked_at_is_never_written_and_replaces_nothing(
    org: LiveOrg, stage: Stage
) -> None:
    apply(org, stage, plan_it(org, stage, opens=4), "run")
    waiting = plan_it(org, stage, opens=5)
    with stage.warehouse.connect() as connection:
        approve_plan(connection, waiting.plan_id, "boss")
    looked_at = make_undo_plan(stage.warehouse, org.crm(), "run")
    drop_plan(stage.warehouse, looked_at.plan_id)
    with pytest.raises(PlanNotApplicableError, match="`touchline undo run` again"):
        apply(org, stage, looked_at, "apply")
    with stage.warehouse.connect(read_only=True) as connection:
        newest = read_plan(connection)
    assert newest
    assert (newest.plan_id, newest.state, newest.approval) == (
        waiting.plan_id,
        "planned",
        "approved",
    )
    assert apply(org, stage, newest, "second") == 1
    assert org.record("Contact", ANN)[OPENS] == 5


def test_k4_an_undo_that_died_before_it_began_is_put_aside_by_the_next(
    org: LiveOrg, stage: Stage
) -> None:
    apply(org, stage, plan_it(org, stage, opens=4), "run")
    died = make_undo_plan(stage.warehouse, org.crm(), "run")
    by_rep(org, "Contact", ANN, **{OPENS: 9})
    make_undo_plan(stage.warehouse, org.crm(), "run")
    with pytest.raises(PlanNotApplicableError, match="was only looked at, or a newer plan"):
        apply(org, stage, died, "undo")


def test_k6_an_undo_waits_until_all_that_its_run_sent_is_known_and_says_what_it_replaced(
    org: LiveOrg, stage: Stage
) -> None:
    apply(org, stage, plan_it(org, stage, opens=4), "first")
    second = plan_it(org, stage, opens=5)
    with pytest.raises(KilledError):
        apply_plan(stage.warehouse, DyingCrm(org.login, IMPATIENT), second.plan_id, "run", MAPPING)
    with pytest.raises(NotSettledError, match="--resume"):
        make_undo_plan(stage.warehouse, org.crm(), "run")
    settle(stage.warehouse, org.crm())
    undo = make_undo_plan(stage.warehouse, org.crm(), "run")
    assert apply(org, stage, undo, "undo") == 1
    assert org.record("Contact", ANN)[OPENS] == 4
    with stage.warehouse.connect() as connection:
        connection.execute(
            f"update writeback.plans set state = 'interrupted' where plan_id = '{second.plan_id}'"
        )
    assert resume_plan(stage.warehouse, org.crm(), "again", MAPPING)[1] is None
    assert f"{second.plan_id} was interrupted, and {undo.plan_id}, which takes back run," in (
        why_not_resumed(stage.warehouse)
    )


def test_k6_a_field_that_an_undo_kept_is_not_undone_and_an_undo_of_it_counts(
    org: LiveOrg, stage: Stage
) -> None:
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 4, "first_sequence": "Summer"}])
    apply(org, stage, plan_it(org, stage), "run")
    org.change("Contact", ANN, Touchline_Open_Count__c=99)
    apply(org, stage, make_undo_plan(stage.warehouse, org.crm(), "run"), "undo")
    assert outcomes(stage) == {"run": "written", "undo": "written"}
    org.change("Contact", ANN, Touchline_Open_Count__c=4)
    rest = make_undo_plan(stage.warehouse, org.crm(), "run")
    assert set(stage.cells(rest.plan_id)) == {(ANN, OPENS)}
    apply(org, stage, rest, "rest")
    assert outcomes(stage)["run"] == "undone"

    apply(org, stage, make_undo_plan(stage.warehouse, org.crm(), "undo"), "redo")
    assert outcomes(stage) == {
        "run": "written", "undo": "undone", "rest": "written", "redo": "written"
    }  # fmt: skip
    again = make_undo_plan(stage.warehouse, org.crm(), "run")
    assert set(stage.cells(again.plan_id)) == {(ANN, FIRST)}
    assert again.changed_cells == 1


def test_k6_an_undo_right_after_its_run_waits_until_the_org_shows_what_was_written(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fates, "SECONDS_UNTIL_VISIBLE", 1.5)
    plan = plan_it(org, stage, opens=4)
    org.rule(late_seconds=1)
    apply(org, stage, plan, "run")
    undo = make_undo_plan(stage.warehouse, org.crm(), "run")
    assert stage.cells(undo.plan_id)[ANN, OPENS][2] == "write"


def test_k6_a_field_that_is_hidden_since_keeps_no_other_from_going_back(
    org: LiveOrg, stage: Stage
) -> None:
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 4, "first_sequence": "Summer"}])
    apply(org, stage, plan_it(org, stage), "run")
    org.hide(Contact=[FIRST])
    plan = make_undo_plan(stage.warehouse, org.crm(), "run")
    assert decided(stage, plan)[0][0] == "kept"
    assert apply(org, stage, plan, "undo") == 1
    org.hide()
    ann = org.record("Contact", ANN)
    assert (ann[OPENS], ann[FIRST]) == (None, "Summer")


@pytest.mark.parametrize(
    ("field", "held"), [("Description", "one\r\ntwo"), ("Email", "Ann@X.example")]
)
def test_k6_a_text_goes_back_as_it_was_to_the_letter(
    org: LiveOrg, stage: Stage, field: str, held: str
) -> None:
    mapping = contact_mapping(f"metric: first_sequence, field: {field}, policy: owned")
    as_it_was: dict[str, Any] = {field: held}
    org.change("Contact", ANN, **as_it_was)
    stage.metrics(contacts=[{"crm_id": ANN, "first_sequence": "ours@x.example"}])
    take_snapshot(stage.warehouse, org.crm(), target_fields=mapping.target_fields())
    apply(org, stage, make_plan(stage.warehouse, mapping, planners=[]), "run")
    for undone, run_id in (("run", "undo"), ("undo", "redo"), ("redo", "undo again")):
        apply(org, stage, make_undo_plan(stage.warehouse, org.crm(), undone), run_id)
        assert (org.record("Contact", ANN)[field] == held) is (run_id != "redo")


def test_i2_an_undo_keeps_an_opt_out_unless_it_is_asked_for(org: LiveOrg, stage: Stage) -> None:
    stage.metrics(contacts=[{"crm_id": ANN, **QUIET, "is_opted_out": True}])
    apply(org, stage, plan_it(org, stage), "run")
    for with_opt_outs in (False, True):
        plan = make_undo_plan(stage.warehouse, org.crm(), "run", with_opt_outs=with_opt_outs)
        assert stage.cells(plan.plan_id)[ANN, OPT_OUT][2] == ("write" if with_opt_outs else "kept")
        apply(org, stage, plan, f"undo {with_opt_outs}")
        assert org.record("Contact", ANN)[OPT_OUT] is not with_opt_outs


def test_k6_people_are_never_deleted_nor_what_a_later_run_wrote_to(
    org: LiveOrg, stage: Stage
) -> None:
    stage.metrics()

    def planner(connection: DuckDBPyConnection, context: PlanContext) -> None:
        person = {"Email": "new@x.example", "LastName": "New"}
        task = {"Subject": "Call", "Status": "Not Started", "WhoId": ANN, "Touchline_Key__c": "t"}
        planned = {("Contact", person["Email"]): person, ("Task", "t"): task}
        insert_creations(connection, context.plan_id, planned)

    apply(org, stage, plan_it(org, stage, planner), "run")
    with stage.warehouse.connect() as connection:
        connection.execute(
            "insert into writeback.ledger by name select * replace ('update' as operation, "
            "'later' as run_id, attempt_id + 100 as attempt_id) from writeback.ledger "
            "where object = 'Task'"
        )
    person, task = decided(stage, make_undo_plan(stage.warehouse, org.crm(), "run"))
    assert (person[0], person[1][:26]) == ("kept", "kept: people are never del")
    assert (task[0], task[1][:33]) == ("kept", "kept: run later wrote to it since")


def test_k6_a_record_edited_between_an_undo_and_its_writing_is_not_deleted(
    org: LiveOrg, stage: Stage
) -> None:
    stage.metrics()
    apply(org, stage, plan_it(org, stage, plan_creations), "run")
    (task,) = org.admin.get("/__admin/records/Task").json()
    plan = make_undo_plan(stage.warehouse, org.crm(), "run")
    by_rep(org, "Task", task["Id"], Description="spoke to her, call back friday")
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "undo", MAPPING)
    assert (report.written, report.skipped) == (2, 1)
    assert not org.record("Task", task["Id"])["IsDeleted"]
