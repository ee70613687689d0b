"""Bulk API 2.0 ingest jobs, as a careful client and a careless one meet them."""

from pathlib import Path

import httpx
import psutil
import pytest

from orchestration.local_org import process
from tests.local_org.bulk_caller import BulkCaller
from tests.local_org.caller import ADA, BEN, CONVERTED, CYD, GONE, TEAM, Caller, write_seed

WRONG_ENDING = (
    "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is"
)

BAD_QUOTE = "InvalidBatch : Failed to parse CSV: a quote within a value, or a blank before it"


@pytest.fixture
def bulk(org: Caller) -> BulkCaller:
    return BulkCaller(org)


def contact(org: Caller, record_id: str, field: str) -> object:
    (record,) = org.query(f"select {field} from Contact where Id = '{record_id}'")
    return record[field]


def test_an_update_job_from_open_to_its_results(org: Caller, bulk: BulkCaller) -> None:
    job = bulk.open(lineEnding="LF")
    opened = bulk.get(job)
    assert (opened["state"], opened["jobType"]) == ("Open", "V2Ingest")
    assert opened["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job}/batches"
    assert opened["apiVersion"] == 66.0
    assert bulk.upload(job, f"Id,Title\n{ADA},New\n{BEN},Newer\n").status_code == 201
    assert contact(org, ADA, "Title") == "Countess", "nothing happens before the start"
    started = bulk.set_state(job, "UploadComplete")
    assert started.json()["state"] == "UploadComplete"
    done = bulk.wait(job)
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (
        "JobComplete", 2, 0)  # fmt: skip
    assert "contentUrl" not in done
    assert contact(org, ADA, "Title") == "New"
    rows = bulk.results(job, "successfulResults")
    assert list(rows[0]) == ["sf__Id", "sf__Created", "Id", "Title"]
    assert [row["sf__Id"] for row in rows] == [BEN, ADA], "not in the order of the data"
    assert {row["sf__Created"] for row in rows} == {"false"}
    assert bulk.results(job, "failedresults/") == []
    assert bulk.results(job, "unprocessedrecords/") == []
    assert started.headers["Sforce-Limit-Info"].startswith("api-usage=")


def test_each_call_of_a_job_is_one_api_call(org: Caller, bulk: BulkCaller) -> None:
    job = bulk.open()
    bulk.upload(job, f"Id,Title\n{ADA},x\n")
    bulk.set_state(job, "UploadComplete")
    log = org.log(kind="rest")
    assert [(each["method"], each["is_write"], each["records"]) for each in log] == [
        ("POST", True, 0), ("PUT", True, 1), ("PATCH", True, 0)]  # fmt: skip
    assert all(each["is_api_call"] for each in log)
    bulk.wait(job)


def test_rows_fail_one_by_one_and_processed_includes_them(org: Caller, bulk: BulkCaller) -> None:
    data = (
        "Id,Email,HasOptedOutOfEmail,Touchline_Open_Count__c\n"
        f"{ADA},no address,,\n{BEN},,maybe,\n{CYD},,,many\n{GONE},x@y.example,,\n,x@y.example,,\n"
    )
    done = bulk.run(data)
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (
        "JobComplete", 5, 5)  # fmt: skip
    rows = {row["Id"]: row for row in bulk.results(done["id"], "failedResults")}
    assert {key: row["sf__Error"] for key, row in rows.items()} == {
        ADA: "INVALID_EMAIL_ADDRESS:Email: invalid email address: no address:Email --",
        BEN: "INVALID_TYPE_ON_FIELD_IN_RECORD:Email Opt Out: value not of required type: maybe:"
        "HasOptedOutOfEmail --",
        CYD: "INVALID_TYPE_ON_FIELD_IN_RECORD:"
        f"{label(org)}: value not of required type: many:Touchline_Open_Count__c --",
        GONE: "ENTITY_IS_DELETED:entity is deleted:--",
        "": "MISSING_ARGUMENT:Id not specified in an update call:--",
    }
    assert {row["sf__Id"] for row in rows.values()} == {""}
    assert rows[ADA]["Email"] == "no address"


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("Touchline_Open_Count__c", "1_000"),
        ("Touchline_Open_Count__c", "\u0663"),
        ("Touchline_Open_Count__c", " 7"),
        ("Touchline_Open_Count__c", "nan"),
        ("Touchline_Open_Count__c", "1e999"),
        ("Touchline_Clicked_At__c", "2026-10-22 21:03:23"),
        ("Touchline_Clicked_At__c", "0001-01-01T00:00:00+14:00"),
        ("Birthdate", "2026-02-30"),
        ("Title", "a\0b"),
    ],
)
def test_a_cell_of_another_type_fails_its_row(bulk: BulkCaller, field: str, cell: str) -> None:
    done = bulk.run(f"Id,{field}\n{ADA},{cell}\n{BEN},\n")
    assert (done["state"], done["numberRecordsFailed"]) == ("JobComplete", 1)
    (row,) = bulk.results(done["id"], "failedResults")
    assert row["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
    assert row["sf__Error"].endswith(f":{field} --")


def label(org: Caller) -> str:
    fields = org.get("/sobjects/Contact/describe").json()["fields"]
    return str(next(x["label"] for x in fields if x["name"] == "Touchline_Open_Count__c"))


def test_an_empty_cell_says_nothing_and_null_is_a_word(org: Caller, bulk: BulkCaller) -> None:
    bulk.run(f"Id,Title,Birthdate\n{ADA},,#N/A\n")
    assert contact(org, ADA, "Title") == "Countess"
    assert contact(org, ADA, "Birthdate") is None


def test_values_come_in_salesforces_csv_forms(org: Caller, bulk: BulkCaller) -> None:
    data = (
        "Id,HasOptedOutOfEmail,Touchline_Clicked_At__c,Touchline_Open_Count__c,Description\n"
        f'{ADA},TRUE,2023-10-22T06:25:12.000Z,7,"two\nlines, ""quoted"" é"\n'
    )
    done = bulk.run(data)
    assert bulk.results(done["id"], "failedResults") == []
    (row,) = bulk.results(done["id"], "successfulResults")
    assert row["Description"] == 'two\nlines, "quoted" é'
    assert contact(org, ADA, "HasOptedOutOfEmail") is True
    assert contact(org, ADA, "Touchline_Clicked_At__c") == "2023-10-22T06:25:12.000+0000"
    assert contact(org, ADA, "Touchline_Open_Count__c") == 7.0


@pytest.mark.parametrize(
    ("content", "line_ending", "message"),
    [
        (f"Id,Title\r\n{ADA},x\r\n", "LF", f"{WRONG_ENDING} LF"),
        (f"Id,Title\n{ADA},x\n", "CRLF", f"{WRONG_ENDING} CRLF"),
        (f"\ufeffId,Title\n{ADA},x\n", "LF", "InvalidBatch : Field name not found : \ufeffId"),
        (f"Id,Titel\n{ADA},x\n", "LF", "InvalidBatch : Field name not found : Titel"),
        (f"Id,Title\n{ADA}\n", "LF", ("InvalidBatch : A row has 1 fields, "
         "but the header has 2 fields")),
        (b"Id,Title\n\xff,x\n", "LF", "InvalidBatch : Data is not UTF-8"),
        (f"Id,Title\r{ADA},x\r", "LF", f"{WRONG_ENDING} LF"),
        (f"Id,Title\r\n{ADA},x\r{BEN},y\r\n", "CRLF", f"{WRONG_ENDING} CRLF"),
        (f'Id,Title\n{ADA}, "x"\n', "LF", BAD_QUOTE),
        (f'Id,Title\n{ADA},5" pipe\n', "LF", BAD_QUOTE),
    ],
    ids=["crlf", "lf", "byte_order_mark", "unknown_column", "short_row", "latin_1", "cr",
         "cr_among_crlf", "blank_before_a_quote", "quote_within"],
)  # fmt: skip
def test_bad_data_fails_the_whole_job(
    org: Caller, bulk: BulkCaller, content: str | bytes, line_ending: str, message: str
) -> None:
    done = bulk.run(content, lineEnding=line_ending)
    assert (done["state"], done["errorMessage"]) == ("Failed", message)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (0, 0)
    assert contact(org, ADA, "Title") == "Countess"


def test_rows_of_a_failed_job_are_unprocessed(bulk: BulkCaller) -> None:
    done = bulk.run(f"Id,Titel\n{ADA},x\n{BEN},y\n")
    rows = bulk.results(done["id"], "unprocessedRecords")
    assert sorted(rows, key=lambda row: row["Titel"]) == [
        {"Id": ADA, "Titel": "x"},
        {"Id": BEN, "Titel": "y"},
    ]


def test_quoted_line_breaks_are_no_line_endings(org: Caller, bulk: BulkCaller) -> None:
    done = bulk.run(f'Id,Description\n{ADA},"a\r\nb"\n', lineEnding="LF")
    assert done["state"] == "JobComplete"
    assert contact(org, ADA, "Description") == "a\r\nb"


def test_a_column_in_the_wrong_case_is_written_but_comes_back_empty(
    org: Caller, bulk: BulkCaller
) -> None:
    done = bulk.run(f"Id,title\n{ADA},x\n")
    assert contact(org, ADA, "Title") == "x"
    (row,) = bulk.results(done["id"], "successfulResults")
    assert row["title"] == ""


def test_inserts_deletes_and_upserts(org: Caller, bulk: BulkCaller) -> None:
    made = bulk.run("LastName,Email\nNew,new@x.example\n,nobody@x.example\n", "insert")
    (row,) = bulk.results(made["id"], "successfulResults")
    assert row["sf__Created"] == "true"
    assert contact(org, row["sf__Id"], "LastName") == "New"
    (failed,) = bulk.results(made["id"], "failedResults")
    assert failed["sf__Error"] == (
        "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    )
    gone = bulk.run(f"Id\n{row['sf__Id']}\n", "delete")
    assert gone["numberRecordsFailed"] == 0
    assert org.ids(f"select Id from Contact where Id = '{row['sf__Id']}'") == []
    upsert = bulk.run(
        "Touchline_Key__c,Subject\nreply-1,Known\nreply-2,New\n,Nameless\n",
        "upsert", "Task", externalIdFieldName="Touchline_Key__c",
    )  # fmt: skip
    rows = bulk.results(upsert["id"], "successfulResults")
    assert {row["Touchline_Key__c"]: row["sf__Created"] for row in rows} == {
        "reply-1": "false",
        "reply-2": "true",
    }
    assert upsert["numberRecordsFailed"] == 1


def test_converted_leads_fail_with_their_own_code(bulk: BulkCaller) -> None:
    done = bulk.run(f"Id,Title\n{CONVERTED},x\n", name="Lead")
    (row,) = bulk.results(done["id"], "failedResults")
    assert row["sf__Error"].startswith("CANNOT_UPDATE_CONVERTED_LEAD:cannot reference converted")


def test_a_job_takes_data_once(bulk: BulkCaller) -> None:
    job = bulk.open()
    bulk.upload(job, f"Id,Title\n{ADA},x\n")
    again = bulk.upload(job, f"Id,Title\n{ADA},y\n")
    assert again.status_code == 400
    assert "Found multiple contents for job" in again.json()[0]["message"]


def test_states_that_do_not_follow_are_refused(bulk: BulkCaller) -> None:
    done = bulk.run(f"Id,Title\n{ADA},x\n")
    reply = bulk.set_state(done["id"], "Aborted")
    assert reply.status_code == 400
    assert reply.json() == [
        {"errorCode": "INVALIDJOBSTATE", "message": "Aborting already Completed Job not allowed"}
    ]
    assert bulk.set_state(done["id"], "UploadComplete").status_code == 400
    assert bulk.set_state(done["id"], "Open").status_code == 400
    assert bulk.upload(done["id"], "Id\n").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    open_job = bulk.open()
    assert bulk.org.get(f"/jobs/ingest/{open_job}/successfulResults").status_code == 400


def test_an_aborted_job_changes_nothing(org: Caller, bulk: BulkCaller) -> None:
    job = bulk.open()
    bulk.upload(job, f"Id,Title\n{ADA},x\n")
    assert bulk.set_state(job, "Aborted").json()["state"] == "Aborted"
    assert bulk.results(job, "unprocessedRecords") == [{"Id": ADA, "Title": "x"}]
    assert contact(org, ADA, "Title") == "Countess"
    deleted = org.http.delete(f"/services/data/v66.0/jobs/ingest/{job}")
    assert deleted.status_code == 204
    assert org.get(f"/jobs/ingest/{job}").status_code == 404


def test_jobs_can_be_listed(org: Caller, bulk: BulkCaller) -> None:
    jobs = [bulk.open(), bulk.open("insert", "Task")]
    listed = org.get("/jobs/ingest").json()
    assert [each["id"] for each in listed["records"]] == jobs[::-1]
    assert listed["done"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "update", "object": "Nothing"}, "INVALIDENTITY"),
        ({"operation": "hardDelete", "object": "Contact"}, "FEATURENOTENABLED"),
        ({"operation": "rename", "object": "Contact"}, "INVALIDOPERATION"),
        ({"operation": "upsert", "object": "Contact"}, "INVALIDJOB"),
        ({"operation": "update", "object": "Contact", "lineEnding": "CR"}, "INVALIDJOB"),
    ],
)
def test_bad_jobs_are_refused(org: Caller, body: dict[str, str], code: str) -> None:
    reply = org.post("/jobs/ingest", body)
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, code)


