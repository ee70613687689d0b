"""Snapshot, plan, apply, and again, against a live local org with the default mapping."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot import stored_schemas, take_snapshot
from orchestration.writeback.apply import WritebackReport, apply_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.mapping_sections import Sections
from orchestration.writeback.plan import Plan, make_plan, read_plan
from orchestration.writeback.refusals import check_mapping
from tests.crm.live_org import ANN, BEN, CAT, LEA, LEO, LiveOrg
from tests.writeback.stage import Stage

#: The fields alone: what else the default mapping asks for has tests of its own.
MAPPING = replace(load_mapping(), sections=Sections())
OPENS, FIRST = "Touchline_Open_Count__c", "Touchline_First_Sequence__c"

ENGAGED: dict[str, Any] = {
    "open_count": 4,
    "human_open_count": 2,
    "click_count": 3,
    "human_click_count": 1,
    "clicked_at": datetime.fromisoformat("2026-10-22T21:03:23.250"),
    "is_replied": True,
    "last_reply_at": datetime.fromisoformat("2026-10-23T08:00:00"),
    "sequence_status": "Finished: Replied",
    "most_recent_sequence": "Autumn",
    "most_recent_step_at": datetime.fromisoformat("2026-10-22T20:00:00"),
    "initial_reply_class": "OOO",
    "latest_reply_class": "Willing to meet",
    "initial_reply_tags": "holiday",
    "latest_reply_tags": "call, pricing",
    "first_sequence": "Summer",
    "is_opted_out": True,
}
QUIET: dict[str, Any] = {
    **dict.fromkeys(("open_count", "human_open_count", "click_count", "human_click_count"), 0),
    "is_replied": False,
    "is_opted_out": False,
    "sequence_status": "Active",
}


def snapshot_and_plan(org: LiveOrg, stage: Stage) -> Plan:
    take_snapshot(stage.warehouse, org.crm(), ["Contact", "Lead"], MAPPING.target_fields())
    return make_plan(stage.warehouse, MAPPING)


def sync(org: LiveOrg, stage: Stage, run_id: str = "run") -> WritebackReport:
    plan = snapshot_and_plan(org, stage)
    return apply_plan(stage.warehouse, org.crm(), plan.plan_id, run_id)


def test_i1_the_default_mapping_fits_the_org(org: LiveOrg, stage: Stage) -> None:
    take_snapshot(stage.warehouse, org.crm(), ["Contact", "Lead"])
    with stage.warehouse.connect(read_only=True) as connection:
        checked = check_mapping(MAPPING, stored_schemas(connection))
    assert {name: len(targets) for name, targets in checked.targets.items()} == {
        "Contact": 16,
        "Lead": 16,
    }


def test_i5_what_was_written_is_not_written_again(org: LiveOrg, stage: Stage) -> None:
    stage.metrics(
        contacts=[{"crm_id": ANN, **ENGAGED}, {"crm_id": BEN, **QUIET}],
        leads=[{"crm_id": LEA, **ENGAGED}],
    )
    report = sync(org, stage)
    assert (report.written, report.failed, report.skipped, report.unsent) == (3, 0, 0, 0)
    assert (report.calls.login, report.calls.write) == (1, 2)
    ann = org.record("Contact", ANN)
    assert ann["Touchline_Clicked_At__c"] == "2026-10-22T21:03:23.000+0000"
    assert (ann[OPENS], ann["Touchline_Replied__c"], ann["HasOptedOutOfEmail"]) == (4, True, True)
    assert ann["Touchline_Latest_Reply_Class__c"] == "Willing to meet"
    assert org.record("Lead", LEA)[FIRST] == "Summer"

    crm = org.crm()
    plan = snapshot_and_plan(org, stage)
    again = apply_plan(stage.warehouse, crm, plan.plan_id, "second")
    assert (plan.changed_records, plan.changed_cells, again.written) == (0, 0, 0)
    assert (crm.calls.login, crm.calls.read, crm.calls.write) == (0, 0, 0)
    assert len(org.requests(is_write="true")) == 2


def test_i2_owned_puts_a_changed_value_right_and_fill_blank_leaves_it(
    org: LiveOrg, stage: Stage
) -> None:
    stage.metrics(contacts=[{"crm_id": ANN, **ENGAGED}])
    sync(org, stage)
    org.change("Contact", ANN, Touchline_Open_Count__c=99, Touchline_First_Sequence__c="By hand")
    plan = snapshot_and_plan(org, stage)
    kept, written = stage.rows(
        "select field, decision, reason from writeback.changes "
        f"where plan_id = '{plan.plan_id}' and decision <> 'unchanged' order by field"
    )
    assert kept[:2] == (FIRST, "kept")
    assert kept[2] == (
        "kept: already filled: Salesforce has By hand, Touchline computed Summer, "
        "policy fill_blank writes only into empty fields"
    )
    assert written == (OPENS, "write", "Salesforce has 99, Touchline computed 4")
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "second")
    assert report.written == 1
    ann = org.record("Contact", ANN)
    assert (ann[OPENS], ann[FIRST]) == (4, "By hand")


def test_i2_an_opt_out_in_salesforce_is_never_taken_back(org: LiveOrg, stage: Stage) -> None:
    org.change("Contact", BEN, HasOptedOutOfEmail=True)
    stage.metrics(contacts=[{"crm_id": BEN, **QUIET}])
    sync(org, stage)
    assert org.record("Contact", BEN)["HasOptedOutOfEmail"] is True


def test_an_org_that_hides_the_opt_out_gets_all_other_fields(org: LiveOrg, stage: Stage) -> None:
    org.hide(Contact=["HasOptedOutOfEmail"])
    stage.metrics(contacts=[{"crm_id": ANN, **ENGAGED}])
    plan = snapshot_and_plan(org, stage)
    assert plan.notes == ("Contact.HasOptedOutOfEmail is not visible in this org: left out",)
    assert apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run").written == 1


def test_k5_a_refused_record_fails_alone(org: LiveOrg, stage: Stage) -> None:
    stage.metrics(
        contacts=[
            {"crm_id": ANN, "first_sequence": "x" * 256},
            {"crm_id": BEN, "first_sequence": "Summer"},
        ],
        leads=[{"crm_id": LEO, **QUIET}],
    )
    take_snapshot(stage.warehouse, org.crm(), ["Contact", "Lead"], MAPPING.target_fields())
    plan = make_plan(stage.warehouse, MAPPING, schemas=with_longer_text(stage))
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run")
    assert (report.written, report.failed, report.skipped) == (1, 1, 1)
    assert report.failed_by_code == {"STRING_TOO_LONG": 1}
    skipped = stage.rows("select object, record_id, reason, attempts from writeback.skipped")
    assert sorted((*row[:2], row[2][:15], row[3]) for row in skipped) == [
        ("Contact", ANN, "STRING_TOO_LONG", 1),
        ("Lead", LEO, "converted: conv", 0),
    ]


def with_longer_text(stage: Stage) -> dict[str, ObjectSchema]:
    """Return what the org said of itself, but for the length of a text: so it must refuse."""
    with stage.warehouse.connect(read_only=True) as connection:
        schemas = stored_schemas(connection)
    contact = schemas["Contact"]
    longer = {FIRST: replace(contact.fields[FIRST], length=300)}
    return schemas | {"Contact": ObjectSchema("Contact", {**contact.fields, **longer})}


def test_k2_what_moved_since_the_snapshot_is_left_alone_until_the_next_run(
    org: LiveOrg, stage: Stage
) -> None:
    stage.metrics(
        contacts=[{"crm_id": each, "first_sequence": "Summer"} for each in (ANN, BEN, CAT)],
        leads=[{"crm_id": LEA, "first_sequence": "Summer"}],
    )
    plan = snapshot_and_plan(org, stage)
    org.change("Contact", ANN, Touchline_First_Sequence__c="Just typed")
    org.change("Contact", BEN, IsDeleted=True, MasterRecordId=CAT, force=True)
    org.change("Lead", LEA, IsConverted=True, ConvertedContactId=CAT, force=True)
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run")
    assert (report.written, report.failed, report.skipped, report.unsent) == (1, 0, 3, 0)
    assert org.record("Contact", ANN)[FIRST] == "Just typed"
    decided = stage.rows(
        "select record_id, decision, reason from writeback.changes "
        "where decision not in ('unchanged', 'kept') order by record_id"
    )
    assert [(record_id, decision) for record_id, decision, _ in decided] == [
        *((ANN, "stale"), (BEN, "stale"), (CAT, "write"), (LEA, "converted"))
    ]
    build = "the next build of the marts follows"
    assert decided[0][2].startswith("changed in Salesforce since the snapshot, at 20")
    assert decided[1][2] == f"deleted in Salesforce since the snapshot, merged into {CAT}: {build}"
    assert decided[3][2] == f"converted since the snapshot, its contact is {CAT}: {build}"
    assert stage.rows("select state from writeback.plans") == [("partly_applied",)]
    with stage.warehouse.connect(read_only=True) as connection:
        stored = read_plan(connection, plan.plan_id)
    assert stored
    assert stored.decisions == {
        **plan.decisions,
        "write": 1,
        "stale": 2,
        "converted": 1,
    }
    listed = stage.rows("select record_id, left(reason, 9) from writeback.skipped order by 1")
    assert listed == [(ANN, "stale: ch"), (BEN, "stale: de"), (LEA, "converted")]

    # Taken up with the next run: what was typed stays, and nothing is amiss any more.
    again = snapshot_and_plan(org, stage)
    assert stage.cells(again.plan_id)[(ANN, FIRST)] == ("Just typed", "Summer", "kept")
    assert again.changed_records == 0


def test_k3_calls_are_estimated_and_counted_as_the_org_counts_them(
    org: LiveOrg, stage: Stage
) -> None:
    stage.metrics(
        contacts=[{"crm_id": each, "open_count": 1} for each in (ANN, BEN)],
        leads=[{"crm_id": LEA, "open_count": 1}],
    )
    plan = snapshot_and_plan(org, stage)
    seen = len(org.requests(is_api_call="true"))
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run")
    asked = org.requests(is_api_call="true")[seen:]
    reads = [each["records"] for each in asked if not each["is_write"]]
    writes = [each["records"] for each in asked if each["is_write"]]
    assert (reads, writes) == ([2, 1], [2, 1])
    assert (report.calls.read, report.calls.write) == (len(reads), len(writes))
    ((preflight,),) = stage.rows(
        "select read_calls from writeback.plan_routes where route = 'preflight'"
    )
    first_questions = [each for each in asked if re.search("/(limits|describe)$", each["path"])]
    assert plan.api_calls_estimate - preflight == len(asked) - len(first_questions)


def test_the_ledger_tells_what_was_sent_and_what_it_replaced(org: LiveOrg, stage: Stage) -> None:
    org.change("Contact", ANN, Touchline_Open_Count__c=9)
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 4}])
    report = sync(org, stage, "the-run")
    assert stage.rows(
        "select plan_id, run_id, object, record_id, outcome, error_code, old_values, new_values "
        "from writeback.ledger"
    ) == [
        (
            *(report.plan_id, "the-run", "Contact", ANN, "written", None),
            f'{{"{OPENS}":"9"}}',
            f'{{"{OPENS}":"4"}}',
        )
    ]
    assert stage.rows("select state from writeback.plans") == [("applied",)]
