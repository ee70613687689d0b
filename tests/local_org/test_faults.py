"""Faults on demand: each does what it says, where and as often as it was asked to."""

import socket
import time
from typing import Any

import httpx
import pytest

from tests.local_org.bulk_caller import BulkCaller
from tests.local_org.caller import ADA, API, BEN, CYD, LEE, Caller


def arm(org: Caller, kind: str, **more: Any) -> None:
    org.admin("POST", "/faults", json={"kind": kind, **more})


def title(org: Caller, record_id: str) -> object:
    records = org.admin("GET", "/records/Contact")
    return next(each["Title"] for each in records if each["Id"] == record_id)


def change(org: Caller) -> httpx.Response:
    record = {"attributes": {"type": "Contact"}, "id": ADA, "Title": "New"}
    return org.patch("/composite/sobjects", {"records": [record]})


def test_a_dropped_connection_before_the_commit_changes_nothing(org: Caller) -> None:
    arm(org, "drop_before", method="PATCH")
    with pytest.raises(httpx.TransportError):
        change(org)
    assert title(org, ADA) == "Countess"
    (entry,) = org.log(kind="rest")
    assert (entry["status"], entry["fault"], entry["is_api_call"]) == (0, "drop_before", False)
    assert org.admin("GET", "/writes") == []


def test_a_dropped_connection_after_the_commit_has_changed_the_record(org: Caller) -> None:
    arm(org, "drop_after", path="/composite/sobjects")
    with pytest.raises(httpx.TransportError):
        change(org)
    assert title(org, ADA) == "New"
    (entry,) = org.log(fault="drop_after")
    assert (entry["status"], entry["is_api_call"]) == (0, True)
    (write,) = org.admin("GET", "/writes")
    assert write["request_id"] == entry["request_id"]
    assert change(org).status_code == 200, "a fault fires once unless told otherwise"


@pytest.mark.parametrize("status", [406, 420, 429, 500, 502, 503, 504])
def test_any_status_can_be_had(org: Caller, status: int) -> None:
    arm(org, "status", status=status, retry_after=7, object="Contact")
    reply = change(org)
    assert (reply.status_code, reply.headers["Retry-After"]) == (status, "7")
    assert title(org, ADA) == "Countess"
    is_json = reply.headers["Content-Type"].startswith("application/json")
    assert is_json == (status not in {420, 502, 504})


def test_a_gateway_may_give_up_after_the_commit(org: Caller) -> None:
    arm(org, "status", status=504, when="after")
    assert change(org).status_code == 504
    assert title(org, ADA) == "New"


def test_faults_after_the_work_wait_for_work_that_is_done(org: Caller) -> None:
    arm(org, "drop_after", method="PATCH")
    arm(org, "status", status=504, when="after", method="PATCH")
    nonsense = org.patch("/composite/sobjects", {"records": 1})
    org.admin("POST", "/sessions/expire")
    assert (nonsense.status_code, change(org).status_code) == (400, 401)
    assert [(each["met"], each["fired"]) for each in org.admin("GET", "/faults")] == [(0, 0)] * 2
    assert [entry["fault"] for entry in org.log(method="PATCH")] == ["", ""]
    org.sign_in()
    with pytest.raises(httpx.TransportError):
        change(org)
    assert [entry["status"] for entry in org.log(fault="drop_after%")] == [0]


def test_an_html_page_is_no_json(org: Caller) -> None:
    arm(org, "html_page", status=200)
    reply = org.get("/limits")
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.content.startswith(b"<html>")


def test_a_session_ends_in_the_middle(org: Caller) -> None:
    arm(org, "expire_session", nth=2)
    assert org.get("/limits").status_code == 200
    reply = org.get("/limits")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert org.get("/limits").status_code == 401
    org.sign_in()
    assert org.get("/limits").status_code == 200


