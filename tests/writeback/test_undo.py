"""Undo: what a run wrote goes back, where nobody has touched it since, and nothing else (K6)."""

import random
from typing import Any

import pytest

from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback.apply import WritebackReport, apply_plan
from orchestration.writeback.approval import approve_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import Plan, make_plan
from orchestration.writeback.undo import NothingToUndoError, make_undo_plan
from tests.crm.live_org import ANN, BEN, CAT, LEA, LiveOrg
from tests.writeback.creations import CREATIONS, plan_creations
from tests.writeback.stage import Stage
from tests.writeback.test_round_trip import ENGAGED, FIRST, OPENS, QUIET

MAPPING = load_mapping()
OBJECTS = ("Contact", "Lead", "Task", "EmailMessage", "EmailMessageRelation")

#: They say when and by whom, not what.
STAMPS = frozenset({"SystemModstamp", "LastModifiedDate", "LastModifiedById"})


def everything(org: LiveOrg) -> dict[str, dict[str, Any]]:
    """Return all living records of the org, without their stamps."""
    return {
        record["Id"]: {name: value for name, value in record.items() if name not in STAMPS}
        for name in OBJECTS
        for record in org.admin.get(f"/__admin/records/{name}").json()
        if not record.get("IsDeleted")
    }


def run(org: LiveOrg, stage: Stage, run_id: str, *, creates: bool = True) -> WritebackReport:
    take_snapshot(stage.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    planners = [plan_creations] if creates else []
    plan = make_plan(stage.warehouse, MAPPING, planners=planners)
    return apply_plan(stage.warehouse, org.crm(), plan.plan_id, run_id, MAPPING)


def undo(org: LiveOrg, stage: Stage, run_id: str, as_run: str) -> WritebackReport:
    plan = make_undo_plan(stage.warehouse, org.crm(), run_id, with_opt_outs=True)
    return apply_plan(stage.warehouse, org.crm(), plan.plan_id, as_run, MAPPING)


@pytest.fixture
def engaged(stage: Stage) -> Stage:
    stage.metrics(
        contacts=[{"crm_id": ANN, **ENGAGED}, {"crm_id": BEN, **QUIET}, {"crm_id": CAT, **QUIET}],
        leads=[{"crm_id": LEA, **ENGAGED}],
    )
    return stage


def test_k6_an_undone_run_leaves_the_org_as_it_was(org: LiveOrg, engaged: Stage) -> None:
    org.change("Contact", ANN, Touchline_Open_Count__c=9, Touchline_First_Sequence__c="By hand")
    before = everything(org)
    report = run(org, engaged, "run")
    assert (report.written, report.failed, report.unsent) == (7, 0, 0)
    assert everything(org) != before
    undone = undo(org, engaged, "run", "undo")
    assert (undone.written, undone.failed, undone.skipped, undone.unsent) == (7, 0, 0, 0)
    assert everything(org) == before
    counted = engaged.rows("select run_id, outcome, count(*) from writeback.ledger group by all")
    assert sorted(counted) == [("run", "undone", 7), ("undo", "written", 7)]


def test_k6_a_run_undone_twice_changes_nothing(org: LiveOrg, engaged: Stage) -> None:
    run(org, engaged, "run")
    undo(org, engaged, "run", "undo")
    before, writes = everything(org), len(org.requests(is_write="true"))
    again = undo(org, engaged, "run", "twice")
    assert (again.written, again.failed, again.unsent) == (0, 0, 0)
    assert (everything(org), len(org.requests(is_write="true"))) == (before, writes)


def test_k6_an_undo_is_a_run_that_can_be_undone(org: LiveOrg, engaged: Stage) -> None:
    run(org, engaged, "run", creates=False)
    written = everything(org)
    undo(org, engaged, "run", "undo")
    undo(org, engaged, "undo", "redo")
    assert everything(org) == written


def test_k6_what_somebody_changed_since_is_kept_with_the_reason(
    org: LiveOrg, engaged: Stage
) -> None:
    run(org, engaged, "run")
    org.change("Contact", ANN, Touchline_Open_Count__c=99)
    org.change("Contact", BEN, IsDeleted=True, MasterRecordId=CAT, force=True)
    org.change("Lead", LEA, IsConverted=True, ConvertedContactId=CAT, force=True)
    (task,) = org.admin.get("/__admin/records/Task").json()
    org.change("Task", task["Id"], Status="Completed")
    plan = make_undo_plan(engaged.warehouse, org.crm(), "run")
    reasons = engaged.rows(
        "select record_id, field, decision, reason from writeback.changes "
        f"where plan_id = '{plan.plan_id}' and decision <> 'write'"
    )
    told = {
        (record_id, field): (decision, reason) for record_id, field, decision, reason in reasons
    }
    assert told[ANN, OPENS] == (
        "kept",
        "kept: Salesforce has 99, the run wrote 4: changed since",
    )
    assert told[BEN, OPENS] == (
        "stale",
        f"deleted in Salesforce since, merged into {CAT}: left alone",
    )
    assert told[LEA, OPENS][0] == "converted"
    assert told[task["Id"], "Id"][0] == "kept"
    apply_plan(engaged.warehouse, org.crm(), plan.plan_id, "undo", MAPPING)
    ann = org.record("Contact", ANN)
    assert (ann[OPENS], ann["Touchline_Click_Count__c"]) == (99, None)
    assert org.record("Task", task["Id"])["Status"] == "Completed"


def test_k6_an_edit_between_the_plan_and_its_writing_is_kept(org: LiveOrg, engaged: Stage) -> None:
    run(org, engaged, "run")
    plan = make_undo_plan(engaged.warehouse, org.crm(), "run")
    org.change("Contact", ANN, Touchline_Open_Count__c=99)
    report = apply_plan(engaged.warehouse, org.crm(), plan.plan_id, "undo", MAPPING)
    assert report.skipped == 1
    assert org.record("Contact", ANN)[OPENS] == 99


@pytest.mark.parametrize("seed", range(4))
def test_k6_whatever_was_edited_by_hand_an_undo_touches_only_what_still_holds_our_value(
    org: LiveOrg, engaged: Stage, seed: int
) -> None:
    chance = random.Random(seed)
    fields: dict[str, list[Any]] = {
        OPENS: [0, 5, 9],
        FIRST: ["By hand", None],
        "Touchline_Replied__c": [True, False],
    }

    def edit(record_id: str) -> None:
        name = "Lead" if record_id.startswith("00Q") else "Contact"
        field = chance.choice(list(fields))
        org.change(name, record_id, **{field: chance.choice(fields[field])})

    for record_id in chance.sample([ANN, BEN, CAT, LEA], 3):
        edit(record_id)
    before = everything(org)
    run(org, engaged, "run")
    written = everything(org)
    for record_id in chance.sample([ANN, BEN, CAT, LEA], 3):
        edit(record_id)
    edited = everything(org)
    undo(org, engaged, "run", "undo")
    # Field by field: what was edited since is kept, and everything else is as before the run.
    expected = {
        record_id: {
            name: value
            if edited[record_id][name] == written[record_id][name]
            else edited[record_id][name]
            for name, value in record.items()
        }
        for record_id, record in before.items()
    }
    assert everything(org) == expected


def test_a_run_that_nobody_knows_cannot_be_undone(org: LiveOrg, engaged: Stage) -> None:
    run(org, engaged, "run")
    with pytest.raises(NothingToUndoError, match="touchline ledger"):
        make_undo_plan(engaged.warehouse, org.crm(), "nobody")


def test_k6_what_an_undo_took_back_is_not_written_again_without_approval(
    org: LiveOrg, stage: Stage
) -> None:
    def planned(opens: int) -> Plan:
        stage.metrics(contacts=[{"crm_id": ANN, "open_count": opens}])
        take_snapshot(stage.warehouse, org.crm(), target_fields=MAPPING.target_fields())
        return make_plan(stage.warehouse, MAPPING, planners=[plan_creations])

    def write(plan: Plan, run_id: str) -> None:
        apply_plan(stage.warehouse, org.crm(), plan.plan_id, run_id, MAPPING)

    write(planned(4), "first")
    undo(org, stage, "first", "undo")
    assert everything(org)[ANN][OPENS] is None
    # One value, and those of a task, a mail and a relation, which the undo deleted.
    values = 1 + sum(len(each) for each in CREATIONS.values())
    again = planned(4)
    assert again.waits
    assert again.gates == (f"{values} values are written again that were taken back (run first)",)
    # Nobody has objected to another value.
    assert planned(5).gates == (
        f"{values - 1} values are written again that were taken back (run first)",
    )
    again = planned(4)
    with stage.warehouse.connect() as connection:
        approve_plan(connection, again.plan_id, "ann")
    write(again, "again")
    org.change("Contact", ANN, Touchline_Open_Count__c=3)
    # Written again since, with somebody's yes.
    assert (planned(4).changed_cells, planned(4).gates) == (1, ())
