"""The rules of a correct writer to Salesforce, and which test holds which.

| rule | what | held here, or by (`w/` is `tests/writeback/`) |
| --- | --- | --- |
| 1 | updates by id, never an upsert | here |
| 2 | 200 rows, one object a request, no id twice, order kept | here |
| 3 | `allOrNone: false`; a 200 is read row by row | here |
| 4 | results by position; an answer that does not match is none | here |
| 5 | `statusCode` in rows, `errorCode` on top | here, `test_salesforce_errors.py` |
| 6 | targets are described and checked before any write | `w/test_rules_of_a_preflight.py` |
| 7 | values are checked locally | `w/test_plan.py` (I4) |
| 8 | only differences are sent | `w/test_plan.py`, `w/test_round_trip.py` (I5) |
| 9 | written only after `success: true` | `w/test_sending.py` (K4) |
| 10 | null clears, an absent key does not | here |
| 11 | no NaN, no infinity | here |
| 12 | times in UTC, booleans and numbers as such | here |
| 13 | assignment rules stay off, after a renewed session too | here |
| 14 | timeouts; bounded, jittered repetition of what is safe | here, `test_transport.py` |
| 15 | an expired session is renewed exactly once | here |
| 16 | only locked rows go again; one parent's go together | here, `w/test_{sending,apply}.py` |
| 17 | permanent refusals are never sent again | `w/test_refusal_codes.py` |
| 18 | daily limit, concurrent limit, own count of calls | here |
| 19 | deleted, merged and converted records | `w/test_plan.py` (K7), unit tests of H3 |
| 20 | "don't track" | `w/test_rules_of_a_preflight.py`, unit tests of D9 |
| 21 | fields that are never written | `w/test_rules_of_a_preflight.py` |
| 22 | the CSV of bulk jobs | here, `test_bulk_csv.py` |
| 23 | jobs by id, a deadline, three sets of results | here, `test_bulk_jobs.py` |
| 24 | the payload in advance, thresholds | `w/test_{export,gates,refusal_codes}.py` |
| 25 | what a run reports, and what no log gets | `w/test_steps.py`, `w/test_creations.py` |
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from orchestration.crm.client import (
    CallCounts,
    CrmLimitError,
    CrmLoginError,
    CrmRequestError,
    CrmUnavailableError,
    Limits,
)
from orchestration.crm.salesforce import SalesforceCrm
from tests.crm.live_org import ANN, BEN, CAT, IMPATIENT, LiveOrg
from tests.crm.scripted_org import RESET, TOKEN_PATH, Answer, Script, scripted_org

DATA = "/services/data/v66.0"
OPENS, AT = "Touchline_Open_Count__c", "Touchline_Clicked_At__c"
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
SAVED = [{"id": ANN, "success": True, "errors": []}]
LOCKED = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain", "fields": []}
INVALID = {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid", "fields": ["Email"]}


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_org() as running:
        yield running


def bulk(crm: SalesforceCrm, records: list[dict[str, object]]) -> str:
    """Update contacts by one job, to its end."""
    job = crm.jobs.open("Contact", "update")
    crm.jobs.upload(job, records)
    crm.jobs.start(job)
    crm.jobs.wait(job, len(records))
    return job


def limit(message: str) -> Answer:
    return Answer(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": message}])


def test_rule_01_an_update_goes_by_id_and_can_create_nothing(org: LiveOrg) -> None:
    crm = org.crm()
    counted = "select count(Id) held from Contact"
    before = next(crm.query(counted))
    unknown = "003000000000009AAA"
    (result,) = crm.update_many("Contact", [{"Id": unknown, OPENS: 1}])
    job = bulk(crm, [{"Id": unknown, OPENS: 1}])
    assert not result.success
    assert crm.jobs.state(job).failed == 1
    writes = org.requests(is_write="true")
    assert [(each["method"], each["path"].removeprefix(DATA)) for each in writes] == [
        ("PATCH", "/composite/sobjects"),
        ("POST", "/jobs/ingest"),
        ("PUT", f"/jobs/ingest/{job}/batches"),
        ("PATCH", f"/jobs/ingest/{job}"),
    ]  # fmt: skip
    assert next(crm.query(counted)) == before


@pytest.mark.parametrize(
    "write",
    [
        lambda crm, ids: crm.update_many("Contact", [{"Id": each} for each in ids]),
        lambda crm, ids: crm.delete_many("Contact", ids),
    ],
    ids=["update", "delete"],
)
def test_rule_02_a_request_has_200_rows_of_one_object_and_no_id_twice(
    script: Script, write: Callable[[SalesforceCrm, list[str]], object]
) -> None:
    crm = script.crm(IMPATIENT)
    ids = [f"003{number:012}AAA" for number in range(201)]
    for refused in ([], ids, [ANN, ANN], [ANN, ANN[:15]], [ANN, ANN.lower()], [ANN, ""]):
        with pytest.raises(ValueError, match=r"."):
            write(crm, refused)
    assert script.asked == []
    script.answers = [Answer(200, [{"success": True}] * 200)]
    write(crm, ids[200:0:-1])
    (request,) = script.asked[1:]
    sent = (
        [each["Id"] for each in json.loads(request.body)["records"]]
        if request.body
        else parse_qs(urlsplit(request.path).query)["ids"][0].split(",")
    )
    assert sent == ids[200:0:-1]


def test_rule_03_a_good_status_says_nothing_about_the_rows(script: Script) -> None:
    failed = {"success": False, "errors": [INVALID]}
    script.answers = [Answer(200, [*SAVED, failed]), Answer(200, [failed]), Answer(200, [failed])]
    crm = script.crm(IMPATIENT)
    updated = crm.update_many("Contact", [{"Id": ANN}, {"Id": BEN}])
    created = crm.create_many("Task", [{"Subject": "Follow up"}])
    deleted = crm.delete_many("Task", [CAT])
    assert [each.success for each in [*updated, *created, *deleted]] == [True, False, False, False]
    update, create, delete = script.asked[1:]
    assert [json.loads(each.body)["allOrNone"] for each in (update, create)] == [False, False]
    assert parse_qs(urlsplit(delete.path).query)["allOrNone"] == ["false"]


def test_rule_04_results_are_known_by_their_position(script: Script) -> None:
    failed = {"success": False, "errors": [INVALID]}
    script.answers = [Answer(200, [failed, *SAVED])]
    crm = script.crm(IMPATIENT)
    results = crm.update_many("Contact", [{"Id": BEN}, {"Id": ANN}])
    assert [(each.success, each.id) for each in results] == [(False, None), (True, ANN)]
    other = {"id": CAT, "success": True, "errors": []}
    odd: list[Any] = [[], SAVED, SAVED * 3, {}, None, [None, None], ["x", "y"], [failed, other]]
    odd += [
        [failed, {"success": False, "errors": errors}] for errors in (["x"], 7, [{"fields": 7}])
    ]
    for answer in odd:
        script.answers = [Answer(200, answer), Answer(200, answer)]
        with pytest.raises(CrmUnavailableError, match="not known"):
            crm.update_many("Contact", [{"Id": BEN}, {"Id": ANN}])
        with pytest.raises(CrmUnavailableError, match="not known"):
            crm.delete_many("Contact", [BEN, ANN])


def test_rule_05_rows_and_requests_name_their_codes_differently(script: Script) -> None:
    on_top = [{"errorCode": "INVALID_FIELD", "message": "No such column", "fields": []}]
    script.answers = [Answer(200, [{"success": False, "errors": [INVALID]}]), Answer(400, on_top)]
    crm = script.crm(IMPATIENT)
    (result,) = crm.update_many("Contact", [{"Id": ANN}])
    assert [dataclasses.astuple(error) for error in result.errors] == [
        ("INVALID_EMAIL_ADDRESS", "Email: invalid", ("Email",), False)
    ]
    with pytest.raises(CrmRequestError) as caught:
        crm.update_many("Contact", [{"Id": ANN}])
    assert caught.value.code == "INVALID_FIELD"


def test_rule_10_null_clears_and_what_is_absent_stays(org: LiveOrg) -> None:
    crm = org.crm()
    for write in (lambda rows: crm.update_many("Contact", rows), lambda rows: bulk(crm, rows)):
        org.reset()
        org.change("Contact", ANN, Title="CTO", Phone="1")
        org.change("Contact", BEN, Title="CEO", Phone="2")
        write([{"Id": ANN, "Title": None}, {"Id": BEN, "Title": "", "Phone": None}])
        ann, ben = org.record("Contact", ANN), org.record("Contact", BEN)
        assert (ann["Title"], ann["Phone"], ann["Email"]) == (None, "1", "ann@x.example")
        assert (ben["Title"], ben["Phone"], ben["Email"]) == (None, None, "ben@x.example")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN")])
def test_rule_11_what_is_no_number_is_never_sent(script: Script, value: float | Decimal) -> None:
    crm = script.crm(IMPATIENT)
    with pytest.raises(ValueError, match=r"."):
        crm.update_many("Contact", [{"Id": ANN, OPENS: value}])
    with pytest.raises(ValueError, match=r"."):
        crm.create_many("Contact", [{OPENS: value}])
    with pytest.raises(ValueError, match=r"."):
        crm.jobs.upload("750A", [{"Id": ANN, OPENS: value}])
    assert script.asked == []


def test_rule_12_both_routes_bring_the_same_values(org: LiveOrg) -> None:
    crm = org.crm()
    moment = datetime.fromisoformat("2026-11-30T10:15:30.250+01:00")
    record = {"Id": ANN, AT: moment, OPENS: Decimal(7), "HasOptedOutOfEmail": True}
    for write in (lambda rows: crm.update_many("Contact", rows), lambda rows: bulk(crm, rows)):
        org.reset()
        write([record])
        found = org.record("Contact", ANN)
        assert [found[name] for name in record if name != "Id"] == [
            "2026-11-30T09:15:30.000+0000", 7, True
        ]  # fmt: skip
    naive = {"Id": ANN, AT: datetime(2026, 11, 30)}  # noqa: DTZ001 - what is refused
    for refused in (lambda: crm.update_many("Contact", [naive]), lambda: bulk(crm, [naive])):
        with pytest.raises(ValueError, match="without a zone"):
            refused()


def test_rule_13_assignment_rules_stay_off_with_a_renewed_session(script: Script) -> None:
    crm = script.crm(IMPATIENT)
    script.answers = [Answer(200, SAVED), Answer(401, EXPIRED), Answer(200, SAVED)]
    script.answers += [Answer(401, EXPIRED), Answer(201, {"id": "750A", "state": "Open"})]
    for _ in range(2):
        crm.update_many("Lead", [{"Id": ANN, OPENS: 1}])
    crm.jobs.open("Lead", "update")
    writes = [each for each in script.asked if each.path != TOKEN_PATH]
    assert [each.headers["Sforce-Auto-Assign"] for each in writes] == ["FALSE"] * 5
    assert len({each.headers["Authorization"] for each in writes}) == 3


def test_rule_14_no_answer_is_waited_for_without_end(script: Script) -> None:
    late = Answer(200, SAVED, delay=0.4)
    script.answers = [late, late, late, late]
    crm = script.crm(dataclasses.replace(IMPATIENT, read_timeout=0.2))
    with pytest.raises(CrmUnavailableError, match="ReadTimeout"):
        crm.limits()
    assert crm.calls == CallCounts(login=1, read=3, write=0)
    with pytest.raises(CrmUnavailableError, match="ReadTimeout"):
        crm.create_many("Task", [{"Subject": "Follow up"}])
    assert crm.calls.write == 1


def test_rule_15_an_expired_session_is_renewed_exactly_once(script: Script) -> None:
    ways: list[Callable[[SalesforceCrm], object]] = [
        lambda crm: crm.describe("Contact"),
        lambda crm: crm.update_many("Contact", [{"Id": ANN}]),
        lambda crm: crm.create_many("Task", [{"Subject": "Follow up"}]),
        lambda crm: crm.delete_many("Task", [ANN]),
        lambda crm: crm.jobs.open("Contact", "update"),
        lambda crm: crm.jobs.upload("750A", [{"Id": ANN}]),
        lambda crm: crm.jobs.start("750A"),
        lambda crm: crm.jobs.state("750A"),
        lambda crm: crm.jobs.results("750A"),
    ]
    for way in ways:
        crm = script.crm(IMPATIENT)
        script.answers = [Answer(200, SAVED), *[Answer(401, EXPIRED)] * 9]
        crm.update_many("Contact", [{"Id": ANN}])
        with pytest.raises(CrmLoginError):
            way(crm)
        assert crm.calls.login == 2
        assert crm.calls.read + crm.calls.write == 3


def test_rule_16_only_locked_rows_may_be_sent_again(script: Script) -> None:
    rows = [{"success": False, "errors": [error]} for error in (LOCKED, INVALID)]
    script.answers = [Answer(200, rows)]
    results = script.crm(IMPATIENT).update_many("Contact", [{"Id": ANN}, {"Id": BEN}])
    assert [error.is_transient for each in results for error in each.errors] == [True, False]


def test_rule_18_the_daily_limit_ends_and_the_concurrent_one_waits(script: Script) -> None:
    crm = script.crm(IMPATIENT)
    script.answers = [limit("TotalRequests Limit exceeded.")]
    with pytest.raises(CrmLimitError):
        crm.update_many("Contact", [{"Id": ANN}])
    assert crm.calls.write == 1
    script.answers = [limit("ConcurrentPerOrgLongTxn Limit exceeded."), Answer(200, SAVED)]
    crm.update_many("Contact", [{"Id": ANN}])
    assert crm.calls.write == 3


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("api-usage=10018/100000", Limits(100_000, 89_982)),
        ("per-app-api-usage=17/250(appName=x); api-usage=3/15000", Limits(15_000, 14_997)),
        ("api-usage=3/15000; api-bursts=1/750", Limits(15_000, 14_997)),
        ("api-usage=100002/100000", Limits(100_000, 0)),
        ("nothing of the kind", None),
    ],
)  # fmt: skip
def test_rule_18_every_answer_tells_the_allowance_in_passing(
    script: Script, header: str, expected: Limits | None
) -> None:
    crm = script.crm(IMPATIENT)
    assert crm.latest_limits is None
    script.answers = [
        Answer(200, {"id": "750A", "state": "Open"}, {"Sforce-Limit-Info": header}),
        Answer(200, {"id": "750A", "state": "Open"}),
    ]
    crm.jobs.state("750A")
    assert crm.latest_limits == expected
    crm.jobs.state("750A")
    assert crm.latest_limits == expected
    assert crm.calls == CallCounts(login=1, read=2, write=0)


def test_rule_18_calls_are_counted_here_as_the_org_counts_them(org: LiveOrg) -> None:
    crm = org.crm()
    before = crm.limits()
    crm.update_many("Contact", [{"Id": ANN, OPENS: 1}])
    crm.delete_many("Contact", [CAT])
    list(crm.jobs.results(bulk(crm, [{"Id": ANN, OPENS: 2}])))
    counted = crm.calls.read + crm.calls.write
    assert counted == len(org.requests(is_api_call="true")) >= 10
    assert crm.latest_limits
    assert before.daily_calls == crm.latest_limits.daily_calls
    assert before.daily_calls_left - crm.latest_limits.daily_calls_left == counted - 1


def test_rule_22_a_job_gets_csv_of_our_own(script: Script) -> None:
    script.answers = [Answer(201, {"id": "750A", "state": "Open"}), Answer(201, "")]
    jobs = script.crm(IMPATIENT).jobs
    job = jobs.open("Contact", "update")
    jobs.upload(
        job, [{"Title": 'Zoë "Z"', "Id": ANN, "Email": None}, {"Id": BEN, "Title": "a\r\nb"}]
    )
    opened, uploaded = script.asked[1:]
    assert json.loads(opened.body) == {
        "object": "Contact",
        "operation": "update",
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    assert uploaded.headers["Content-Type"] == "text/csv; charset=UTF-8"
    assert uploaded.body.decode() == (f'Id,Email,Title\n{ANN},#N/A,"Zoë ""Z"""\n{BEN},,"a\r\nb"\n')


def test_rule_23_a_job_is_found_again_by_its_id_and_every_row_has_its_fate(org: LiveOrg) -> None:
    jobs = org.crm().jobs
    job = jobs.open("Contact", "update")
    jobs.upload(job, [{"Id": ANN, OPENS: 1}, {"Id": BEN, "Email": "nonsense"}])
    jobs.start(job)
    later = org.crm().jobs  # another process, which knows but the id
    done = later.wait(job, 2)
    rows = list(later.results(job))
    assert (done.state, done.processed, done.failed) == ("done", 2, 1)
    assert {row.columns["Id"] for row in rows} == {ANN, BEN}
    assert sum(row.result is not None and row.result.success for row in rows) == 1


def test_rule_23_a_write_is_not_repeated_where_a_job_could_be_lost(script: Script) -> None:
    """Only a job whose id is known ever gets data, and data that got lost never starts."""
    crm = script.crm(IMPATIENT)
    for write in (
        lambda: crm.jobs.open("Contact", "update"),
        lambda: crm.jobs.upload("750A", [{"Id": ANN}]),
    ):
        script.answers = [RESET]
        with pytest.raises(CrmUnavailableError):
            write()
    assert crm.calls.write == 2