def test_the_limit_is_exceeded_for_the_day_or_for_the_moment(org: Caller) -> None:
    arm(org, "limit_exceeded")
    arm(org, "limit_exceeded", limit="concurrent", nth=2)
    messages = [org.get("/limits").json()[0]["message"] for _ in range(2)]
    assert messages == [
        "TotalRequests Limit exceeded.",
        "ConcurrentPerOrgLongTxn Limit exceeded.",
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_may_be_slow_before_and_after_the_commit(org: Caller, when: str) -> None:
    arm(org, "slow", seconds=0.5, when=when)
    started = time.monotonic()
    record = {"attributes": {"type": "Contact"}, "id": ADA, "Title": "New"}
    body = {"records": [record]}
    with pytest.raises(httpx.ReadTimeout):
        org.http.patch(f"{API}/composite/sobjects", json=body, timeout=0.2)
    assert title(org, ADA) == ("Countess" if when == "before" else "New")
    time.sleep(max(0.0, 0.7 - (time.monotonic() - started)))
    assert title(org, ADA) == "New"


def test_rows_are_locked_by_share_or_by_id(org: Caller) -> None:
    arm(org, "lock_rows", share=0.5)
    records = [{"id": each, "Title": "New"} for each in (ADA, BEN)]
    results = org.update("Contact", *records)
    assert sorted(each["success"] for each in results) == [False, True]
    (error,) = next(each["errors"] for each in results if not each["success"])
    assert error["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert error["message"].startswith(
        "unable to obtain exclusive access to this record or 1 records: 003"
    )
    arm(org, "lock_rows", ids=[BEN[:15]], times=None)
    for _ in range(2):
        results = org.update("Contact", *records)
        assert [each["success"] for each in results] == [True, False]


def test_a_row_fails_with_any_code(org: Caller) -> None:
    arm(org, "row_error", ids=["key-2"], code="MADE_UP", message="No", fields=["Subject"])
    results = org.create(
        "Task",
        {"Subject": "a", "Touchline_Key__c": "key-1"},
        {"Subject": "b", "Touchline_Key__c": "key-2"},
    )
    assert [each["success"] for each in results] == [True, False]
    assert results[1]["errors"] == [
        {"statusCode": "MADE_UP", "message": "No", "fields": ["Subject"]}
    ]


def test_faults_of_an_object_leave_the_others_alone(org: Caller) -> None:
    arm(org, "lock_rows", object="Lead")
    assert org.update("Contact", {"id": ADA, "Title": "x"})[0]["success"]
    assert not org.update("Lead", {"id": LEE, "Title": "x"})[0]["success"]
    arm(org, "status", object="Contact", method="GET")
    assert org.get("/sobjects/Lead/describe").status_code == 200
    assert org.get("/query", params={"q": "select Id from Lead"}).status_code == 200
    assert org.get("/query", params={"q": "select Id from Contact"}).status_code == 503


def test_dice_fall_the_same_way_for_the_same_seed(org: Caller) -> None:
    def statuses() -> list[int]:
        org.admin("DELETE", "/faults")
        arm(org, "status", probability=0.5, seed=7, times=None)
        return [org.get("/limits").status_code for _ in range(12)]

    first = statuses()
    assert set(first) == {200, 503}
    assert statuses() == first


def test_faults_are_listed_with_their_counts(org: Caller) -> None:
    arm(org, "status", nth=2)
    for _ in range(3):
        org.get("/limits")
    (fault,) = org.admin("GET", "/faults")
    assert (fault["kind"], fault["met"], fault["fired"]) == ("status", 3, 1)
    assert org.admin("DELETE", "/faults")["removed"] == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "earthquake"}, "kind must be one of"),
        ({"kind": ["slow"]}, "kind must be a text"),
        ({"kind": "slow", "speed": 1}, "No such key: speed"),
        ({"kind": "slow", "share": 2}, "share and probability are parts of 1"),
        ({"kind": "slow", "seconds": "1"}, "seconds must be a number, 0 or more"),
        ({"kind": "slow", "times": "1"}, "times must be a whole number, 0 or more"),
        ({"kind": "slow", "nth": None}, "nth must be a whole number, 0 or more"),
        ({"kind": "status", "status": True}, "status must be a whole number, 0 or more"),
        ({"kind": "status", "status": 42}, "status is an HTTP status from 200 to 599"),
        ({"kind": "lock_rows", "ids": "abc"}, "ids must be a list of texts"),
        ({"kind": "lock_rows", "path": 7}, "path must be a text"),
        (7, "A fault is an object"),
    ],
)
def test_faults_that_make_no_sense_are_refused(org: Caller, fault: object, told: str) -> None:
    reply = org.http.post("/__admin/faults", json=fault)
    assert reply.status_code == 400
    assert told in reply.json()[0]["message"]


