"""sObject Collections: verdicts row by row, in the order of the request."""

import pytest

from orchestration.local_org.identifiers import canonical
from tests.local_org.caller import ADA, API, BEN, CYD, LEE, STAMP, Caller, record_id

COUNT = "Touchline_Open_Count__c"


def test_update_answers_in_the_order_of_the_request_and_a_failed_row_has_no_id(
    org: Caller,
) -> None:
    results = org.update(
        "Contact",
        {"id": CYD, COUNT: 1},
        {"id": ADA, "Email": "badone"},
        {"id": BEN, COUNT: 2},
    )
    assert results == [
        {"id": CYD, "success": True, "errors": []},
        {
            "success": False,
            "errors": [
                {
                    "statusCode": "INVALID_EMAIL_ADDRESS",
                    "message": "Email: invalid email address: badone",
                    "fields": ["Email"],
                }
            ],
        },
        {"id": BEN, "success": True, "errors": []},
    ]
    rows = org.query(f"select {COUNT} from Contact order by Id")
    assert [row[COUNT] for row in rows] == [None, 2.0, 1.0]


def test_all_or_none_rolls_the_others_back(org: Caller) -> None:
    good, bad = org.update(
        "Contact", {"id": ADA, COUNT: 9}, {"id": BEN, "LastName": None}, all_or_none=True
    )
    assert good["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    (ada,) = org.query(f"select {COUNT}, SystemModstamp from Contact where Id = '{ADA}'")
    assert ada == {COUNT: None, "SystemModstamp": STAMP}


def test_more_than_200_records_are_refused(org: Caller) -> None:
    records = [{"attributes": {"type": "Contact"}, "id": ADA}] * 201
    reply = org.patch("/composite/sobjects", {"records": records})
    assert reply.status_code == 400
    assert reply.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


def test_more_than_ten_chunks_of_one_type_are_refused(org: Caller) -> None:
    mixed = [
        {"attributes": {"type": kind}, "id": record}
        for _ in range(6)
        for kind, record in (("Contact", ADA), ("Lead", LEE))
    ]
    reply = org.patch("/composite/sobjects", {"records": mixed})
    assert reply.status_code == 400
    assert "more than 10 chunks" in reply.json()[0]["message"]
    fewer = org.patch("/composite/sobjects", {"records": mixed[:10]})
    assert fewer.status_code == 200
    assert all(row["success"] for row in fewer.json())


def test_a_malformed_request_is_400_as_a_whole(org: Caller) -> None:
    bodies: tuple[object, ...] = ({}, {"records": [1]}, [])
    for body in bodies:
        reply = org.patch("/composite/sobjects", body)
        assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    nan = org.http.patch(
        "/services/data/v66.0/composite/sobjects",
        content=b'{"records": [{"x": NaN}]}',
        headers={"Content-Type": "application/json"},
    )
    assert (nan.status_code, nan.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    unknown = {"records": [{"attributes": {"type": "Nope"}}]}
    assert org.patch("/composite/sobjects", unknown).json()[0]["errorCode"] == "INVALID_TYPE"


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("PATCH", "/composite/sobjects", "text/plain"),
        ("POST", "/sobjects/Contact", None),
        ("POST", "/jobs/ingest", "application/x-www-form-urlencoded"),
        ("PUT", "/jobs/ingest/750000000000000AAA/batches", "application/json"),
    ],
)
def test_a_body_must_say_what_it_is(org: Caller, method: str, path: str, given: str | None) -> None:
    headers = {"Content-Type": given} if given else {}
    reply = org.http.request(method, f"{API}{path}", content=b"{}", headers=headers)
    assert reply.status_code == 415
    assert reply.json() == [
        {
            "errorCode": "UNSUPPORTED_MEDIA_TYPE",
            "message": f"MediaType of '{given or ''}' is not supported by this resource",
        }
    ]


def test_an_id_twice_in_one_request_fails_the_second_row(org: Caller) -> None:
    first, second = org.update("Contact", {"id": ADA, COUNT: 1}, {"id": ADA[:15], COUNT: 2})
    assert first["success"]
    assert second["errors"][0]["statusCode"] == "DUPLICATE_VALUE"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("abc", "MALFORMED_ID"),
        (LEE, "MALFORMED_ID"),
        (ADA[:17] + ("A" if ADA[17] != "A" else "B"), "MALFORMED_ID"),
        (record_id("003", 999), "INVALID_CROSS_REFERENCE_KEY"),
        (None, "MISSING_ARGUMENT"),
    ],
)
def test_an_id_that_names_no_record_fails_its_row(
    org: Caller, given: str | None, code: str
) -> None:
    assert org.error("Contact", {"id": given, COUNT: 1})["statusCode"] == code


