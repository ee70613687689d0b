"""What Salesforce refuses to save, in its words."""

from typing import Any

import pytest

from tests.local_org.caller import (
    ADA,
    BEN,
    CONVERTED,
    GONE,
    LEE,
    OTHER_REP,
    Caller,
    record_id,
)

LONG = "x" * 256
UNWRITABLE = (
    "Unable to create/update fields: IsEmailBounced, Name. Please check the security settings of "
    "this field and verify that it is read/write for your profile or permission set."
)


@pytest.mark.parametrize(
    ("record", "code", "message", "fields"),
    [
        (
            {"Touchline_Sequence__c": LONG},
            "STRING_TOO_LONG",
            f"Most Recent Sequence: data value too large: {LONG} (max length=255)",
            ["Touchline_Sequence__c"],
        ),
        (
            {"Touchline_Sequence_Status__c": "Gone fishing"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Sequence Status: bad value for restricted picklist field: Gone fishing",
            ["Touchline_Sequence_Status__c"],
        ),
        (
            {"LastName": None},
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
            ["LastName"],
        ),
        (
            {"IsEmailBounced": True, "Name": "x"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            UNWRITABLE,
            ["IsEmailBounced", "Name"],
        ),
        (
            {"Touchline_Open_Count__c": 1_000_000_000},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Open Count: value outside of valid range on numeric field: 1000000000",
            ["Touchline_Open_Count__c"],
        ),
        (
            {"Touchline_Replied__c": None},
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "Replied: value not of required type: null",
            ["Touchline_Replied__c"],
        ),
        (
            {"Touchline_Sequence__c": "a\0b"},
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "Most Recent Sequence: value not of required type: a text with NUL",
            ["Touchline_Sequence__c"],
        ),
        (
            {"OwnerId": "nobody"},
            "MALFORMED_ID",
            "Owner ID: id value of incorrect type: nobody",
            ["OwnerId"],
        ),
        (
            {"OwnerId": ADA},
            "FIELD_INTEGRITY_EXCEPTION",
            f"Owner ID: id value of incorrect type: {ADA}",
            ["OwnerId"],
        ),
        (
            {"ReportsToId": record_id("003", 77)},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            ["ReportsToId"],
        ),
        (
            {"ReportsToId": GONE},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            ["ReportsToId"],
        ),
    ],
)
def test_a_bad_value_fails_its_row(
    org: Caller, record: dict[str, Any], code: str, message: str, fields: list[str]
) -> None:
    error = org.error("Contact", {"id": ADA, **record})
    assert error == {"statusCode": code, "message": message, "fields": fields}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("Touchline_Open_Count__c", "many", "double from VALUE_STRING value many"),
        ("Touchline_Replied__c", "yes", "boolean from VALUE_STRING value yes"),
        (
            "Touchline_Clicked_At__c",
            "2026-10-22 21:03:23",
            "datetime from VALUE_STRING value 2026-10-22 21:03:23",
        ),
        (
            "Touchline_Clicked_At__c",
            "0001-01-01T00:00:00+14:00",
            "datetime from VALUE_STRING value 0001-01-01T00:00:00+14:00",
        ),
        ("Birthdate", "2026-02-30", "date from VALUE_STRING value 2026-02-30"),
        ("Birthdate", {"day": 1}, "date from START_OBJECT value {"),
        ("Title", 1.5, "string from VALUE_NUMBER_FLOAT value 1.5"),
        ("foo", 1, None),
    ],
)
def test_what_cannot_be_read_fails_the_whole_request(
    org: Caller, field: str, value: object, told: str | None
) -> None:
    kind = {"attributes": {"type": "Contact"}}
    good, bad = {**kind, "id": BEN, "Title": "Sir"}, {**kind, "id": ADA, field: value}
    of_many = org.refused_write("PATCH", "/composite/sobjects", {"records": [good, bad]})
    of_one = org.refused_write("PATCH", f"/sobjects/Contact/{ADA}", {field: value})
    if told is None:
        message = "No such column 'foo' on sobject of type Contact"
        wanted = {"errorCode": "INVALID_FIELD", "message": message, "fields": []}
        assert of_many == of_one == wanted
    else:
        for error in (of_many, of_one):
            assert error["errorCode"] == "JSON_PARSER_ERROR"
            start, column = error["message"].split("[line:1, column:")
            assert start == (
                f"Cannot deserialize instance of {told} or request may be missing a required field "
                "at "
            )
            assert int(column.removesuffix("]")) > 1
    assert org.query(f"select Title from Contact where Id = '{BEN}'") == [{"Title": None}]


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("Touchline_Open_Count__c", 2.5, 3.0),
        ("Touchline_Open_Count__c", 999_999_999, 999_999_999.0),
        ("Touchline_Clicked_At__c", "2026-10-22T23:03:23.9+02:00", "2026-10-22T21:03:23.000+0000"),
        ("Touchline_Clicked_At__c", "2026-10-22T21:03:23Z", "2026-10-22T21:03:23.000+0000"),
        ("Touchline_Sequence__c", "  Autumn ", "Autumn"),
        ("Touchline_Sequence__c", "", None),
        ("Touchline_Sequence__c", "Größe 🙂", "Größe 🙂"),
        ("Touchline_Sequence_Status__c", "Finished: Replied", "Finished: Replied"),
        ("Touchline_Sequence_Status__c", None, None),
        ("LeadSource", "A word nobody knows", "A word nobody knows"),
        ("OwnerId", OTHER_REP[:15], OTHER_REP),
        ("AccountId", record_id("001", 1), record_id("001", 1)),
        ("Birthdate", "1990-01-31", "1990-01-31"),
    ],
)  # fmt: skip
def test_a_good_value_is_kept_as_salesforce_keeps_it(
    org: Caller, field: str, given: object, kept: object
) -> None:
    (result,) = org.update("Contact", {"id": ADA, field: given})
    assert result["success"], result
    (record,) = org.query(f"select {field} from Contact where Id = '{ADA}'")
    assert record[field] == kept


