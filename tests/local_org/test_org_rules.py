"""What an admin of the org may set, and every standing error code that Touchline must know."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.local_org.bulk_caller import BulkCaller
from tests.local_org.caller import ADA, BEN, CALL, CONVERTED, GONE, LEE, OTHER_REP, Caller

STATUS = "Touchline_Sequence_Status__c"


def rules(org: Caller, **changes: Any) -> Any:
    return org.admin("PATCH", "/rules", json=changes)


def describe(org: Caller, name: str) -> dict[str, Any]:
    reply = org.get(f"/sobjects/{name}/describe")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def field(org: Caller, name: str, field_name: str) -> dict[str, Any]:
    fields: list[dict[str, Any]] = describe(org, name)["fields"]
    return next(each for each in fields if each["name"] == field_name)


def moment(reply: httpx.Response) -> datetime:
    return parsedate_to_datetime(reply.headers["Last-Modified"])


def codes(results: list[dict[str, Any]]) -> list[str]:
    return [error["statusCode"] for result in results for error in result["errors"]]


def test_a_duplicate_rule_stops_a_second_record_with_one_address(org: Caller) -> None:
    same = {"LastName": "Second", "Email": "BEN@ohara.example"}
    assert codes(org.create("Contact", same)) == [], "the rule is off as delivered"
    rules(org, duplicate_rules=["Contact"])
    (result,) = org.create("Contact", same)
    assert result["errors"] == [
        {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    ]
    assert codes(org.create("Contact", {"LastName": "Third", "Email": "c@x.example"})) == []
    org.http.headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
    try:
        assert codes(org.create("Contact", same)) == []
    finally:
        del org.http.headers["Sforce-Duplicate-Rule-Header"]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"operator": "equals", "value": "Boss"}, "Boss"),
        ({"operator": "not_equals", "value": "Boss"}, "Clerk"),
        ({"operator": "contains", "value": "oss"}, "Boss"),
        ({"operator": "longer_than", "value": 3}, "Boss"),
        ({"operator": "is_null"}, None),
    ],
)
def test_a_validation_rule_speaks_the_admins_words(
    org: Caller, rule: dict[str, Any], value: str | None
) -> None:
    checks = [{"object": "Contact", "field": "Title", "message": "Not so", **rule}]
    rules(org, validation_rules=checks)
    assert org.error("Contact", {"id": ADA, "Title": value}) == {
        "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "Not so",
        "fields": ["Title"],
    }
    rules(org, validation_rules=[])
    assert org.update("Contact", {"id": ADA, "Title": value})[0]["success"]


def test_a_validation_rule_sees_the_whole_record_in_jobs_too(org: Caller) -> None:
    check = {"object": "Contact", "field": "Touchline_Open_Count__c", "operator": "greater_than",
             "value": 2, "message": "Too many"}  # fmt: skip
    rules(org, validation_rules=[check])
    assert org.error("Contact", {"id": BEN, "Title": "x"})["message"] == "Too many"
    done = BulkCaller(org).run(f"Id,Title\n{BEN},x\n{ADA},x\n")
    assert done["numberRecordsFailed"] == 1


def test_a_read_only_field_shows_in_describe_and_refuses_writes(org: Caller) -> None:
    before = org.get("/sobjects/Contact/describe")
    since = {"If-Modified-Since": before.headers["Last-Modified"]}
    assert org.get("/sobjects/Contact/describe", headers=since).status_code == 304
    rules(org, read_only_fields={"Contact": ["Title"]})
    after = org.get("/sobjects/Contact/describe", headers=since)
    assert after.status_code == 200
    assert moment(after) > moment(before)
    assert after.headers["ETag"] != before.headers["ETag"]
    assert (field(org, "Contact", "Title")["updateable"]) is False
    error = org.error("Contact", {"id": ADA, "Title": "x"})
    assert error["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert org.query(f"select Title from Contact where Id = '{ADA}'") == [{"Title": "Countess"}]


def test_rights_on_an_object_show_in_describe_and_bind_writes(org: Caller) -> None:
    rules(org, object_access={"Contact": ["read"], "Individual": []})
    found = describe(org, "Contact")
    assert (found["createable"], found["updateable"], found["deletable"]) == (False, False, False)
    assert codes(org.update("Contact", {"id": ADA, "Title": "x"})) == [
        "INSUFFICIENT_ACCESS_OR_READONLY"
    ]
    assert codes(org.create("Contact", {"LastName": "x"})) == ["INSUFFICIENT_ACCESS_OR_READONLY"]
    assert org.get("/sobjects/Individual/describe").status_code == 404
    assert org.refused("select Id from Individual")["errorCode"] == "INVALID_TYPE"


def test_without_enhanced_email_there_is_no_email_message(org: Caller) -> None:
    rules(org, enhanced_email=False)
    for name in ("EmailMessage", "EmailMessageRelation"):
        assert org.get(f"/sobjects/{name}/describe").status_code == 404
    names = {each["name"] for each in org.get("/sobjects").json()["sobjects"]}
    assert "Task" in names
    assert "EmailMessage" not in names
    rules(org, enhanced_email=True)
    assert describe(org, "EmailMessage")["name"] == "EmailMessage"


def test_an_inactive_picklist_value_shows_and_is_refused_where_restricted(org: Caller) -> None:
    picklist = field(org, "Contact", STATUS)
    value = picklist["picklistValues"][0]["value"]
    rules(org, inactive_values={f"Contact.{STATUS}": [value]})
    item = next(
        each for each in field(org, "Contact", STATUS)["picklistValues"] if each["value"] == value
    )
    assert item["active"] is False
    result = org.update("Contact", {"id": ADA, STATUS: value})
    assert result[0]["success"] is not picklist["restrictedPicklist"]


def test_a_record_type_refuses_what_describe_calls_active(org: Caller) -> None:
    value = field(org, "Contact", STATUS)["picklistValues"][0]["value"]
    rules(org, allowed_values={f"Contact.{STATUS}": ["Something else"]})
    error = org.error("Contact", {"id": ADA, STATUS: value})
    assert error["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_an_assignment_rule_takes_what_does_not_say_otherwise(org: Caller) -> None:
    rules(org, assignment_rules={"Lead": OTHER_REP})
    soql = f"select OwnerId from Lead where Id = '{LEE}'"
    (before,) = org.query(soql)
    org.http.headers["Sforce-Auto-Assign"] = "FALSE"
    try:
        org.update("Lead", {"id": LEE, "Title": "x"})
    finally:
        del org.http.headers["Sforce-Auto-Assign"]
    BulkCaller(org).run(f"Id,Title\n{LEE},y\n", name="Lead")
    assert org.query(soql) == [before]
    org.update("Lead", {"id": LEE, "Title": "z"})
    assert org.query(soql) == [{"OwnerId": OTHER_REP}]


def test_the_clock_may_be_wrong(org: Caller) -> None:
    rules(org, clock_skew_seconds=-3600)
    reply = org.get("/limits")
    wrong = datetime.now(UTC) - timedelta(hours=1)
    assert abs(parsedate_to_datetime(reply.headers["Date"]) - wrong) < timedelta(seconds=5)
    org.update("Contact", {"id": ADA, "Title": "x"})
    (record,) = org.query(f"select SystemModstamp from Contact where Id = '{ADA}'")
    stamp = datetime.fromisoformat(record["SystemModstamp"])
    assert abs(stamp - wrong) < timedelta(seconds=5)


def test_rows_may_become_visible_late(org: Caller) -> None:
    rules(org, late_seconds=0.6)
    org.update("Contact", {"id": ADA, "Title": "First"})
    org.update("Contact", {"id": ADA, "Title": "Second"})
    (made,) = org.create("Contact", {"LastName": "Late"})
    soql = f"select Title from Contact where Id = '{ADA}'"
    late = f"select Id from Contact where Id = '{made['id']}'"
    assert org.query(soql) == [{"Title": "Countess"}]
    assert org.ids(late) == []
    by_id = org.get(f"/sobjects/Contact/{ADA}", params={"fields": "Title"})
    assert by_id.json()["Title"] == "Second", "by id a record is read as it is"
    time.sleep(0.7)
    assert org.query(soql) == [{"Title": "Second"}]
    assert org.ids(late) == [made["id"]]


def test_the_allowance_of_calls_may_be_changed(org: Caller) -> None:
    rules(org, api_limit=1)
    reply = org.get("/sobjects")
    if reply.status_code == 200:
        reply = org.get("/sobjects")
    assert reply.json()[0]["message"] == "TotalRequests Limit exceeded."
    rules(org, api_limit=None)
    assert org.get("/limits").json()["DailyApiRequests"]["Max"] == 100_000


def test_rules_end_with_a_reset_and_nonsense_is_refused(org: Caller) -> None:
    assert rules(org, enhanced_email=False)["enhanced_email"] is False
    assert org.admin("PUT", "/rules", json={})["enhanced_email"] is True
    for nonsense in (
        {"colour": "red"},
        {"read_only_fields": {"Contact": ["Titel"]}},
        {"object_access": {"Contact": ["paint"]}},
        {"validation_rules": [{"object": "Contact", "field": "Title"}]},
        {
            "validation_rules": [
                {
                    "object": "Contact",
                    "field": "Title",
                    "operator": "less_than",
                    "value": 3,
                    "message": "x",
                }
            ]
        },
    ):
        assert org.http.patch("/__admin/rules", json=nonsense).status_code == 400


STANDING: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("UNABLE_TO_LOCK_ROW", {"fault": {"kind": "lock_rows"}}, "Contact", {"Title": "x"}),
    (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        {
            "validation_rules": [
                {"object": "Contact", "field": "Title", "operator": "is_null", "message": "No"}
            ]
        },
        "Contact",
        {"Title": None},
    ),
    (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        {"allowed_values": {f"Contact.{STATUS}": []}},
        "Contact",
        {STATUS: "Active"},
    ),
    ("STRING_TOO_LONG", {}, "Contact", {"Title": "x" * 200}),
    ("REQUIRED_FIELD_MISSING", {}, "Contact", {"LastName": None}),
    (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        {"read_only_fields": {"Contact": ["Title"]}},
        "Contact",
        {"Title": "x"},
    ),
    ("INVALID_EMAIL_ADDRESS", {}, "Contact", {"Email": "x"}),
    ("CANNOT_UPDATE_CONVERTED_LEAD", {}, "Lead", {"id": CONVERTED, "Title": "x"}),
    (
        "DUPLICATES_DETECTED",
        {"duplicate_rules": ["Lead"]},
        "Lead",
        {"id": None, "LastName": "x", "Company": "x", "Email": "lee@lead.example"},
    ),
    ("DUPLICATE_VALUE", {}, "Task", {"id": None, "Touchline_Key__c": "reply-1"}),
    ("ENTITY_IS_DELETED", {}, "Contact", {"id": GONE, "Title": "x"}),
    (
        "INSUFFICIENT_ACCESS_OR_READONLY",
        {"read_only_records": [ADA]},
        "Contact",
        {"Title": "x"},
    ),
    (
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        {"read_only_records": [LEE]},
        "Task",
        {"id": CALL, "WhoId": LEE},
    ),
]


@pytest.mark.parametrize(
    ("code", "set_up", "name", "record"), STANDING, ids=[case[0] for case in STANDING]
)
def test_every_standing_code_of_a_row_can_be_had(
    org: Caller, code: str, set_up: dict[str, Any], name: str, record: dict[str, Any]
) -> None:
    chosen = dict(set_up)
    fault = chosen.pop("fault", None)
    rules(org, **chosen)
    if fault:
        org.admin("POST", "/faults", json=fault)
    given = {"id": ADA, **record}
    if given["id"] is None:
        del given["id"]
        assert codes(org.create(name, given)) == [code]
    else:
        assert codes(org.update(name, given)) == [code]


def test_every_standing_code_of_a_request_can_be_had(org: Caller) -> None:
    def code(reply: httpx.Response) -> tuple[int, str]:
        return reply.status_code, reply.json()[0]["errorCode"]

    assert org.refused("select Id from XYZZY")["errorCode"] == "INVALID_TYPE"
    assert org.refused("select Titel from Contact")["errorCode"] == "INVALID_FIELD"
    write = org.refused_write("PATCH", f"/sobjects/Contact/{ADA}", {"Titel": "x"})
    assert write["errorCode"] == "INVALID_FIELD"
    org.admin(
        "POST", "/faults", json=[{"kind": "limit_exceeded"}, {"kind": "expire_session", "nth": 2}]
    )
    assert code(org.get("/limits")) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert code(org.get("/limits")) == (401, "INVALID_SESSION_ID")