def test_a_15_character_id_is_accepted_and_answered_with_18(org: Caller) -> None:
    (result,) = org.update("Contact", {"id": ADA[:15], COUNT: 1})
    assert result["id"] == ADA


def test_a_write_of_equal_values_moves_the_stamps_too(org: Caller) -> None:
    org.update("Contact", {"id": BEN, COUNT: 3})
    (ben,) = org.query(
        f"select {COUNT}, LastModifiedDate, SystemModstamp, CreatedDate, LastModifiedBy.Username "
        f"from Contact where Id = '{BEN}'"
    )
    assert ben[COUNT] == 3.0
    assert ben["LastModifiedDate"] == ben["SystemModstamp"] > STAMP
    assert ben["SystemModstamp"].endswith(".000+0000")
    assert ben["CreatedDate"] == STAMP
    assert ben["LastModifiedBy"]["Username"] == "integration@touchline.example"


def test_null_clears_and_an_absent_key_does_not(org: Caller) -> None:
    org.update("Contact", {"id": BEN, "Email": None})
    (ben,) = org.query(f"select Email, {COUNT} from Contact where Id = '{BEN}'")
    assert ben == {"Email": None, COUNT: 3.0}


def test_create_gives_valid_ids_with_the_right_prefix(org: Caller) -> None:
    prefixes = {
        "Contact": ("003", {"LastName": "New"}),
        "Lead": ("00Q", {"LastName": "New", "Company": "New"}),
        "Task": ("00T", {"Subject": "New"}),
        "EmailMessage": ("02s", {"Subject": "New", "Status": "3"}),
        "Individual": ("0PK", {"LastName": "New"}),
        "Campaign": ("701", {"Name": "New"}),
    }
    seen = set()
    for kind, (prefix, record) in prefixes.items():
        first, second = org.create(kind, record, record)
        assert first["success"], first
        assert first["id"].startswith(prefix)
        assert canonical(first["id"]) == first["id"]
        seen |= {first["id"], second["id"]}
    assert len(seen) == 2 * len(prefixes)


def test_create_fills_in_defaults_owner_and_stamps(org: Caller) -> None:
    (result,) = org.create("Task", {"Subject": "Answer", "WhoId": ADA})
    (task,) = org.query(
        "select Status, Priority, IsClosed, Owner.Username, CreatedDate, SystemModstamp, "
        f"IsDeleted from Task where Id = '{result['id']}'"
    )
    assert task["Status"] == "Not Started"
    assert task["Priority"] == "Normal"
    assert task["IsClosed"] is False
    assert task["Owner"]["Username"] == "integration@touchline.example"
    assert task["CreatedDate"] == task["SystemModstamp"] > STAMP


def test_create_refuses_an_id_and_missing_fields(org: Caller) -> None:
    with_id, without_name = org.create("Lead", {"Id": LEE, "LastName": "x", "Company": "x"}, {})
    assert with_id["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert without_name == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName, Company]",
                "fields": ["LastName", "Company"],
            }
        ],
    }


def test_retrieve_answers_in_the_order_of_the_ids(org: Caller) -> None:
    reply = org.post(
        "/composite/sobjects/Contact",
        {"ids": [BEN, record_id("003", 99), ADA], "fields": ["LastName"]},
    )
    found = [row and row["LastName"] for row in reply.json()]
    assert found == ["O'Hara", None, "Lovelace"]


def test_delete_puts_into_the_recycle_bin(org: Caller) -> None:
    reply = org.http.delete(
        "/services/data/v66.0/composite/sobjects", params={"ids": f"{ADA},{ADA[:15]},{LEE}"}
    )
    assert [row["success"] for row in reply.json()] == [True, False, True]
    assert ADA not in org.ids("select Id from Contact")
    assert ADA in org.ids("select Id from Contact", everything=True)


def test_200_rows_are_taken_in_one_call(org: Caller) -> None:
    made = org.create("Contact", *({"LastName": f"N{number}"} for number in range(200)))
    rows = [{"id": row["id"], COUNT: 1, "Touchline_Replied__c": True} for row in made]
    assert all(row["success"] for row in org.update("Contact", *rows))
    assert len(org.ids(f"select Id from Contact where {COUNT} = 1")) == 200