@pytest.fixture
def bulk(org: Caller) -> BulkCaller:
    return BulkCaller(org)


DATA = f"Id,Title\n{ADA},a\n{BEN},b\n{CYD},c\n"


def test_a_job_fails_before_it_does_anything(org: Caller, bulk: BulkCaller) -> None:
    arm(org, "job_fails", message="no luck")
    done = bulk.run(DATA)
    assert (done["state"], done["errorMessage"]) == ("Failed", "InternalServerError : no luck")
    assert len(bulk.results(done["id"], "unprocessedRecords")) == 3
    assert title(org, ADA) == "Countess"


def test_a_job_ends_in_the_middle(org: Caller, bulk: BulkCaller) -> None:
    arm(org, "job_partly", after_rows=2)
    done = bulk.run(DATA)
    assert (done["state"], done["numberRecordsProcessed"]) == ("Failed", 2)
    assert {row["Id"] for row in bulk.results(done["id"], "successfulResults")} == {ADA, BEN}
    assert bulk.results(done["id"], "unprocessedRecords") == [{"Id": CYD, "Title": "c"}]
    assert (title(org, BEN), title(org, CYD)) == ("b", None)


def test_a_job_stays_until_it_is_told_to_go_on(org: Caller, bulk: BulkCaller) -> None:
    arm(org, "job_stays")
    job = bulk.open()
    bulk.upload(job, DATA)
    bulk.set_state(job, "UploadComplete")
    bulk.wait(job, {"InProgress"})
    assert bulk.get(job)["state"] == "InProgress"
    assert org.http.post("/__admin/jobs/750000000000000AAA/resume").status_code == 404
    org.admin("POST", f"/jobs/{job}/resume")
    assert bulk.wait(job)["state"] == "JobComplete"


def test_a_job_that_stays_can_be_aborted(org: Caller, bulk: BulkCaller) -> None:
    arm(org, "job_stays")
    job = bulk.open()
    bulk.upload(job, DATA)
    bulk.set_state(job, "UploadComplete")
    bulk.wait(job, {"InProgress"})
    assert bulk.set_state(job, "Aborted").status_code == 200
    assert len(bulk.results(job, "unprocessedRecords")) == 3
    assert org.admin("DELETE", "/faults") == {"removed": 1, "resumed": 0}


def test_rows_of_a_job_are_locked_too(org: Caller, bulk: BulkCaller) -> None:
    arm(org, "lock_rows", ids=[BEN], object="Contact")
    done = bulk.run(DATA)
    (row,) = bulk.results(done["id"], "failedResults")
    assert row["Id"] == BEN
    assert row["sf__Error"] == (
        "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: "
        f"{BEN[:15]}:--"
    )


def test_a_dropped_start_has_started_the_job(org: Caller, bulk: BulkCaller) -> None:
    job = bulk.open()
    bulk.upload(job, DATA)
    arm(org, "drop_after", method="PATCH", path="/jobs/ingest/*")
    with pytest.raises(httpx.TransportError):
        bulk.set_state(job, "UploadComplete")
    assert bulk.wait(job)["state"] == "JobComplete"


def test_half_a_request_is_none(org: Caller) -> None:
    url = httpx.URL(org.url)
    with socket.create_connection((url.host, url.port or 0)) as half:
        token = org.http.headers["Authorization"]
        half.sendall(
            f"PATCH {API}/composite/sobjects HTTP/1.1\r\nHost: {url.host}\r\n"
            f"Authorization: {token}\r\nContent-Length: 500\r\n\r\n{{".encode()
        )
    assert org.get("/limits").status_code == 200
    assert [entry["method"] for entry in org.log(kind="rest")] == ["GET"]
