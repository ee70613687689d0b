"""The request log and the back door."""

import sqlite3

import httpx

from orchestration.local_org.process import OrgProcess
from tests.local_org.bulk_caller import BulkCaller
from tests.local_org.caller import ADA, BEN, CONVERTED, LEE, OTHER_REP, REP, Caller


def test_a_read_and_a_write_leave_their_lines(org: Caller) -> None:
    soql = "select Id from Contact where LastName = 'A+B'"
    org.get("/query", params={"q": soql})
    org.update("Contact", {"id": ADA, "Title": "x"}, {"id": BEN, "Email": "x"})
    read, write = org.log(kind="rest")
    assert read["path"] == "/services/data/v66.0/query"
    assert read["query"] == f"q={soql}"
    assert (read["method"], read["status"], read["records"]) == ("GET", 200, 0)
    assert (read["is_api_call"], read["is_write"]) == (True, False)
    assert (write["method"], write["status"], write["is_write"]) == ("PATCH", 200, True)
    assert (write["records"], write["failed_records"]) == (2, 1)
    assert write["duration_ms"] > 0
    assert org.admin("GET", "/requests/summary", params={"kind": "rest"}) == {
        "requests": 2,
        "api_calls": 2,
        "reads": 1,
        "writes": 1,
        "records_written": 1,
        "records_failed": 1,
    }


def test_rows_that_a_job_took_in_and_never_wrote_do_not_count(org: Caller) -> None:
    bulk, data = BulkCaller(org), f"Id,Email\n{ADA},ada@x.example\n{BEN},no address\n"
    job = bulk.open()
    bulk.upload(job, data)
    bulk.set_state(job, "Aborted")
    summary = org.admin("GET", "/requests/summary")
    assert (summary["records_written"], summary["records_failed"]) == (0, 0)
    bulk.run(data)
    summary = org.admin("GET", "/requests/summary")
    assert (summary["records_written"], summary["records_failed"]) == (1, 1)


def test_the_log_can_be_filtered(org: Caller) -> None:
    org.get("/limits")
    org.get("/nope")
    org.update("Contact", {"id": ADA, "Title": "x"})
    assert [entry["status"] for entry in org.log(status="404")] == [404]
    assert [entry["method"] for entry in org.log(is_write="true")] == ["PATCH"]
    assert len(org.log(path="%/limits")) == 1
    assert len(org.log(method="patch", kind="rest")) == 1
    last = org.log(kind="rest", limit="1")[0]
    assert last["method"] == "PATCH"
    assert org.log(after_id=str(last["request_id"]), kind="rest") == []
    reply = org.http.get("/__admin/requests", params={"colour": "red"})
    assert reply.status_code == 400
    assert "No filter 'colour'" in reply.json()[0]["message"]


def test_neither_secrets_nor_bodies_are_kept(org: Caller, running: OrgProcess) -> None:
    secret = "touchline-local-secret"
    org.http.post(
        f"/services/oauth2/token?client_secret={secret}",
        data={"grant_type": "client_credentials"},
        auth=("touchline-local", secret),
    )
    org.update("Contact", {"id": ADA, "Description": "a very private remark"})
    token = org.http.headers["Authorization"].removeprefix("Bearer ")
    with sqlite3.connect(running.database) as connection:
        lines = str(connection.execute("select * from request_log").fetchall())
        sessions = str(connection.execute("select * from sessions").fetchall())
    connection.close()
    assert "/services/oauth2/token" in lines
    for text in (secret, "a very private remark", token):
        assert text not in lines
    assert token not in sessions


def test_admin_and_oauth_calls_and_refused_sessions_are_no_api_calls(org: Caller) -> None:
    before = org.get("/limits").json()["DailyApiRequests"]["Remaining"]
    org.admin("GET", "/state")
    org.sign_in()
    httpx.get(f"{org.url}/services/data/v66.0/limits", trust_env=False)
    assert org.get("/limits").json()["DailyApiRequests"]["Remaining"] == before - 1


def test_a_value_changed_by_hand_is_the_owners_change(org: Caller) -> None:
    body = {"fields": {"Touchline_Open_Count__c": 99}, "user": "otto@acme.example"}
    org.admin("PATCH", f"/records/Contact/{ADA}", json=body)
    org.admin("PATCH", f"/records/Lead/{LEE}", json={"fields": {"OwnerId": REP}})
    org.admin("PATCH", f"/records/Lead/{LEE}", json={"fields": {"Title": "x"}})
    (ada,) = org.query(
        f"select Touchline_Open_Count__c, LastModifiedById from Contact where Id = '{ADA}'"
    )
    assert ada == {"Touchline_Open_Count__c": 99.0, "LastModifiedById": OTHER_REP}
    (lee,) = org.query(f"select LastModifiedById from Lead where Id = '{LEE}'")
    assert lee == {"LastModifiedById": REP}


def test_by_hand_salesforces_rules_hold_unless_forced(org: Caller) -> None:
    path = f"/__admin/records/Lead/{LEE}"
    converted = {"fields": {"IsConverted": True, "ConvertedContactId": ADA}}
    assert org.http.patch(path, json=converted).status_code == 400
    org.admin("PATCH", f"/records/Lead/{LEE}", json={**converted, "force": True})
    assert sorted(org.ids("select Id from Lead where IsConverted = true")) == [LEE, CONVERTED]


def test_state_and_dump_show_what_the_org_holds(org: Caller) -> None:
    before = org.admin("GET", "/state")
    assert before["Contact"]["count"] == 4
    assert org.admin("GET", "/state") == before
    org.update("Contact", {"id": ADA, "Title": "x"})
    after = org.admin("GET", "/state")
    assert after["Contact"]["hash"] != before["Contact"]["hash"]
    assert after["Lead"] == before["Lead"]
    dumped = org.admin("GET", "/records/Contact")
    assert [record["IsDeleted"] for record in dumped] == [False, False, False, True]


def test_the_state_may_be_compared_without_its_stamps(org: Caller) -> None:
    without = {"without": "SystemModstamp,LastModifiedDate,LastModifiedById"}
    before = org.admin("GET", "/state", params=without)
    org.update("Contact", {"id": ADA, "Title": "x"})
    assert org.admin("GET", "/state", params=without) != before
    org.update("Contact", {"id": ADA, "Title": "Countess"})
    assert org.admin("GET", "/state", params=without) == before


def test_a_web_page_cannot_reach_the_back_door(org: Caller) -> None:
    reply = org.http.post("/__admin/reset", headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert org.admin("GET", "/state")["Contact"]["count"] == 4
