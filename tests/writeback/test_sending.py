"""Sending when Salesforce refuses, locks, or goes away, or the warehouse is busy (K4, K5)."""

import json
from typing import Any

import pytest

from orchestration.crm.salesforce import SalesforceCrm, connect
from orchestration.settings import SalesforceLogin
from orchestration.writeback.apply import apply_plan, resume_plan
from orchestration.writeback.plan import make_plan
from tests.crm.live_org import IMPATIENT
from tests.crm.scripted_org import RESET, Answer, Asked, Script
from tests.writeback.scene import (
    ANN,
    BEN,
    CAT,
    MAPPING,
    SAVED,
    outcomes,
    plan_for,
    refused,
    sent_ids,
)
from tests.writeback.stage import Stage

DISABLED = Answer(403, [{"errorCode": "API_CURRENTLY_DISABLED", "message": "API is disabled"}])
ODD = Answer(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "odd"}])


def test_k5_locked_rows_are_sent_again_alone_up_to_a_cap(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN, CAT)])
    plan = plan_for(stage, ANN, BEN, CAT)
    locked = refused("UNABLE_TO_LOCK_ROW")
    script.answers = [
        Answer(200, [locked, SAVED, locked]),
        Answer(200, [SAVED]),
        Answer(200, [locked]),
        Answer(200, [locked]),
    ]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed_by_code) == (2, {"UNABLE_TO_LOCK_ROW": 1})
    assert sent_ids(script) == [[ANN, BEN, CAT], [ANN], [CAT], [CAT]]
    assert [outcome for _, outcome, _ in outcomes(stage)] == [
        *("retried", "written", "retried", "written", "retried", "failed")
    ]
    # A lock passes: the next plan tries again.
    stage.snapshot()
    assert make_plan(stage.warehouse, MAPPING).decisions["write"] == 3


def test_k2_a_locked_row_is_read_again_before_it_is_sent_again(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": None}])
    plan = plan_for(stage, ANN)

    def typed(asked: Asked) -> Answer | None:
        """Whoever held the lock has saved by now."""
        answer = stage.unmoved(asked)
        if answer and sent_ids(script):
            answer.body["records"][0]["Opens__c"] = 7.0
        return answer

    script.standing = typed
    script.answers = [Answer(200, [refused("UNABLE_TO_LOCK_ROW")])]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.skipped, report.unsent) == (0, 0, 1, 0)
    assert outcomes(stage) == [(ANN, "retried", "UNABLE_TO_LOCK_ROW")]


def test_k5_one_row_that_spoils_the_whole_request_is_found(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN, CAT)])
    plan = plan_for(stage, ANN, BEN, CAT)
    script.answers = [ODD, Answer(200, [SAVED]), ODD, ODD, Answer(200, [SAVED])]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed_by_code) == (2, {"JSON_PARSER_ERROR": 1})
    assert [outcome for _, outcome, _ in outcomes(stage)] == ["written", "failed", "written"]


def test_k5_bad_rows_in_different_halves_of_a_chunk_spare_the_others(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    ids = [f"003{number:012}AAA" for number in range(401)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan, bad = plan_for(stage, *ids), {ids[3], ids[150]}

    def picky(asked: Asked) -> Answer | None:
        if asked.method != "PATCH":
            return stage.unmoved(asked)
        sent = {record["Id"] for record in json.loads(asked.body)["records"]}
        return ODD if sent & bad else Answer(200, [SAVED] * len(sent))

    script.standing = picky
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (399, 2, 0)
    refusals = "select record_id, is_transient from writeback.ledger where outcome = 'failed'"
    assert sorted(stage.rows(refusals)) == [(each, False) for each in sorted(bad)]


@pytest.mark.parametrize(
    ("refusal", "requests"), [(DISABLED, 1), (ODD, 15)], ids=["forbidden", "all parts alike"]
)
def test_k5_an_org_that_refuses_everything_blames_no_record(
    stage: Stage, crm: SalesforceCrm, script: Script, refusal: Answer, requests: int
) -> None:
    ids = [f"003{number:012}AAA" for number in range(201)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    script.answers = [refusal] * 201
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (0, 200, 1)
    code = refusal.body[0]["errorCode"]
    assert code in (report.stopped_because or "")
    assert report.failed_by_code == {code: 200}
    assert len(sent_ids(script)) == report.calls.write == requests
    # Whatever it was may pass: every row is planned again.
    stage.snapshot()
    again = make_plan(stage.warehouse, MAPPING)
    assert (again.changed_records, again.decisions.get("blocked", 0)) == (201, 0)


def test_k5_a_request_with_one_row_proves_nothing_about_the_row(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    script.answers = [ODD]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert report.failed_by_code == {"JSON_PARSER_ERROR": 1}
    stage.snapshot()
    assert plan_for(stage, ANN).changed_records == 1


def test_k5_a_refusal_that_begins_during_the_search_blames_no_record(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN, CAT)])
    plan = plan_for(stage, ANN, BEN, CAT)
    script.answers = [ODD, Answer(200, [SAVED]), DISABLED]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed) == (1, 2)
    assert outcomes(stage) == [
        (ANN, "written", None),
        (BEN, "failed", "API_CURRENTLY_DISABLED"),
        (CAT, "failed", "API_CURRENTLY_DISABLED"),
    ]
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 5.0}])
    assert make_plan(stage.warehouse, MAPPING).changed_records == 2


