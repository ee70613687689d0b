"""Mail as EmailMessage: once, with whom it concerns, its counts kept current (J2, J3)."""

from typing import Any

import pytest

from orchestration.writeback.activities import plan_activities
from tests.writeback.activity_scene import (
    ACCOUNT,
    ANN,
    BEN,
    GONE,
    KEY,
    LEA,
    REP,
    Scene,
    decisions,
    schemas,
    without_field,
    written,
)

MAIL: dict[str, Any] = {"activities": {"log": "email_message"}}
MESSAGE = "02s000000000001AAA"
SENT = {
    KEY: "sent m1",
    "Subject": "Hello",
    "TextBody": "8 characters",
    "FromAddress": "rep@us.example",
    "MessageDate": "2026-10-07T09:30:15Z",
    "Incoming": "false",
    "Status": "3",
    "MessageIdentifier": "<m1@us.example>",
    "RelatedToId": ACCOUNT,
    "Touchline_Open_Count__c": "2",
    "Touchline_Click_Count__c": "0",
}
REPLY = {
    "activity_key": "reply r1",
    "status": "Received",
    "from_address": "ann@acme.example",
    "to_address": "rep@us.example",
    "message_id": "r1@acme.example",
    "open_count": None,
    "click_count": None,
    "thread_id": "t1",
}


def stored_message(**more: Any) -> dict[str, Any]:
    """Return the EmailMessage as the org shows it once SENT was written."""
    return {
        "Id": MESSAGE,
        KEY: "sent m1",
        "MessageIdentifier": "<m1@us.example>",
        "Touchline_Open_Count__c": 2.0,
        "Touchline_Click_Count__c": 0.0,
        "Touchline_Clicked_At__c": None,
    } | more


def stored_relations(*types: str) -> list[dict[str, Any]]:
    ids = {"ToAddress": ANN, "FromAddress": REP}
    return [
        {
            "Id": f"0J400000000000{number}AAA",
            "EmailMessageId": MESSAGE,
            "RelationType": each,
            "RelationId": ids[each],
        }
        for number, each in enumerate(types, start=1)
    ]