def test_all_bad_values_of_a_row_are_reported_together(org: Caller) -> None:
    (result,) = org.update("Contact", {"id": ADA, "Email": "x", "Touchline_Sequence__c": LONG})
    codes = [error["statusCode"] for error in result["errors"]]
    assert codes == ["INVALID_EMAIL_ADDRESS", "STRING_TOO_LONG"]


def test_one_bad_row_never_fails_its_neighbours(org: Caller) -> None:
    bad, good = org.update("Contact", {"id": ADA, "Email": "x"}, {"id": BEN, "Title": "Sir"})
    assert not bad["success"]
    assert good["success"]


def test_a_converted_lead_cannot_be_updated(org: Caller) -> None:
    assert org.error("Lead", {"id": CONVERTED, "Title": "x"}) == {
        "statusCode": "CANNOT_UPDATE_CONVERTED_LEAD",
        "message": "cannot reference converted lead",
        "fields": [],
    }


def test_a_deleted_record_cannot_be_updated(org: Caller) -> None:
    assert org.error("Contact", {"id": GONE, "Title": "x"}) == {
        "statusCode": "ENTITY_IS_DELETED",
        "message": "entity is deleted",
        "fields": [],
    }


def test_lead_bounce_fields_are_update_only(org: Caller) -> None:
    (made,) = org.create(
        "Lead", {"LastName": "x", "Company": "x", "EmailBouncedReason": "550 no such user"}
    )
    assert made["errors"][0]["fields"] == ["EmailBouncedReason"]
    assert org.update("Lead", {"id": LEE, "EmailBouncedReason": "550"})[0]["success"]


def test_contact_is_email_bounced_follows_the_reason(org: Caller) -> None:
    org.update("Contact", {"id": ADA, "EmailBouncedReason": "550 no such user"})
    assert org.ids("select Id from Contact where IsEmailBounced = true") == [ADA]


def test_name_follows_first_and_last_name(org: Caller) -> None:
    org.update("Contact", {"id": ADA, "LastName": "King"})
    assert org.query(f"select Name from Contact where Id = '{ADA}'") == [{"Name": "Ada King"}]