def test_k4_an_answer_is_on_record_before_anything_else_happens(
    stage: Stage, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN, CAT)])
    plan = plan_for(stage, ANN, BEN, CAT)

    class Killed(BaseException):
        """Stands for Ctrl-C while the search for a bad row goes on."""

    class DyingCrm(SalesforceCrm):
        def update_many(self, *arguments: Any) -> list[Any]:
            if len(sent_ids(script)) == 2:
                raise Killed
            return super().update_many(*arguments)

    script.answers = [ODD, Answer(200, [SAVED])]
    dying = DyingCrm(SalesforceLogin(f"127.0.0.1:{script.port}", "key", "secret"), IMPATIENT)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, dying, plan.plan_id, "run")
    assert outcomes(stage) == [(ANN, "written", None), (BEN, None, None), (CAT, None, None)]


def test_k4_no_answer_ends_the_run_and_counts_nothing_as_written(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    ids = [f"003{number:012}AAA" for number in range(401)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    script.answers = [Answer(200, [SAVED] * 200), *[RESET] * 3 * IMPATIENT.attempts]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    # Each time, a read said that nothing had arrived.
    assert (report.written, report.failed, report.unsent, report.unknown) == (200, 0, 201, 0)
    assert report.stopped_because == (
        "write Contact: no answer, and nothing arrived, several times"
    )
    assert {outcome for _, outcome, _ in outcomes(stage)} == {"written", "retried"}
    assert stage.rows("select state from writeback.plans") == [("interrupted",)]
    # No answer says nothing about the values: all of them are planned again.
    stage.snapshot()
    assert make_plan(stage.warehouse, MAPPING).changed_records == 401


def test_k4_where_not_even_a_read_is_answered_the_fate_stays_open_until_it_is_settled(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN)])
    plan = plan_for(stage, ANN, BEN)

    def gone(asked: Asked) -> Answer | None:
        return None if sent_ids(script) else stage.unmoved(asked)

    script.standing = gone
    script.answers = [*[RESET] * 2 * IMPATIENT.attempts]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent, report.unknown) == (0, 0, 0, 2)
    assert {outcome for _, outcome, _ in outcomes(stage)} == {None}

    def arrived(asked: Asked) -> Answer | None:
        """The write had reached the org, after all: of one record."""
        answer = stage.unmoved(asked)
        for record in answer.body.get("records", ()) if answer else ():
            record["Opens__c"] = 5.0 if record["Id"] == ANN else None
        return answer

    script.standing, script.answers = arrived, [Answer(200, [SAVED])]
    settled, rest = resume_plan(stage.warehouse, crm, "again")
    assert (settled.written, settled.unsent, settled.failed) == (1, 1, 0)
    assert rest
    assert (rest.written, rest.unsent, rest.unknown) == (1, 0, 0)
    assert outcomes(stage) == [
        (ANN, "written", None),
        (BEN, "retried", "UNSENT"),
        (BEN, "written", None),
    ]
    assert stage.rows("select state from writeback.plans") == [("applied",)]


def test_no_login_no_write(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    nobody = connect(SalesforceLogin("127.0.0.1:1", "key", "secret"), IMPATIENT)
    report = apply_plan(stage.warehouse, nobody, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (0, 0, 1)
    assert report.stopped_because is not None
