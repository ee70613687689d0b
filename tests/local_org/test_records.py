"""Single records, describe, versions, limits and headers."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from tests.local_org.caller import ADA, BEN, CALL, GONE, LEE, Caller, record_id

FIELD_KEYS = frozenset(
    re.findall(
        r"\w+",
        """
    aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula
    cascadeDelete caseSensitive compoundFieldName controllerName createable custom defaultValue
    defaultValueFormula defaultedOnCreate dependentPicklist deprecatedAndHidden digits
    displayLocationInDecimal encrypted externalId extraTypeInfo filterable filteredLookupInfo
    formulaTreatNullNumberAsZero groupable highScaleNumber htmlFormatted idLookup inlineHelpText
    label length mask maskType name nameField namePointing nillable permissionable picklistValues
    polymorphicForeignKey precision queryByDistance referenceTargetField referenceTo
    relationshipName relationshipOrder restrictedDelete restrictedPicklist scale
    searchPrefilterable soapType sortable type unique updateable writeRequiresMasterRead
    """,
    )
)


def fields_of(org: Caller, kind: str) -> dict[str, dict[str, object]]:
    described = org.get(f"/sobjects/{kind}/describe").json()
    return {field["name"]: field for field in described["fields"]}


def test_a_described_field_has_the_57_keys_of_salesforce(org: Caller) -> None:
    for field in fields_of(org, "Contact").values():
        assert set(field) == FIELD_KEYS


def test_describe_says_what_may_be_written(org: Caller) -> None:
    contact, lead = fields_of(org, "Contact"), fields_of(org, "Lead")
    count = contact["Touchline_Open_Count__c"]
    assert (count["type"], count["precision"], count["scale"]) == ("double", 9, 0)
    assert count["custom"] is count["updateable"] is count["nillable"] is True
    assert contact["IsEmailBounced"]["updateable"] is False
    assert contact["Email"]["length"] == 80
    assert contact["LastName"]["nillable"] is False
    assert contact["Description"]["filterable"] is False
    assert lead["EmailBouncedReason"]["createable"] is False
    assert lead["EmailBouncedReason"]["updateable"] is True
    assert lead["IsConverted"]["createable"] is True
    assert lead["IsConverted"]["updateable"] is False
    assert lead["Status"]["restrictedPicklist"] is False
    status = lead["Touchline_Sequence_Status__c"]
    assert status["restrictedPicklist"] is True
    assert isinstance(status["picklistValues"], list)
    assert status["picklistValues"][0] == {
        "active": True,
        "defaultValue": False,
        "label": "Active",
        "validFor": None,
        "value": "Active",
    }
    key = fields_of(org, "EmailMessage")["Touchline_Key__c"]
    assert key["externalId"] is key["unique"] is key["idLookup"] is True


def test_contact_and_lead_carry_the_same_fields_of_the_default_mapping(org: Caller) -> None:
    ours = [
        {name: field for name, field in fields_of(org, kind).items() if name.startswith("Touchl")}
        for kind in ("Contact", "Lead")
    ]
    assert ours[0] == ours[1]
    assert len(ours[0]) == 15


def test_describe_may_be_unmodified(org: Caller) -> None:
    reply = org.get("/sobjects/Contact/describe")
    assert reply.headers["ETag"].startswith('"')
    headers = {"If-Modified-Since": reply.headers["Last-Modified"]}
    again = org.get("/sobjects/Contact/describe", headers=headers)
    assert (again.status_code, again.content) == (304, b"")


def test_a_hidden_field_does_not_exist_for_the_api(org: Caller) -> None:
    org.admin("PUT", "/hidden-fields", json={"Lead": ["HasOptedOutOfEmail"]})
    assert "HasOptedOutOfEmail" not in fields_of(org, "Lead")
    assert "HasOptedOutOfEmail" in fields_of(org, "Contact")
    error = org.refused("select HasOptedOutOfEmail from Lead")
    assert "No such column 'HasOptedOutOfEmail' on entity 'Lead'" in error["message"]
    write = org.refused_write("PATCH", f"/sobjects/Lead/{LEE}", {"HasOptedOutOfEmail": True})
    assert write["errorCode"] == "INVALID_FIELD"
    org.admin("PUT", "/hidden-fields", json={})
    assert "HasOptedOutOfEmail" in fields_of(org, "Lead")


def test_describe_global_names_every_object(org: Caller) -> None:
    described = org.get("/sobjects").json()
    prefixes = {each["name"]: each["keyPrefix"] for each in described["sobjects"]}
    assert prefixes == {
        "Campaign": "701",
        "CampaignMember": "00v",
        "Contact": "003",
        "EmailMessage": "02s",
        "EmailMessageRelation": "0J4",
        "Individual": "0PK",
        "Lead": "00Q",
        "Task": "00T",
        "User": "005",
    }


def test_get_returns_all_fields_or_those_asked_for(org: Caller) -> None:
    everything = org.get(f"/sobjects/Contact/{ADA[:15]}").json()
    assert everything["Id"] == ADA
    assert set(everything) == {"attributes", *fields_of(org, "Contact")}
    some = org.get(f"/sobjects/contact/{ADA}", params={"fields": "Id,Email"}).json()
    some.pop("attributes")
    assert some == {"Id": ADA, "Email": "Ada@Lovelace.example"}


def test_get_has_last_modified_and_may_be_unmodified(org: Caller) -> None:
    reply = org.get(f"/sobjects/Contact/{ADA}")
    assert reply.headers["Last-Modified"] == "Thu, 22 Oct 2026 21:03:23 GMT"
    headers = {"If-Modified-Since": "Thu, 22 Oct 2026 21:03:23 GMT"}
    assert org.get(f"/sobjects/Contact/{ADA}", headers=headers).status_code == 304


@pytest.mark.parametrize("given", [GONE, record_id("003", 999), "nonsense", LEE])
def test_get_of_no_record_is_404(org: Caller, given: str) -> None:
    reply = org.get(f"/sobjects/Contact/{given}")
    assert reply.status_code == 404
    assert reply.json()[0]["errorCode"] == "NOT_FOUND"


def test_patch_is_204_without_a_body(org: Caller) -> None:
    reply = org.patch(f"/sobjects/Contact/{ADA}", {"Title": "Enchantress"})
    assert (reply.status_code, reply.content) == (204, b"")
    assert org.query(f"select Title from Contact where Id = '{ADA}'") == [{"Title": "Enchantress"}]


def test_patch_is_412_when_the_record_moved_since(org: Caller) -> None:
    before = format_datetime(datetime(2026, 10, 22, 21, 3, 22, tzinfo=UTC), usegmt=True)
    headers = {"If-Unmodified-Since": before}
    assert org.patch(f"/sobjects/Contact/{ADA}", {"Title": "x"}, headers=headers).status_code == 412
    headers = {"If-Unmodified-Since": "Thu, 22 Oct 2026 21:03:23 GMT"}
    assert org.patch(f"/sobjects/Contact/{ADA}", {"Title": "x"}, headers=headers).status_code == 204
    headers = {"If-Unmodified-Since": "some day"}
    assert org.patch(f"/sobjects/Contact/{ADA}", {"Title": "x"}, headers=headers).status_code == 400


def test_a_refused_single_write_is_400_with_error_code(org: Caller) -> None:
    reply = org.patch(f"/sobjects/Contact/{ADA}", {"Email": "x"})
    assert reply.status_code == 400
    assert reply.json() == [
        {
            "message": "Email: invalid email address: x",
            "errorCode": "INVALID_EMAIL_ADDRESS",
            "fields": ["Email"],
        }
    ]
    reply = org.patch(f"/sobjects/Contact/{ADA}", {"Id": ADA, "Title": "x"})
    assert reply.json()[0]["message"] == "The Id field should not be specified in the sobject data."
    assert org.patch(f"/sobjects/Contact/{GONE}", {"Title": "x"}).status_code == 404


def test_post_creates_and_delete_deletes(org: Caller) -> None:
    made = org.post("/sobjects/Contact/", {"LastName": "New"})
    assert made.status_code == 201
    path = f"/sobjects/Contact/{made.json()['id']}"
    assert org.get(path).json()["Name"] == "New"
    assert org.http.delete(f"/services/data/v66.0{path}").status_code == 204
    assert org.get(path).status_code == 404
    again = org.http.delete(f"/services/data/v66.0{path}")
    assert again.json()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_upsert_by_external_id(org: Caller) -> None:
    made = org.patch("/sobjects/Task/Touchline_Key__c/a%2Fb%20c", {"Subject": "New"})
    assert made.status_code == 201
    assert made.json()["created"] is True
    assert org.ids("select Id from Task where Touchline_Key__c = 'a/b c'") == [made.json()["id"]]
    known = org.patch("/sobjects/Task/Touchline_Key__c/reply-1", {"Subject": "Known"})
    assert (known.status_code, known.json()["created"]) == (200, False)
    assert known.json()["id"] == CALL
    only = org.patch("/sobjects/Task/Touchline_Key__c/new?updateOnly=true", {"Subject": "x"})
    assert only.status_code == 404
    assert org.patch("/sobjects/Task/Subject/new", {}).status_code == 404


def test_every_rest_reply_says_api_usage_content_type_and_date(org: Caller) -> None:
    for reply in (org.get("/limits"), org.get("/sobjects/Nope/describe"), org.get("/query?q=x")):
        used, _, limit = (
            reply.headers["Sforce-Limit-Info"].removeprefix("api-usage=").partition("/")
        )
        assert int(used) >= 1
        assert limit == "100000"
        assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
        distance = datetime.now(UTC) - parsedate_to_datetime(reply.headers["Date"])
        assert timedelta(0) <= distance < timedelta(seconds=5)


def test_limits_count_down_with_every_call(org: Caller) -> None:
    first, second = (org.get("/limits").json()["DailyApiRequests"] for _ in range(2))
    assert first["Max"] == 100_000
    assert first["Remaining"] - second["Remaining"] == 1


def test_versions_need_no_session_and_old_ones_are_gone(org: Caller) -> None:
    assert httpx.get(f"{org.url}/services/data", trust_env=False).json()[-1]["version"] == "68.0"
    for version, status in (("30.0", 410), ("31.0", 200), ("68.0", 200), ("99.0", 404)):
        assert org.http.get(f"/services/data/v{version}/limits/").status_code == status


def test_what_does_not_exist_is_404_and_a_wrong_method_405(org: Caller) -> None:
    assert org.get("/nope").json() == [
        {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
    ]
    assert org.post("/limits", {}).status_code == 405


def test_an_address_beyond_16384_bytes_is_414(org: Caller) -> None:
    ids = ",".join(f"'{BEN}'" for _ in range(800))
    reply = org.get("/query", params={"q": f"select Id from Contact where Id in ({ids})"})
    assert reply.status_code == 414
