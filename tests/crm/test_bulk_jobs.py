"""Bulk jobs on the local org, and through faults that a healthy one never shows (K3, K4, K7)."""

import dataclasses
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from orchestration.crm.client import (
    CallCounts,
    CrmLoginError,
    CrmMissingJobError,
    CrmRequestError,
    CrmUnavailableError,
    Job,
    JobRow,
    JobState,
    Record,
    RowResult,
)
from orchestration.crm.salesforce import connect
from orchestration.crm.transport import JobPatience
from tests.crm.live_org import ANN, BEN, CAT, IMPATIENT, LEA, LEO, LiveOrg
from tests.crm.scripted_org import RESET, Answer, Asked, Script, scripted_org

OPENS, AT = "Touchline_Open_Count__c", "Touchline_Clicked_At__c"
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
NOT_ALLOWED = [{"message": "Closing already Completed Job", "errorCode": "INVALIDJOBSTATE"}]


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_org() as running:
        yield running


def job(state: str, **more: object) -> Answer:
    return Answer(200, {"id": "750A", "state": state, **more})


def by_id(rows: Iterator[JobRow]) -> dict[str, JobRow]:
    return {row.columns["Id"]: row for row in rows}


def test_k3_an_update_by_one_job(org: LiveOrg) -> None:
    crm = org.crm()
    jobs = crm.jobs
    opened = jobs.open("Contact", "update")
    moment = datetime(2026, 11, 30, 9, 15, 30, tzinfo=UTC)
    records: list[Record] = [
        {"Id": ANN, OPENS: 3, AT: moment, "Title": 'Head of "R&D",\r\nZürich'},
        {"Id": BEN, "Email": None},
        {"Id": CAT, "Email": "nonsense"},
    ]
    jobs.upload(opened, records)
    assert jobs.state(opened) == Job(opened, "open", 0, 0, None)
    assert org.record("Contact", ANN)[OPENS] is None
    jobs.start(opened)
    assert jobs.wait(opened, len(records)) == Job(opened, "done", 3, 1, None)
    rows = by_id(jobs.results(opened))
    assert {name: row.result.success for name, row in rows.items() if row.result} == {
        ANN: True,
        BEN: True,
        CAT: False,
    }
    refused = rows[CAT].result
    assert refused
    (error,) = refused.errors
    assert (error.code, error.fields, error.is_transient) == (
        "INVALID_EMAIL_ADDRESS", ("Email",), False
    )  # fmt: skip
    assert rows[ANN].columns["Title"] == 'Head of "R&D",\r\nZürich'
    ann, ben = org.record("Contact", ANN), org.record("Contact", BEN)
    assert (ann[OPENS], ann[AT]) == (3, "2026-11-30T09:15:30.000+0000")
    assert ann["Email"] == "ann@x.example"
    assert (ben["Email"], ben[OPENS]) == (None, None)


def test_k3_a_job_costs_seven_calls(org: LiveOrg) -> None:
    """Open, upload, start, one question, three sets of results: what a plan counts."""
    patience = dataclasses.replace(IMPATIENT.jobs, first_wait=1)
    crm = connect(org.login, dataclasses.replace(IMPATIENT, jobs=patience))
    opened = crm.jobs.open("Contact", "update")
    crm.jobs.upload(opened, [{"Id": ANN, OPENS: 3}])
    crm.jobs.start(opened)
    crm.jobs.wait(opened, 1)
    list(crm.jobs.results(opened))
    assert crm.calls == CallCounts(login=1, read=4, write=3)
    assert [each["method"] for each in org.requests(is_api_call="true")] == [
        "POST", "PUT", "PATCH", "GET", "GET", "GET", "GET"
    ]  # fmt: skip


def test_k3_records_are_created_and_deleted_by_jobs(org: LiveOrg) -> None:
    jobs = org.crm().jobs
    opened = jobs.open("Contact", "create")
    jobs.upload(opened, [{"LastName": "Dee", "Email": "dee@x.example"}, {"Email": "x@x.example"}])
    jobs.start(opened)
    jobs.wait(opened, 2)
    results = {row.columns["Email"]: row.result for row in jobs.results(opened)}
    made, refused = results["dee@x.example"], results["x@x.example"]
    assert made
    assert made.id
    assert refused
    assert refused.errors[0].code == "REQUIRED_FIELD_MISSING"
    assert org.record("Contact", made.id)["LastName"] == "Dee"

    opened = jobs.open("Contact", "delete")
    jobs.upload(opened, [{"Id": made.id}])
    jobs.start(opened)
    assert jobs.wait(opened, 1).failed == 0
    assert org.record("Contact", made.id)["IsDeleted"] is True