def test_j2_sent_mail_becomes_an_email_message_related_to_person_and_sender(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    assert written(scene.plan(plan_activities, MAIL)) == {
        ("EmailMessage", "sent m1"): SENT,
        ("EmailMessageRelation", "sent m1 ToAddress"): {
            "EmailMessageId": "-> sent m1",
            "RelationId": ANN,
            "RelationType": "ToAddress",
            "RelationAddress": "ann@acme.example",
        },
        ("EmailMessageRelation", "sent m1 FromAddress"): {
            "EmailMessageId": "-> sent m1",
            "RelationId": REP,
            "RelationType": "FromAddress",
            "RelationAddress": "rep@us.example",
        },
    }


def test_j2_a_reply_is_incoming_and_comes_from_the_person(scene: Scene) -> None:
    scene.computed("crm.activities", REPLY | {"crm_id": LEA, "crm_object": "Lead"})
    planned = written(scene.plan(plan_activities, MAIL))
    message = planned["EmailMessage", "reply r1"]
    assert (message["Incoming"], message["Status"], message["ThreadIdentifier"]) == (
        "true",
        "1",
        "t1",
    )
    assert "RelatedToId" not in message
    assert "Touchline_Open_Count__c" not in message
    assert planned["EmailMessageRelation", "reply r1 FromAddress"]["RelationId"] == LEA
    assert planned["EmailMessageRelation", "reply r1 ToAddress"]["RelationId"] == REP


@pytest.mark.parametrize("owner", [None, GONE])
def test_h4_a_mailbox_of_no_user_is_told_by_its_address(scene: Scene, owner: str | None) -> None:
    scene.computed("crm.activities", REPLY | {"owner_id": owner})
    planned = written(scene.plan(plan_activities, MAIL))
    assert planned["EmailMessage", "reply r1"]["ToAddress"] == "rep@us.example"
    assert ("EmailMessageRelation", "reply r1 ToAddress") not in planned


def test_j2_the_text_of_a_mail_is_in_no_plan(scene: Scene) -> None:
    secret = "Our price is 17"
    scene.computed(
        "crm.activities", {"body": secret}, REPLY | {"body": f"<p>{secret}</p>", "is_html": True}
    )
    planned = written(scene.plan(plan_activities, MAIL))
    assert planned["EmailMessage", "sent m1"]["TextBody"] == "15 characters"
    assert planned["EmailMessage", "reply r1"]["HtmlBody"] == "22 characters"
    assert "TextBody" not in planned["EmailMessage", "reply r1"]
    stored = scene.rows("select * from writeback.changes")
    assert not any(secret in str(row) for row in stored)
    assert scene.rows(
        "select distinct field from writeback.changes where is_withheld order by 1"
    ) == [("HtmlBody",), ("TextBody",)]


def test_j2_what_is_logged_is_not_logged_again(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("EmailMessage", stored_message())
    scene.stored("EmailMessageRelation", *stored_relations("ToAddress", "FromAddress"))
    assert scene.plan(plan_activities, MAIL) == {}


def test_j2_mail_logged_as_a_task_is_not_logged_as_an_email_message_too(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("Task", {"Id": "00T000000000001AAA", KEY: "sent m1"})
    assert scene.plan(plan_activities, MAIL) == {}


def test_j2_a_relation_that_got_lost_is_made_up_for(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("EmailMessage", stored_message())
    scene.stored(
        "EmailMessageRelation",
        *stored_relations("FromAddress"),
        {"Id": "0J4000000000009AAA", "EmailMessageId": MESSAGE, "RelationType": "ToAddress"},
    )
    planned = written(scene.plan(plan_activities, MAIL))
    assert list(planned) == [("EmailMessageRelation", "sent m1 ToAddress")]
    assert planned["EmailMessageRelation", "sent m1 ToAddress"]["EmailMessageId"] == MESSAGE


def test_j2_what_a_rep_deleted_is_not_made_again(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("EmailMessage", stored_message(IsDeleted=True))
    assert scene.plan(plan_activities, MAIL) == {
        ("EmailMessage", "sent m1"): {KEY: ("sent m1", "kept")}
    }
    assert scene.reasons() == [f"kept: {MESSAGE} was deleted in Salesforce, it is not made again"]


def test_k4_what_was_made_and_does_not_show_yet_is_not_made_again(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.attempted("EmailMessage", "sent m1", "written", record_id=MESSAGE)
    assert decisions(scene.plan(plan_activities, MAIL)) == ["kept"]


def test_k6_what_an_undo_took_back_is_planned_again_for_approval(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("EmailMessage", stored_message(IsDeleted=True))
    scene.attempted("EmailMessage", "sent m1", "undone", record_id=MESSAGE)
    assert decisions(scene.plan(plan_activities, MAIL)) == ["write"]
    scene.attempted("EmailMessage", "sent m1", "written", record_id=MESSAGE)
    assert decisions(scene.plan(plan_activities, MAIL)) == ["kept"]


def test_k4_a_relation_that_does_not_show_yet_is_not_made_again(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("EmailMessage", stored_message())
    values = {"EmailMessageId": MESSAGE, "RelationType": "ToAddress"}
    scene.attempted("EmailMessageRelation", "sent m1 ToAddress", "written", values=values)
    planned = written(scene.plan(plan_activities, MAIL))
    assert list(planned) == [("EmailMessageRelation", "sent m1 FromAddress")]


def test_j2_mail_that_another_tool_logged_is_left_to_it(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    scene.stored("EmailMessage", {"Id": MESSAGE, "MessageIdentifier": "<m1@us.example>"})
    assert decisions(scene.plan(plan_activities, MAIL)) == ["unchanged"]
    assert scene.reasons() == [f"somebody else logged this mail as {MESSAGE}"]


def test_j3_counts_follow_and_nothing_else_of_a_sent_mail_does(scene: Scene) -> None:
    scene.computed(
        "crm.activities",
        {"subject": "Changed", "open_count": 5, "clicked_at": "2026-10-08 10:00:00.700"},
    )
    scene.stored("EmailMessage", stored_message(Subject="Hello"))
    scene.stored("EmailMessageRelation", *stored_relations("ToAddress", "FromAddress"))
    assert scene.plan(plan_activities, MAIL) == {
        ("EmailMessage", MESSAGE): {
            "Touchline_Open_Count__c": ("5", "write"),
            "Touchline_Clicked_At__c": ("2026-10-08T10:00:00Z", "write"),
        }
    }
    assert scene.rows(
        "select distinct operation, old_value from writeback.changes order by all"
    ) == [
        ("update", "2"),
        ("update", None),
    ]


def test_d9_counts_of_whoever_wants_no_tracking_stay_as_they_are(scene: Scene) -> None:
    scene.computed("crm.activities", {"open_count": None, "click_count": None})
    scene.stored("EmailMessage", stored_message())
    scene.stored("EmailMessageRelation", *stored_relations("ToAddress", "FromAddress"))
    assert decisions(scene.plan(plan_activities, MAIL)) == ["kept"]


def test_k5_a_count_that_salesforce_refused_rests(scene: Scene) -> None:
    scene.computed("crm.activities", {"open_count": 5})
    scene.stored("EmailMessage", stored_message())
    scene.stored("EmailMessageRelation", *stored_relations("ToAddress", "FromAddress"))
    with scene.warehouse.connect() as connection:
        connection.execute(
            "insert into writeback.ledger (attempt_id, plan_id, run_id, object, record_id, "
            "sent_at, outcome, error_code, error_message, error_fields, is_transient, new_values) "
            "values (1, 'p', 'r', 'EmailMessage', ?, now()::timestamp, 'failed', 'NO', 'no', [], "
            'false, \'{"Touchline_Open_Count__c": "5"}\')',
            [MESSAGE],
        )
    assert decisions(scene.plan(plan_activities, MAIL)) == ["blocked"]


@pytest.mark.parametrize("change", [{"open_count": 3}, {"body": "Dear Annabel"}])
def test_k5_a_mail_that_salesforce_refused_rests_until_a_value_changes(
    scene: Scene, change: dict[str, Any]
) -> None:
    scene.computed("crm.activities", {})
    scene.attempted(
        *("EmailMessage", "sent m1", "failed"),
        code="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="no mail on Mondays",
        values=SENT,
    )
    planned = scene.plan(plan_activities, MAIL)
    assert decisions(planned) == ["blocked"]
    assert [name for name, _ in planned] == ["EmailMessage"], "and nothing refers to it"
    scene.computed("crm.activities", change)
    assert decisions(scene.plan(plan_activities, MAIL)) == ["write"]


@pytest.mark.parametrize(
    ("record", "decision"),
    [
        ({"Id": BEN, "IsDeleted": True}, "stale"),
        ({"Id": "003000000000009AAA"}, "stale"),
        ({"Id": LEA, "IsConverted": True}, "converted"),
    ],
)
def test_h3_no_mail_is_logged_for_a_record_that_is_gone(
    scene: Scene, record: dict[str, Any], decision: str
) -> None:
    scene.computed("crm.activities", {"crm_id": record["Id"]})
    if record["Id"] != "003000000000009AAA":
        scene.stored("Lead" if record["Id"] == LEA else "Contact", record)
    planned = scene.plan(plan_activities, MAIL)
    assert planned == {("EmailMessage", "sent m1"): {KEY: ("sent m1", decision)}}


def test_i4_a_subject_that_is_too_long_is_cut_and_a_message_id_left_out(scene: Scene) -> None:
    scene.computed("crm.activities", {"subject": "x" * 3001, "message_id": "m" * 300})
    cells = scene.plan(plan_activities, MAIL)["EmailMessage", "sent m1"]
    assert cells["Subject"] == ("x" * 2999 + "…", "write")
    assert cells["MessageIdentifier"][1] == "invalid"
    assert cells[KEY] == ("sent m1", "write")
    assert any(reason.endswith(", cut to 3000 characters") for reason in scene.reasons())


def test_k4_without_its_key_no_mail_is_made(scene: Scene) -> None:
    scene.computed("crm.activities", {"activity_key": "k" * 300})
    assert decisions(scene.plan(plan_activities, MAIL)) == ["invalid"]
    hidden = schemas(EmailMessage=without_field("EmailMessage", KEY))
    assert scene.plan(plan_activities, MAIL, hidden) == {}
    (note,) = scene.notes
    assert note.startswith(f"EmailMessage.{KEY} is missing or cannot be set, so no mail is logged")


def test_j3_a_count_that_the_org_lacks_is_left_out(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    section = {"activities": {"log": "email_message", "click_count": None}}
    hidden = schemas(EmailMessage=without_field("EmailMessage", "Touchline_Open_Count__c"))
    message = written(scene.plan(plan_activities, section, hidden))["EmailMessage", "sent m1"]
    assert set(SENT) - set(message) == {"Touchline_Open_Count__c", "Touchline_Click_Count__c"}
    scene.stored("EmailMessage", stored_message())
    scene.stored("EmailMessageRelation", *stored_relations("ToAddress", "FromAddress"))
    scene.computed("crm.activities", {"open_count": 9, "click_count": 9})
    assert scene.plan(plan_activities, section, hidden) == {}


def test_j2_where_nobody_can_be_related_the_addresses_stand_on_the_mail(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    planned = written(scene.plan(plan_activities, MAIL, schemas(EmailMessageRelation=None)))
    assert planned["EmailMessage", "sent m1"]["ToAddress"] == "ann@acme.example"
    assert list(planned) == [("EmailMessage", "sent m1")]


def test_j2_nothing_is_logged_unless_the_mapping_says_so(scene: Scene) -> None:
    scene.computed("crm.activities", {})
    assert scene.plan(plan_activities, {}) == {}