def test_a_job_goes_on_after_the_org_was_killed(tmp_path: Path) -> None:
    seed = write_seed(tmp_path / "seed", TEAM)
    first = process.start(tmp_path / "org", 0, seed)
    with httpx.Client(base_url=first.url, trust_env=False) as client:
        caller = Caller(client, first.url)
        caller.sign_in()
        bulk = BulkCaller(caller)
        job = bulk.open("insert")
        bulk.upload(job, "LastName\n" + "".join(f"N{at}\n" for at in range(2_000)))
        bulk.set_state(job, "UploadComplete")
        while not bulk.get(job)["numberRecordsProcessed"]:
            continue
    victim = psutil.Process(first.pid)
    victim.kill()
    victim.wait(5)
    second = process.start(tmp_path / "org", 0)
    with httpx.Client(base_url=second.url, trust_env=False) as client:
        caller = Caller(client, second.url)
        caller.sign_in()
        done = BulkCaller(caller).wait(job)
        assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (2_000, 0)
        soql = "select count() from Contact where LastName like 'N%'"
        assert caller.get("/query", params={"q": soql}).json()["totalSize"] == 2_000
        assert len(BulkCaller(caller).results(job, "successfulResults")) == 2_000
        summary = caller.admin("GET", "/writes/summary", params={"job_id": job})
        assert (summary["writes"], summary["records"], summary["twins"]) == (2_000, 2_000, [])
    process.stop(tmp_path / "org")
