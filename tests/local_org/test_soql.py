"""SOQL as far as the org speaks it."""

from datetime import date
from pathlib import Path

import httpx
import pytest

from orchestration.local_org.process import OrgProcess
from orchestration.local_org.soql_dates import date_range
from tests.local_org.caller import ADA, API, BEN, CALL, CONVERTED, CYD, GONE, LEE, PRIVATE, Caller


@pytest.fixture(scope="module")
def org(running: OrgProcess, client: httpx.Client, seed_folder: Path) -> Caller:
    """One org for all: these tests only read."""
    return Caller(client, running.url).begin(seed_folder)


def test_names_and_keywords_do_not_mind_their_case_and_come_back_as_defined(org: Caller) -> None:
    (record,) = org.query("SELECT id, lastname FROM contact WHERE ID = '" + ADA + "'")
    assert record == {"Id": ADA, "LastName": "Lovelace"}


def test_a_record_says_its_type_and_address(org: Caller) -> None:
    reply = org.get("/query", params={"q": f"select Name from Contact where Id = '{ADA}'"}).json()
    assert reply == {
        "totalSize": 1,
        "done": True,
        "records": [
            {
                "attributes": {"type": "Contact", "url": f"{API}/sobjects/Contact/{ADA}"},
                "Name": "Ada Lovelace",
            }
        ],
    }


def test_relationship_fields_nest_and_an_empty_reference_is_null(org: Caller) -> None:
    ada, ben = org.query(
        "select Individual.HasOptedOutTracking, Individual.Owner.Username from Contact "
        f"where Id in ('{ADA}', '{BEN}') order by Id"
    )
    individual = ada["Individual"]
    assert individual["attributes"] == {
        "type": "Individual",
        "url": f"{API}/sobjects/Individual/{PRIVATE}",
    }
    assert individual["HasOptedOutTracking"] is True
    assert individual["Owner"]["Username"] == "integration@touchline.example"
    assert ben["Individual"] is None


def test_a_polymorphic_relationship_shows_the_record_that_is_meant(org: Caller) -> None:
    (task,) = org.query("select Who.Name, Who.Type from Task")
    assert task["Who"]["attributes"]["type"] == "Contact"
    assert task["Who"]["Name"] == "Ada Lovelace"
    assert task["Who"]["Type"] == "Contact"


def test_the_objects_name_and_an_alias_may_stand_before_a_field(org: Caller) -> None:
    soql = "select c.Id, Contact.Email from Contact c where c.LastName = 'Lovelace'"
    assert org.query(soql) == [{"Id": ADA, "Email": "Ada@Lovelace.example"}]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("LastName = 'lovelace'", [ADA]),
        ("LastName = 'O\\'Hara'", [BEN]),
        ("LastName like 'love%'", [ADA]),
        ("LastName like '100\\%\\_sure'", [CYD]),
        ("LastName like '100_\\_sure'", [CYD]),
        ("Email = null", [CYD]),
        ("Email = ''", [CYD]),
        ("Email != null", [ADA, BEN]),
        ("Email != 'ben@ohara.example'", [ADA, CYD]),
        ("not Email = 'ben@ohara.example'", [ADA, CYD]),
        ("not (Email like 'b%' or LastName = 'Lovelace')", [CYD]),
        ("Email in ('BEN@ohara.example', null)", [BEN, CYD]),
        ("Email not in ('ben@ohara.example')", [ADA, CYD]),
        ("HasOptedOutOfEmail = true", [BEN]),
        ("HasOptedOutOfEmail != true", [ADA, CYD]),
        ("Touchline_Open_Count__c >= 3", [BEN]),
        ("Touchline_Open_Count__c < 3", []),
        ("Birthdate < 1900-01-01", [ADA]),
        ("SystemModstamp = 2026-10-22T21:03:23Z", [ADA, BEN, CYD]),
        ("SystemModstamp > 2026-10-22T23:03:22+02:00", [ADA, BEN, CYD]),
        ("SystemModstamp > 2026-10-22T21:03:23.000Z", []),
        ("CreatedDate < TODAY", [ADA, BEN, CYD]),
        ("LastName = 'Lovelace' and (Email = null or Title = 'Countess')", [ADA]),
        ("Individual.HasOptedOutTracking = true", [ADA]),
        ("Id in (select WhoId from Task where Subject = 'Call')", [ADA]),
        ("Id not in (select WhoId from Task)", [BEN, CYD]),
        (f"Id = '{ADA[:15]}'", [ADA]),
    ],
)  # fmt: skip
def test_where(org: Caller, condition: str, expected: list[str]) -> None:
    assert org.ids(f"select Id from Contact where {condition} order by Id") == expected


def test_query_hides_deleted_records_and_query_all_shows_them(org: Caller) -> None:
    soql = "select Id from Contact where LastName = 'Gone'"
    assert org.ids(soql) == []
    assert org.ids(soql, everything=True) == [GONE]
    merged = "select Id from Contact where IsDeleted = true and MasterRecordId != null"
    assert org.ids(merged, everything=True) == [GONE]


