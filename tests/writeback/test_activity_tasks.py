"""Tasks: mail that is logged as such, and follow-ups that are opened and completed (J2, J4)."""

from typing import Any

import pytest

from orchestration.writeback.activities import plan_activities
from tests.writeback.activity_scene import (
    ANN,
    GONE,
    KEY,
    LEA,
    REP,
    Scene,
    decisions,
    described,
    schemas,
    without_field,
    written,
)

TASK = "00T000000000001AAA"
AS_TASKS: dict[str, Any] = {"activities": {"log": "task"}}
AS_MAIL: dict[str, Any] = {"activities": {"log": "email_message"}}
FOLLOW_UPS: dict[str, Any] = {"tasks": {"kinds": ["reply", "manual_step"]}}
LOGGED = {
    KEY: "sent m1",
    "Subject": "Email: Hello",
    "Description": "8 characters",
    "TaskSubtype": "Email",
    "Status": "Completed",
    "WhoId": ANN,
    "OwnerId": REP,
    "ActivityDate": "2026-10-07",
}


def stored_task(status: str = "Not Started", **more: Any) -> dict[str, Any]:
    """Return the follow-up as the org shows it."""
    closed = status == "Completed"
    return {"Id": TASK, KEY: "follow-up r1", "Status": status, "IsClosed": closed} | more


def test_j2_mail_becomes_a_completed_task_where_the_mapping_says_so(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    assert written(scene.plan(plan_activities, AS_TASKS)) == {("Task", "sent m1"): LOGGED}
    assert scene.rows("select field from writeback.changes where is_withheld") == [("Description",)]


@pytest.mark.parametrize("described", [None, {"createable": False}])
def test_j2_mail_becomes_a_task_where_the_org_has_no_enhanced_email(
    scene: Scene, described: dict[str, Any] | None
) -> None:
    scene.computed("crm.activities", {})
    planned = written(scene.plan(plan_activities, AS_MAIL, schemas(EmailMessage=described)))
    assert planned == {("Task", "sent m1"): LOGGED}
    assert scene.notes == ["No Enhanced Email in this org: mail is logged as tasks."]


def test_j2_mail_that_somebody_wrote_by_hand_is_a_task_always(scene: Scene) -> None:
    by_hand = {"activity_key": "sent m2", "target": "Task", "message_id": "m2"}
    scene.computed("crm.activities", {}, by_hand)
    planned = written(scene.plan(plan_activities, AS_MAIL))
    assert {name for name, _ in planned} == {"EmailMessage", "EmailMessageRelation", "Task"}
    assert planned["Task", "sent m2"][KEY] == "sent m2"


def test_j2_mail_logged_as_an_email_message_gets_no_task(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("EmailMessage", {"Id": "02s000000000001AAA", KEY: "sent m1"})
    assert scene.plan(plan_activities, AS_TASKS) == {}


def test_j2_mail_logged_as_a_task_is_not_logged_again(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("Task", {"Id": TASK, KEY: "sent m1", "Status": "Completed", "IsClosed": True})
    assert scene.plan(plan_activities, AS_TASKS) == {}


def test_j4_a_follow_up_is_opened_for_its_owner(scene: Scene) -> None:
    scene.computed("crm.tasks", {}, {"task_key": "follow-up r2", "owner_id": GONE, "crm_id": LEA})
    planned = written(scene.plan(plan_activities, FOLLOW_UPS))
    assert planned["Task", "follow-up r1"] == {
        KEY: "follow-up r1",
        "Subject": "Answer: Hello",
        "Status": "Not Started",
        "WhoId": ANN,
        "OwnerId": REP,
        "ActivityDate": "2026-10-09",
    }
    assert "OwnerId" not in planned["Task", "follow-up r2"], "who is inactive owns nothing"


def test_j4_only_the_kinds_that_the_mapping_names_are_planned(scene: Scene) -> None:
    scene.computed("crm.tasks", {"kind": "audience"})
    assert scene.plan(plan_activities, FOLLOW_UPS) == {}


def test_j4_what_is_done_from_the_start_is_no_task(scene: Scene) -> None:
    scene.computed("crm.tasks", {"status": "Completed", "closed_by": "answer"})
    assert scene.plan(plan_activities, FOLLOW_UPS) == {}


def test_j4_a_task_is_completed_once_its_reason_is_gone(scene: Scene) -> None:
    scene.computed("crm.tasks", {"status": "Completed", "closed_by": "in_thread_reply"})
    scene.stored("Task", stored_task("In Progress"))
    planned = scene.plan(plan_activities, FOLLOW_UPS)
    assert planned == {("Task", TASK): {"Status": ("Completed", "write")}}
    assert scene.reasons() == ["closed by in thread reply"]
    scene.stored("Task", stored_task("Completed"))
    assert scene.plan(plan_activities, FOLLOW_UPS) == {}


def test_j4_a_task_that_a_rep_closed_is_not_reopened(scene: Scene) -> None:
    scene.computed("crm.tasks", {})
    scene.stored("Task", stored_task("Completed"))
    planned = scene.plan(plan_activities, FOLLOW_UPS)
    assert planned == {("Task", TASK): {"Status": ("Not Started", "kept")}}


@pytest.mark.parametrize("status", ["Not Started", "Completed"])
def test_j4_a_task_that_a_rep_deleted_is_left_alone(scene: Scene, status: str) -> None:
    scene.computed("crm.tasks", {"status": status})
    scene.stored("Task", stored_task(IsDeleted=True))
    assert written(scene.plan(plan_activities, FOLLOW_UPS)) == {}


def test_j4_an_open_task_is_left_as_the_rep_edits_it(scene: Scene) -> None:
    scene.computed("crm.tasks", {})
    scene.stored("Task", stored_task("Waiting on someone else", Subject="Call her", OwnerId=GONE))
    assert scene.plan(plan_activities, FOLLOW_UPS) == {}


def test_j4_an_org_without_the_status_completed_is_told_so(scene: Scene) -> None:
    scene.computed("crm.tasks", {"status": "Completed"})
    scene.stored("Task", stored_task())
    values = {"picklistValues": [{"value": "Done", "active": True}]}
    fields = [
        each | values if each["name"] == "Status" else each for each in described("Task")["fields"]
    ]
    planned = scene.plan(plan_activities, FOLLOW_UPS, schemas(Task={"fields": fields}))
    assert decisions(planned) == ["invalid"]


def test_k4_without_its_key_no_follow_up_is_made(scene: Scene) -> None:
    scene.computed("crm.tasks", {})
    hidden = schemas(Task=without_field("Task", KEY))
    assert scene.plan(plan_activities, FOLLOW_UPS, hidden) == {}
    assert len(scene.notes) == 1


def test_i4_a_subject_that_is_too_long_is_cut(scene: Scene) -> None:
    scene.computed("crm.tasks", {"subject": "Answer: " + "x" * 255})
    subject = written(scene.plan(plan_activities, FOLLOW_UPS))["Task", "follow-up r1"]["Subject"]
    assert (len(subject), subject[-2:]) == (255, "x…")
