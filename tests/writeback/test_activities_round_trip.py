"""Activities against a live org: made once, kept current, and then nothing is left (J2-J5)."""

from dataclasses import replace
from typing import Any

from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback.apply import apply_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.mapping_sections import CreateMissing
from orchestration.writeback.plan import Plan, make_plan
from tests.crm.live_org import ANN, LEA, USER, LiveOrg
from tests.writeback.activity_scene import KEY, Scene
from tests.writeback.stage import Stage

_DEFAULT = load_mapping()
MISSING = CreateMissing(object="Lead", defaults={"Company": "Unknown"})
MAPPING = replace(
    _DEFAULT, sections=_DEFAULT.sections.model_copy(update={"create_missing": MISSING})
)

#: What Salesforce does to texts on its way: it trims them, and empty is null.
MAIL = {"subject": "  Hello \t", "body": "Dear Ann,\n\nwhen?", "thread_id": " "}
REPLY = {
    "activity_key": "reply r1",
    "crm_object": "Lead",
    "crm_id": LEA,
    "status": "Received",
    "from_address": "Lea@X.example",
    "to_address": "rep@acme.example",
    "message_id": "r1@x.example",
    "subject": "é" * 3_100,
    "body": "<p>Now</p>",
    "is_html": True,
    "open_count": None,
    "click_count": None,
}


def compute(scene: Scene, campaign: str, *, later: bool) -> None:
    """Put into the models' place what they would compute, at first and a while later."""
    mail: dict[str, Any] = dict(MAIL)
    if later:
        mail |= {"open_count": 7, "click_count": 1, "clicked_at": "2026-10-09 08:00:00.999"}
    scene.computed("crm.activities", mail, REPLY)
    scene.computed("crm.tasks", {"status": "Completed" if later else "Not Started"})
    status = "Clicked" if later else "Sent"
    scene.computed("crm.campaign_members", {"campaign_id": campaign[:15], "status": status})
    scene.computed("marts.unmatched_people", *([] if later else [{"person_name": "Nora  New "}]))


def sync(org: LiveOrg, scene: Scene, run_id: str) -> Plan:
    """Snapshot, plan and apply; return the plan."""
    take_snapshot(scene.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    plan = make_plan(scene.warehouse, MAPPING)
    if plan.changed_cells:
        report = apply_plan(scene.warehouse, org.crm(), plan.plan_id, run_id, MAPPING)
        failures = "select object, error_message from writeback.ledger where outcome = 'failed'"
        assert scene.rows(failures) == []
        assert (report.skipped, report.unsent) == (0, 0)
    return plan


def records(org: LiveOrg, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = org.admin.get(f"/__admin/records/{name}").json()
    return found


def test_j2_activities_are_made_once_and_kept_current(org: LiveOrg, stage: Stage) -> None:
    stage.metrics()
    scene = Scene(stage.warehouse, is_live=True)
    (made,) = org.crm().create_many("Campaign", [{"Name": "Warm introduction"}])
    campaign = str(made.id)
    compute(scene, campaign, later=False)
    assert sync(org, scene, "first").notes == ()
    mail, reply = sorted(records(org, "EmailMessage"), key=lambda each: each[KEY], reverse=True)
    assert (mail["TextBody"], mail["Subject"], mail["Status"]) == (MAIL["body"], "Hello", "3")
    assert (reply["HtmlBody"], reply["Incoming"]) == (REPLY["body"], True)
    related = {
        (each["EmailMessageId"], each["RelationType"], each["RelationId"])
        for each in records(org, "EmailMessageRelation")
    }
    assert related == {
        (mail["Id"], "ToAddress", ANN),
        (mail["Id"], "FromAddress", USER),
        (reply["Id"], "FromAddress", LEA),
        (reply["Id"], "ToAddress", USER),
    }
    (lead,) = (each for each in records(org, "Lead") if each["Email"] == "new@acme.example")
    assert (lead["FirstName"], lead["LastName"]) == ("Nora", "New")
    assert sync(org, scene, "second").changed_cells == 0

    compute(scene, campaign, later=True)
    changed = sync(org, scene, "third")
    assert (changed.changed_records, changed.changed_cells) == (3, 5)
    assert [each["Status"] for each in records(org, "Task")] == ["Completed"]
    (member,) = records(org, "CampaignMember")
    assert (member["CampaignId"], member["Status"]) == (campaign, "Clicked")
    assert sync(org, scene, "fourth").changed_cells == 0
    counts = {name: len(records(org, name)) for name in ("EmailMessage", "Task", "CampaignMember")}
    assert counts == {"EmailMessage": 2, "Task": 1, "CampaignMember": 1}


def test_j2_an_org_without_enhanced_email_has_the_mail_as_tasks(org: LiveOrg, stage: Stage) -> None:
    stage.metrics()
    scene = Scene(stage.warehouse, is_live=True)
    scene.computed("crm.activities", MAIL)
    section = MAPPING.sections.activities.model_copy(update={"log": "task"})
    mapping = replace(MAPPING, sections=MAPPING.sections.model_copy(update={"activities": section}))
    take_snapshot(scene.warehouse, org.crm(), target_fields=mapping.target_fields())
    plan = make_plan(scene.warehouse, mapping)
    apply_plan(scene.warehouse, org.crm(), plan.plan_id, "run", mapping)
    (task,) = records(org, "Task")
    assert (task["Description"], task["Subject"]) == (MAIL["body"], "Email: Hello")
    assert (task["IsClosed"], task["TaskSubtype"], task["WhoId"]) == (True, "Email", ANN)
    assert sync(org, scene, "again").changed_cells == 0, "it is logged, whatever the setting is now"


def test_k1_a_text_that_changed_since_its_plan_is_not_sent(org: LiveOrg, stage: Stage) -> None:
    stage.metrics()
    scene = Scene(stage.warehouse, is_live=True)
    scene.computed("crm.activities", MAIL)
    take_snapshot(scene.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    plan = make_plan(scene.warehouse, MAPPING)
    scene.computed("crm.activities", MAIL | {"body": "Nobody has read this"})
    report = apply_plan(scene.warehouse, org.crm(), plan.plan_id, "run", MAPPING)
    # The mail, and its relations, which it does not come without.
    assert (report.written, report.skipped) == (0, plan.changed_records)
    assert records(org, "EmailMessage") == []
    sync(org, scene, "next")
    assert [each["TextBody"] for each in records(org, "EmailMessage")] == ["Nobody has read this"]