def test_order_limit_and_offset(org: Caller) -> None:
    assert org.ids("select Id from Contact order by Email") == [CYD, ADA, BEN]
    assert org.ids("select Id from Contact order by Email desc nulls last") == [BEN, ADA, CYD]
    soql = "select Id from Contact order by Email nulls last, Id limit 1 offset 1"
    assert org.ids(soql) == [BEN]


def test_count_without_a_field_is_the_total_size(org: Caller) -> None:
    reply = org.get("/query", params={"q": "select count() from Contact"}).json()
    assert reply == {"totalSize": 3, "done": True, "records": []}


def test_aggregates_without_group_by(org: Caller) -> None:
    soql = "select count(Id), count(Email) mails, max(LastName) from Contact"
    record = org.get("/query", params={"q": soql}).json()["records"][0]
    assert record == {
        "attributes": {"type": "AggregateResult"},
        "expr0": 3,
        "mails": 2,
        "expr2": "O'Hara",
    }


def test_values_look_as_rest_shows_them(org: Caller) -> None:
    fields = "Touchline_Open_Count__c, HasOptedOutOfEmail, SystemModstamp, Birthdate"
    ben, ada = org.query(f"select {fields} from Contact where Email != null order by Email desc")
    assert ben == {
        "Touchline_Open_Count__c": 3.0,
        "HasOptedOutOfEmail": True,
        "SystemModstamp": "2026-10-22T21:03:23.000+0000",
        "Birthdate": None,
    }
    assert ada["Birthdate"] == "1815-12-10"


def test_an_unknown_field_is_invalid_field_with_its_place(org: Caller) -> None:
    assert org.refused("select Id, foo from Contact") == {
        "errorCode": "INVALID_FIELD",
        "message": "\nselect Id, foo from Contact\n           ^\nERROR at Row:1:Column:12\n"
        "No such column 'foo' on entity 'Contact'. If you are attempting to use a custom field, "
        "be sure to append the '__c' after the custom field name. Please reference your WSDL or "
        "the describe call for the appropriate names.",
    }


def test_an_unknown_object_is_invalid_type_with_its_place(org: Caller) -> None:
    error = org.refused("select count() from XYZZY")
    assert error["errorCode"] == "INVALID_TYPE"
    assert error["message"].startswith(
        "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
        "sObject type 'XYZZY' is not supported."
    )


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("select Id frm Contact", "MALFORMED_QUERY", "unexpected token: 'frm'"),
        ("select Id from Contact where", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("select Id from Contact where Id = 'x", "MALFORMED_QUERY", "unexpected token: '''"),
        (
            "select Id from Contact where Id = null and Email = null or Name = null",
            "MALFORMED_QUERY",
            "unexpected token: 'or'",
        ),
        ("select Id, id from Contact", "MALFORMED_QUERY", "duplicate field selected: id"),
        ("select Id from Contact where Name = 'a\\q'", "MALFORMED_QUERY", "Illegal escape"),
        ("select Id from Contact where CreatedDate = SOMEDAY", "MALFORMED_QUERY", "SOMEDAY"),
        ("select Foo.Id from Contact", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        ("select Account.Name from Contact", "INVALID_FIELD", "understand relationship 'Account'"),
        (
            "select Id from Contact where CreatedDate > '2026-01-01'",
            "INVALID_FIELD",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "select Id from Contact where CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        (
            "select Id from Contact where Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        ("select Id from Contact where Id = '003x'", "INVALID_QUERY_FILTER_OPERATOR", "003x"),
        (
            "select Id from Contact order by Id offset 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
    ],
)
def test_what_is_wrong_with_a_query_is_said(
    org: Caller, soql: str, code: str, message: str
) -> None:
    error = org.refused(soql)
    assert error["errorCode"] == code
    assert message in error["message"]


def test_lead_and_task_queries(org: Caller) -> None:
    assert org.ids("select Id from Lead where IsConverted = false") == [LEE]
    assert org.ids("select Id from Lead where ConvertedContactId != null") == [CONVERTED]
    assert org.ids("select Id from Task where Touchline_Key__c = 'reply-1'") == [CALL]


@pytest.mark.parametrize(
    ("literal", "first", "after"),
    [
        ("TODAY", "2026-11-20", "2026-11-21"),
        ("yesterday", "2026-11-19", "2026-11-20"),
        ("LAST_N_DAYS:30", "2026-10-21", "2026-11-21"),
        ("NEXT_N_DAYS:2", "2026-11-21", "2026-11-23"),
        ("THIS_WEEK", "2026-11-15", "2026-11-22"),
        ("LAST_MONTH", "2026-10-01", "2026-11-01"),
        ("NEXT_N_MONTHS:2", "2026-12-01", "2027-02-01"),
        ("N_DAYS_AGO:1", "2026-11-19", "2026-11-20"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
    ],
)
def test_date_literals_are_ranges_of_days(literal: str, first: str, after: str) -> None:
    found = date_range(literal, date(2026, 11, 20))
    assert found == (date.fromisoformat(first), date.fromisoformat(after))


def test_there_is_no_other_date_literal() -> None:
    assert date_range("LAST_N_FORTNIGHTS:2", date(2026, 11, 20)) is None
    assert date_range("SOMEDAY", date(2026, 11, 20)) is None
