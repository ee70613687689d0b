"""The proof of writes: what was really written, once or twice, and by whom."""

from tests.local_org.bulk_caller import BulkCaller
from tests.local_org.caller import ADA, BEN, CYD, Caller


def test_each_record_that_was_written_leaves_a_line(org: Caller) -> None:
    org.update("Contact", {"id": ADA, "Title": "x"}, {"id": BEN, "Email": "no address"})
    (made,) = org.create("Task", {"Subject": "Call", "Touchline_Key__c": "key-9"})
    org.http.delete(f"/services/data/v66.0/sobjects/Task/{made['id']}")
    lines = org.admin("GET", "/writes")
    assert [(each["object"], each["operation"], each["record_id"]) for each in lines] == [
        ("Contact", "update", ADA),
        ("Task", "create", made["id"]),
        ("Task", "delete", made["id"]),
    ]
    assert [each["external_key"] for each in lines] == [None, "key-9", "key-9"]
    assert lines[0]["fields"] == ["Title"]
    requests = [each["request_id"] for each in org.log(is_write="true")]
    assert [each["request_id"] for each in lines] == requests
    assert {each["source"] for each in lines} == {"rest"}


def test_a_rolled_back_request_wrote_nothing(org: Caller) -> None:
    rows = ({"id": ADA, "Title": "x"}, {"id": BEN, "Email": "no address"})
    org.update("Contact", *rows, all_or_none=True)
    assert org.admin("GET", "/writes") == []


def test_jobs_and_hands_are_told_apart(org: Caller) -> None:
    done = BulkCaller(org).run(f"Id,Title\n{ADA},x\n{CYD},y\n")
    org.admin("PATCH", f"/records/Contact/{ADA}", json={"fields": {"Title": "z"}})
    of_job = org.admin("GET", "/writes", params={"job_id": done["id"]})
    assert {each["record_id"] for each in of_job} == {ADA, CYD}
    assert {each["source"] for each in of_job} == {"bulk"}
    (start,) = org.log(method="PATCH", kind="rest")
    assert {each["request_id"] for each in of_job} == {start["request_id"]}
    (by_hand,) = org.admin("GET", "/writes", params={"source": "admin"})
    assert by_hand["record_id"] == ADA


def test_what_was_written_twice_shows(org: Caller) -> None:
    org.update("Contact", {"id": ADA, "Title": "x"})
    assert org.admin("GET", "/writes/summary")["repeated"] == []
    org.update("Contact", {"id": ADA, "Title": "y"})
    org.update("Contact", {"id": ADA, "Title": "y"})
    org.create("Contact", {"LastName": "Twin"})
    org.create("Contact", {"LastName": "Twin"})
    summary = org.admin("GET", "/writes/summary")
    assert (summary["writes"], summary["records"], summary["without_change"]) == (5, 3, 1)
    (repeated,) = summary["repeated"]
    assert (repeated["record_id"], repeated["writes"]) == (ADA, 2)
    (twins,) = summary["twins"]
    assert (twins["object"], twins["records"]) == ("Contact", 2)
    assert summary["by_operation"] == [
        {"object": "Contact", "operation": "create", "writes": 2},
        {"object": "Contact", "operation": "update", "writes": 3},
    ]


def test_values_are_not_kept(org: Caller) -> None:
    org.update("Contact", {"id": ADA, "Description": "a very private remark"})
    assert "private" not in str(org.admin("GET", "/writes"))


def test_the_proof_can_be_emptied(org: Caller) -> None:
    org.update("Contact", {"id": ADA, "Title": "x"})
    assert org.admin("DELETE", "/writes") == {"removed": 1}
    assert org.admin("GET", "/writes") == []
    assert org.http.get("/__admin/writes", params={"colour": "red"}).status_code == 400