def test_k7_a_converted_lead_fails_alone_in_a_job(org: LiveOrg) -> None:
    jobs = org.crm().jobs
    opened = jobs.open("Lead", "update")
    jobs.upload(opened, [{"Id": LEA, OPENS: 1}, {"Id": LEO, OPENS: 1}])
    jobs.start(opened)
    jobs.wait(opened, 2)
    rows = by_id(jobs.results(opened))
    assert rows[LEA].result == RowResult(success=True, id=LEA, errors=())
    refused = rows[LEO].result
    assert refused
    assert refused.errors[0].code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_k4_starting_or_ending_a_job_twice_changes_nothing(org: LiveOrg) -> None:
    jobs = org.crm().jobs
    opened = jobs.open("Contact", "update")
    jobs.upload(opened, [{"Id": ANN, OPENS: 3}])
    jobs.start(opened)
    done = jobs.wait(opened, 1)
    jobs.start(opened)
    jobs.abort(opened)
    assert jobs.state(opened) == done
    assert len(list(jobs.results(opened))) == 1


def test_k4_an_aborted_job_never_starts_and_touches_no_record(org: LiveOrg) -> None:
    jobs = org.crm().jobs
    opened = jobs.open("Contact", "update")
    jobs.upload(opened, [{"Id": ANN, OPENS: 3}])
    jobs.abort(opened)
    jobs.abort(opened)
    with pytest.raises(CrmRequestError):
        jobs.start(opened)
    assert jobs.wait(opened, 1).state == "aborted"
    assert [row.result for row in jobs.results(opened)] == [None]
    assert org.record("Contact", ANN)[OPENS] is None


def test_k7_an_unknown_column_fails_the_job_and_says_so(org: LiveOrg) -> None:
    jobs = org.crm().jobs
    opened = jobs.open("Contact", "update")
    jobs.upload(opened, [{"Id": ANN, "Nonsense__c": 1}])
    jobs.start(opened)
    failed = jobs.wait(opened, 1)
    assert failed.state == "failed"
    assert failed.error
    assert "Nonsense__c" in failed.error


def test_k7_a_job_that_salesforce_forgot_has_its_own_error(org: LiveOrg) -> None:
    jobs = org.crm().jobs
    for ask in (jobs.state, jobs.start, jobs.abort, jobs.results):
        with pytest.raises(CrmMissingJobError, match="750000000000001AAA"):
            ask("750000000000001AAA")


def test_k4_a_page_that_says_404_does_not_mean_that_a_job_is_forgotten(script: Script) -> None:
    script.answers = [Answer(404, "<html>not found")]
    with pytest.raises(CrmUnavailableError):
        script.crm(IMPATIENT).jobs.state("750A")


def test_k4_a_job_that_is_opened_in_vain_does_no_harm(script: Script) -> None:
    script.answers = [RESET]
    with pytest.raises(CrmUnavailableError, match="open a job for Contact"):
        script.crm(IMPATIENT).jobs.open("Contact", "update")
    assert len(script.paths()) == 1


def test_k4_a_lost_upload_is_not_sent_again(script: Script) -> None:
    script.answers = [RESET]
    with pytest.raises(CrmUnavailableError, match="upload of bulk job 750A"):
        script.crm(IMPATIENT).jobs.upload("750A", [{"Id": ANN}])
    assert len(script.paths()) == 1


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_upload_counts_only_after_a_201(script: Script, status: int) -> None:
    script.answers = [Answer(status, "")]
    with pytest.raises(CrmUnavailableError, match="not 201"):
        script.crm(IMPATIENT).jobs.upload("750A", [{"Id": ANN}])


@pytest.mark.parametrize(
    "records",
    [
        [],
        [{"Id": ANN}, {"Id": ANN}],
        [{"Id": ANN}, {"Id": ANN[:15]}],
        [{"Id": ANN}, {OPENS: 1}],
        [{"Id": ANN, OPENS: float("nan")}],
        [{OPENS: 1}] * 50_001,
    ],
)
def test_an_upload_that_could_go_wrong_is_refused_before_any_request(
    script: Script, records: list[dict[str, object]]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        script.crm(IMPATIENT).jobs.upload("750A", records)
    assert script.asked == []


@pytest.mark.parametrize(
    ("answers", "is_started"),
    [
        ([RESET, job("UploadComplete")], True),
        ([RESET, RESET, RESET, job("InProgress")], True),
        ([RESET, Answer(400, NOT_ALLOWED), job("JobComplete")], True),
        ([Answer(400, NOT_ALLOWED), job("Failed")], True),
        ([Answer(400, NOT_ALLOWED), job("Aborted")], False),
        ([RESET, RESET, RESET, job("Open")], False),
    ],
)
def test_k4_a_job_whose_start_got_no_answer_is_asked(
    script: Script, answers: list[Answer | str], *, is_started: bool
) -> None:
    script.answers = answers
    jobs = script.crm(IMPATIENT).jobs
    if is_started:
        jobs.start("750A")
    else:
        with pytest.raises((CrmUnavailableError, CrmRequestError)):
            jobs.start("750A")
    assert script.answers == []
    bodies = {each.body for each in script.asked if each.method == "PATCH"}
    assert bodies == {b'{"state": "UploadComplete"}'}


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("Open", "open"),
        ("UploadComplete", "started"),
        ("InProgress", "started"),
        ("JobComplete", "done"),
        ("Failed", "failed"),
        ("Aborted", "aborted"),
    ],
)
def test_the_states_of_a_job(script: Script, told: str, state: JobState) -> None:
    figures = {"numberRecordsProcessed": 4, "numberRecordsFailed": 3, "errorMessage": "why"}
    script.answers = [job(told, **figures)]
    assert script.crm(IMPATIENT).jobs.state("750A") == Job("750A", state, 4, 3, "why")


