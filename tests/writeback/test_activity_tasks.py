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
    schemas,
    with_fields,
    without_field,
    written,
)

TASK = "00T000000000001AAA"
AS_TASKS: dict[str, Any] = {"activities": {"log": "task"}}
AS_MAIL: dict[str, Any] = {"activities": {"log": "email_message"}}
FOLLOW_UPS: dict[str, Any] = {"tasks": {"kinds": ["reply", "manual_step"]}}
AUDIENCE = {"kind": "audience"}
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


@pytest.mark.parametrize(
    "row", [{"status": "Completed", "closed_by": "answer"}, {"is_recent": False}]
)
def test_j4_what_is_done_from_the_start_or_long_ago_is_no_task(
    scene: Scene, row: dict[str, Any]
) -> None:
    scene.computed("crm.tasks", row)
    assert scene.plan(plan_activities, FOLLOW_UPS) == {}


@pytest.mark.parametrize(
    ("key", "status", "planned"),
    [
        ("follow-up r1", "Not Started", {"Status": ("Completed", "write")}),
        ("follow-up r1", "Completed", None),
        ("audience silent 00Q000000000001EAA 2026-10-07", "Not Started", None),
        ("sent m1", "Not Started", None),
    ],
)
def test_j4_a_task_of_ours_that_the_models_have_forgotten_is_completed(
    scene: Scene, key: str, status: str, planned: dict[str, Any] | None
) -> None:
    scene.stored("Task", stored_task(status, **{KEY: key}))
    assert scene.plan(plan_activities, FOLLOW_UPS).get(("Task", TASK)) == planned


def test_g5_a_lead_that_became_a_contact_has_one_open_follow_up(scene: Scene) -> None:
    scene.computed("crm.tasks", {"task_key": f"audience silent {ANN} 2026-10-07"} | AUDIENCE)
    scene.stored("Task", stored_task(**{KEY: f"audience silent {LEA} 2026-10-07"}))
    planned = written(scene.plan(plan_activities, {"tasks": {"kinds": ["audience"]}}))
    assert planned["Task", TASK] == {"Status": "Completed"}
    assert planned["Task", f"audience silent {ANN} 2026-10-07"]["Status"] == "Not Started"
    assert "closed: what it was opened for is gone" in scene.reasons()


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
    changed = schemas(Task=with_fields("Task", {"Status": values}))
    assert decisions(scene.plan(plan_activities, FOLLOW_UPS, changed)) == ["invalid"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(
            (
                {name: {"picklistValues": [{"value": "Done", "active": True}]}},
                f"{name}: {value} is no active value of the picklist: add it",
            )
            for name, value in (("Status", "Completed"), ("TaskSubtype", "Email"))
        ),
        ({"WhoId": {"createable": False}}, "Task.WhoId is missing or cannot be set"),
    ],
)
def test_i4_mail_is_no_task_without_what_makes_it_one(
    scene: Scene, change: dict[str, Any], reason: str
) -> None:
    scene.computed("crm.activities", {})
    changed = schemas(Task=with_fields("Task", change))
    planned = scene.plan(plan_activities, AS_TASKS, changed)
    assert planned == {("Task", "sent m1"): {KEY: ("sent m1", "invalid")}}
    assert scene.reasons() == [reason]


def test_k4_without_its_key_no_follow_up_is_made(scene: Scene) -> None:
    scene.computed("crm.tasks", {})
    hidden = schemas(Task=without_field("Task", KEY))
    assert scene.plan(plan_activities, FOLLOW_UPS, hidden) == {}
    assert len(scene.notes) == 1


def test_i4_a_subject_that_is_too_long_is_cut(scene: Scene) -> None:
    scene.computed("crm.tasks", {"subject": "Answer: " + "x" * 255})
    subject = written(scene.plan(plan_activities, FOLLOW_UPS))["Task", "follow-up r1"]["Subject"]
    assert (len(subject), subject[-2:]) == (255, "x…")
