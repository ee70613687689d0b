"""Rules of one object: sent mail, unique keys, campaign members, tasks."""

from tests.local_org.caller import (
    ADA,
    CAMPAIGN,
    DRAFT_MAIL,
    LEE,
    REP,
    SENT_MAIL,
    Caller,
    record_id,
)


def test_a_sent_email_message_keeps_its_standard_fields(org: Caller) -> None:
    error = org.error(
        "EmailMessage", {"id": SENT_MAIL, "Subject": "Other", "Touchline_Open_Count__c": 2}
    )
    assert error["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert error["fields"] == ["Subject"]


def test_a_sent_email_message_takes_custom_fields_and_is_externally_visible(org: Caller) -> None:
    fields = {
        "Touchline_Open_Count__c": 2,
        "Touchline_Click_Count__c": 1,
        "Touchline_Clicked_At__c": "2026-10-22T21:03:23Z",
        "Touchline_Key__c": "message-1",
        "IsExternallyVisible": True,
    }
    assert org.update("EmailMessage", {"id": SENT_MAIL, **fields})[0]["success"]


def test_of_all_statuses_only_new_goes_to_read(org: Caller) -> None:
    (made,) = org.create("EmailMessage", {"Subject": "Hi", "Status": "0", "Incoming": True})
    for status in ("3", "5"):
        error = org.error("EmailMessage", {"id": made["id"], "Status": status})
        assert (error["statusCode"], error["fields"]) == (
            "INVALID_FIELD_FOR_INSERT_UPDATE", ["Status"])  # fmt: skip
    assert org.update("EmailMessage", {"id": made["id"], "Status": "1"})[0]["success"]
    assert not org.update("EmailMessage", {"id": made["id"], "Status": "0"})[0]["success"]


def test_a_draft_email_message_may_change(org: Caller) -> None:
    assert org.update("EmailMessage", {"id": DRAFT_MAIL, "Subject": "Other"})[0]["success"]


def test_a_unique_value_that_another_record_holds_is_refused(org: Caller) -> None:
    (other,) = org.create("Task", {"Subject": "x", "Touchline_Key__c": "REPLY-1"})
    assert other["success"], "the key tells upper from lower case"
    (result,) = org.create("Task", {"Subject": "x", "Touchline_Key__c": "reply-1"})
    assert result["errors"] == [
        {
            "statusCode": "DUPLICATE_VALUE",
            "message": "duplicate value found: Touchline_Key__c duplicates value on record "
            f"with id: {record_id('00T', 1)[:15]}",
            "fields": ["Touchline_Key__c"],
        }
    ]


def test_a_unique_value_twice_in_one_request_is_refused_once(org: Caller) -> None:
    task = {"Subject": "x", "Touchline_Key__c": "reply-2"}
    first, second = org.create("Task", task, task)
    assert first["success"]
    assert second["errors"][0]["statusCode"] == "DUPLICATE_VALUE"


def test_a_record_may_be_given_its_own_unique_value_again(org: Caller) -> None:
    task = {"id": record_id("00T", 1), "Touchline_Key__c": "reply-1"}
    assert org.update("Task", task)[0]["success"]


def test_a_deleted_record_gives_its_unique_value_free(org: Caller) -> None:
    org.http.delete(f"/services/data/v66.0/sobjects/Task/{record_id('00T', 1)}")
    (result,) = org.create("Task", {"Subject": "x", "Touchline_Key__c": "reply-1"})
    assert result["success"]


def test_campaign_member_status_drives_has_responded(org: Caller) -> None:
    (made,) = org.create("CampaignMember", {"CampaignId": CAMPAIGN, "ContactId": ADA})
    fields = "Status, HasResponded, FirstRespondedDate, LeadOrContactId, Type"
    (member,) = org.query(f"select {fields} from CampaignMember")
    assert member == {
        "Status": "Sent",
        "HasResponded": False,
        "FirstRespondedDate": None,
        "LeadOrContactId": ADA,
        "Type": "Contact",
    }
    org.update("CampaignMember", {"id": made["id"], "Status": "Responded"})
    (member,) = org.query("select HasResponded, FirstRespondedDate from CampaignMember")
    assert member["HasResponded"] is True
    assert member["FirstRespondedDate"] is not None


def test_campaign_member_has_responded_is_read_only(org: Caller) -> None:
    member = {"CampaignId": CAMPAIGN, "ContactId": ADA, "HasResponded": True}
    (result,) = org.create("CampaignMember", member)
    assert result["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_person_is_a_campaign_member_once(org: Caller) -> None:
    member = {"CampaignId": CAMPAIGN, "LeadId": LEE}
    first, second = org.create("CampaignMember", member, member)
    assert first["success"]
    assert second["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    (again,) = org.create("CampaignMember", member)
    assert again["errors"][0]["statusCode"] == "DUPLICATE_VALUE"


def test_a_task_closes_by_its_status(org: Caller) -> None:
    (made,) = org.create("Task", {"Subject": "x", "OwnerId": REP})
    org.update("Task", {"id": made["id"], "Status": "Completed", "Priority": "High"})
    (task,) = org.query(
        f"select IsClosed, IsHighPriority, CompletedDateTime from Task where Id = '{made['id']}'"
    )
    assert task["IsClosed"]
    assert task["IsHighPriority"]
    assert task["CompletedDateTime"] is not None