@pytest.mark.parametrize("body", [{}, [], "<html>", {"id": "750A", "state": "Dreaming"}])
def test_an_answer_that_is_no_job_is_none(script: Script, body: object) -> None:
    script.answers = [Answer(200, body)]
    with pytest.raises(CrmUnavailableError):
        script.crm(IMPATIENT).jobs.state("750A")


def test_k7_a_session_that_ends_while_a_job_runs_is_renewed_once(script: Script) -> None:
    script.answers = [
        job("InProgress"),
        Answer(401, EXPIRED),
        job("InProgress"),
        job("JobComplete"),
    ]
    crm = script.crm(IMPATIENT)
    assert crm.jobs.wait("750A", 1).state == "done"
    assert crm.calls == CallCounts(login=2, read=4, write=0)


def test_k7_a_session_that_stays_refused_while_a_job_runs_ends_in_an_error(
    script: Script,
) -> None:
    script.answers = [job("InProgress"), *[Answer(401, EXPIRED)] * 9]
    crm = script.crm(IMPATIENT)
    with pytest.raises(CrmLoginError):
        crm.jobs.wait("750A", 1)
    assert crm.calls == CallCounts(login=2, read=3, write=0)


def test_a_job_is_waited_for_by_its_rows_then_longer_each_time(script: Script) -> None:
    patience = JobPatience(
        first_wait=0.05, rows_per_second=1_000, growth=2, longest_wait=0.3, deadline=9
    )
    asked_at: list[float] = []

    def note_the_time(_: Asked) -> None:
        asked_at.append(time.monotonic())

    script.standing = note_the_time
    script.answers = [*[job("InProgress")] * 3, job("JobComplete")]
    started = time.monotonic()
    script.crm(dataclasses.replace(IMPATIENT, jobs=patience)).jobs.wait("750A", 50)
    waits = [late - early for early, late in pairwise([started, *asked_at])]
    for expected, waited in zip([0.1, 0.2, 0.3, 0.3], waits, strict=True):
        assert waited >= expected


def test_k7_a_job_that_does_not_end_is_left_to_the_next_run(script: Script) -> None:
    script.standing = lambda _: job("InProgress")
    patience = dataclasses.replace(IMPATIENT.jobs, deadline=0.1)
    with pytest.raises(CrmUnavailableError, match="750A has not ended"):
        script.crm(dataclasses.replace(IMPATIENT, jobs=patience)).jobs.wait("750A", 1)


def test_k7_results_come_from_all_three_sets_before_the_first_is_seen(script: Script) -> None:
    sets = {
        "successfulResults": f"sf__Id,sf__Created,Id,Title\n{ANN},false,{ANN},Zoë\n".encode(),
        "failedResults": b"sf__Id,sf__Error,Id,Title\n"
        b'"","UNABLE_TO_LOCK_ROW:unable: 001A:--",' + BEN.encode() + b",\n",
        "unprocessedrecords": f"Id,Title\n{CAT},x\n".encode(),
    }
    script.answers = [Answer(200, body, {"Content-Type": "text/csv"}) for body in sets.values()]
    rows = script.crm(IMPATIENT).jobs.results("750A")
    assert [path.rsplit("/", 1)[1] for path in script.paths()] == list(sets)
    succeeded, failed, left = rows
    assert succeeded == JobRow(
        {"Id": ANN, "Title": "Zoë"}, RowResult(success=True, id=ANN, errors=())
    )
    assert left == JobRow({"Id": CAT, "Title": "x"}, None)
    assert failed.result
    assert failed.result.id is None
    assert failed.result.errors[0].is_transient


def test_an_empty_set_of_results_is_none(script: Script) -> None:
    script.answers = [Answer(204, ""), Answer(200, "sf__Id,sf__Error,Id\n"), Answer(200, "")]
    assert list(script.crm(IMPATIENT).jobs.results("750A")) == []
