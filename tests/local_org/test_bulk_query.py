"""Bulk API 2.0 query jobs: results in pages of CSV."""

import csv
import io
import time
from typing import Any

import httpx
import pytest

from tests.local_org.caller import ADA, API, BEN, CYD, GONE, Caller


def begin(org: Caller, soql: str, operation: str = "query") -> str:
    reply = org.post("/jobs/query", {"operation": operation, "query": soql})
    assert reply.status_code == 200, reply.text
    assert reply.json()["state"] == "UploadComplete"
    identifier: str = reply.json()["id"]
    return identifier


def wait(org: Caller, job: str) -> dict[str, Any]:
    for _ in range(1000):
        found: dict[str, Any] = org.get(f"/jobs/query/{job}").json()
        if found["state"] in {"JobComplete", "Failed", "Aborted"}:
            return found
        time.sleep(0.01)
    raise AssertionError("the job does not end")


def page(org: Caller, job: str, **parameters: str) -> tuple[list[dict[str, str]], httpx.Response]:
    reply = org.get(f"/jobs/query/{job}/results", params=parameters)
    assert reply.status_code == 200, reply.text
    return list(csv.DictReader(io.StringIO(reply.content.decode(), newline=""))), reply


def test_a_query_job_from_its_start_to_its_last_page(org: Caller) -> None:
    job = begin(org, "select Owner.Username, Id, CreatedDate, HasOptedOutOfEmail, "
                     "Touchline_Open_Count__c from Contact order by Id")  # fmt: skip
    done = wait(org, job)
    assert (done["state"], done["jobType"], done["numberRecordsProcessed"]) == (
        "JobComplete", "V2Query", 3)  # fmt: skip
    first, reply = page(org, job, maxRecords="2")
    assert reply.headers["Sforce-NumberOfRecords"] == "2"
    rest, last = page(org, job, maxRecords="2", locator=reply.headers["Sforce-Locator"])
    assert last.headers["Sforce-Locator"] == "null"
    assert [row["Id"] for row in (*first, *rest)] == [ADA, BEN, CYD]
    assert list(first[0])[:2] == ["Owner.Username", "Id"]
    assert first[1] == {
        "Owner.Username": "integration@touchline.example",
        "Id": BEN,
        "CreatedDate": "2026-10-22T21:03:23.000Z",
        "HasOptedOutOfEmail": "true",
        "Touchline_Open_Count__c": "3.0",
    }
    assert [row["Id"] for row in page(org, job)[0]] == [ADA, BEN, CYD]


def test_query_all_finds_the_recycle_bin(org: Caller) -> None:
    job = begin(org, "select Id from Contact where IsDeleted = true", "queryAll")
    wait(org, job)
    assert [row["Id"] for row in page(org, job)[0]] == [GONE]


def test_results_wait_for_the_end_of_the_job(org: Caller) -> None:
    org.admin("POST", "/faults", json={"kind": "job_stays", "object": "Contact"})
    job = begin(org, "select Id from Contact")
    assert org.get(f"/jobs/query/{job}/results").status_code == 409
    org.admin("DELETE", "/faults")
    assert wait(org, job)["state"] == "JobComplete"
    other = org.http.get(f"/services/data/v65.0/jobs/query/{job}/results")
    assert other.status_code == 409, "only in the version that opened it"


def test_a_query_job_can_fail_be_aborted_and_deleted(org: Caller) -> None:
    faults = [{"kind": "job_fails", "message": "no luck"}, {"kind": "job_stays", "nth": 2}]
    org.admin("POST", "/faults", json=faults)
    failed = wait(org, begin(org, "select Id from Contact"))
    assert failed["errorMessage"] == "InternalServerError : no luck"
    job = begin(org, "select Id from Contact")
    assert org.patch(f"/jobs/query/{job}", {"state": "Aborted"}).json()["state"] == "Aborted"
    assert len(org.get("/jobs/query").json()["records"]) == 2
    assert org.http.delete(f"{API}/jobs/query/{job}").status_code == 204
    assert org.get(f"/jobs/query/{job}").status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "query", "query": "select Nothing from Contact"}, "INVALID_FIELD"),
        ({"operation": "query", "query": "select count() from Contact"}, "INVALIDJOB"),
        ({"operation": "query"}, "INVALIDJOB"),
        ({"operation": "insert", "query": "select Id from Contact"}, "INVALIDOPERATION"),
    ],
)
def test_bad_query_jobs_are_refused(org: Caller, body: dict[str, str], code: str) -> None:
    reply = org.post("/jobs/query", body)
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, code)
