"""Undo of what a run created: mail, relations, tasks, campaign members and people (K6)."""

from typing import Any

from orchestration.writeback.apply import apply_plan
from orchestration.writeback.undo import make_undo_plan
from tests.crm.live_org import LiveOrg
from tests.writeback.activity_scene import Scene
from tests.writeback.stage import Stage
from tests.writeback.test_activities_round_trip import MAIL, MAPPING, compute, records, sync

OBJECTS = ("Contact", "Lead", "Task", "EmailMessage", "EmailMessageRelation", "CampaignMember")


def living(org: LiveOrg) -> dict[str, dict[str, Any]]:
    return {
        record["Id"]: record
        for name in OBJECTS
        for record in records(org, name)
        if not record["IsDeleted"]
    }


def test_k6_created_records_go_where_nobody_touched_them(org: LiveOrg, stage: Stage) -> None:
    stage.metrics()
    scene = Scene(stage.warehouse, is_live=True)
    (made,) = org.crm().create_many("Campaign", [{"Name": "Warm introduction"}])
    compute(scene, str(made.id), later=False)
    before = living(org)
    sync(org, scene, "first")
    assert len(living(org)) == len(before) + 9
    # The texts of mails are in no table of the writeback.
    for table in ("ledger", "changes", "plans", "skipped"):
        assert MAIL["body"][:9] not in str(scene.rows(f"select * from writeback.{table}"))

    (task,) = records(org, "Task")
    org.change("Task", task["Id"], Subject="Mine now")
    plan = make_undo_plan(scene.warehouse, org.crm(), "first")
    report = apply_plan(scene.warehouse, org.crm(), plan.plan_id, "undo", MAPPING)
    assert (report.written, report.failed, report.unsent) == (7, 0, 0)
    after = living(org)
    # People are never deleted.
    (nora,) = (each for each in after.values() if each.get("FirstName") == "Nora")
    assert nora["LastName"] == "New"
    del after[nora["Id"]]
    assert after.pop(task["Id"])["Subject"] == "Mine now"
    assert after == before
