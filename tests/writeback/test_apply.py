"""Applying a plan: when it may be, what is sent, and what its report says (K2, K4)."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from orchestration.crm.client import CallCounts
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.settings import SalesforceLogin
from orchestration.writeback.apply import PlanNotApplicableError, apply_plan
from orchestration.writeback.plan import make_plan
from tests.crm.live_org import IMPATIENT
from tests.crm.scripted_org import Answer, Asked, Script
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
from tests.writeback.stage import Stage, contact_mapping


def test_i5_a_plan_without_writes_makes_no_request(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 5.0}])
    plan = plan_for(stage, ANN)
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.calls) == (0, CallCounts())
    assert script.asked == []
    assert stage.rows("select state from writeback.plans") == [("applied",)]
    # Asked again, also after the next snapshot, there is still nothing to write.
    stage.snapshot()
    again = apply_plan(stage.warehouse, crm, plan.plan_id, "again")
    assert (again.written, again.failed, again.unsent, again.calls) == (0, 0, 0, CallCounts())
    assert script.asked == []


def test_a_record_is_counted_once(stage: Stage, crm: SalesforceCrm, script: Script) -> None:
    too_long = "x" * 21
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN, CAT)])
    stage.metrics(
        contacts=[
            {"crm_id": ANN, "open_count": 5, "first_sequence": too_long},
            {"crm_id": BEN, "open_count": 5, "first_sequence": too_long},
            {"crm_id": CAT, "first_sequence": too_long},
        ]
    )
    plan = make_plan(stage.warehouse, MAPPING)
    assert plan.decisions["invalid"] == 3
    script.answers = [Answer(200, [SAVED, refused("FIELD_CUSTOM_VALIDATION_EXCEPTION")])]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.skipped, report.unsent) == (1, 1, 1, 0)


def test_records_go_in_chunks_sorted_by_id(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    ids = [f"003{number:012}AAA" for number in range(201)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *reversed(ids))
    script.answers = [Answer(200, [SAVED] * 200), Answer(200, [SAVED])]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert plan.api_calls_estimate == 6
    assert (report.written, report.calls.read, report.calls.write) == (201, 2, 2)
    assert sent_ids(script) == [ids[:200], ids[200:]]


def test_rule_16_contacts_of_one_account_are_sent_together(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    """Two requests at work on one account would lock one another's rows."""
    accounts = {ANN: "001B", BEN: "001A", CAT: "001B"}
    stage.snapshot(
        contacts=[{"Id": each, "AccountId": parent} for each, parent in accounts.items()]
    )
    script.answers = [Answer(200, [SAVED] * 3)]
    apply_plan(stage.warehouse, crm, plan_for(stage, CAT, BEN, ANN).plan_id, "run")
    assert sent_ids(script) == [[BEN, ANN, CAT]]


def test_a_quote_in_the_name_of_the_temporary_folder_does_no_harm(
    stage: Stage,
    crm: SalesforceCrm,
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "o'brien"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    stage.snapshot(contacts=[{"Id": ANN}])
    script.answers = [Answer(200, [SAVED])]
    assert apply_plan(stage.warehouse, crm, plan_for(stage, ANN).plan_id, "run").written == 1


def test_what_a_killed_run_left_in_the_temporary_folder_goes(
    stage: Stage,
    crm: SalesforceCrm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may hold the texts of mails."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"touchline-apply-{2**30}-abc"
    left.mkdir()
    (left / "EmailMessage.create.json").write_text("Dear Ann", encoding="utf-8")
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 5.0}])
    apply_plan(stage.warehouse, crm, plan_for(stage, ANN).plan_id, "run")
    assert not left.exists()


def test_i7_values_are_sent_as_json_types_and_null_clears(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "First__c": "A"}])
    mapping = contact_mapping(
        "metric: open_count, field: Opens__c, policy: owned",
        "metric: score, field: Score__c, policy: owned",
        "metric: is_replied, field: Replied__c, policy: owned",
        "metric: first_sequence, field: First__c, policy: owned, clears: true",
    )
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5, "score": 1.254, "is_replied": True}])
    plan = make_plan(stage.warehouse, mapping)
    script.answers = [Answer(200, [SAVED])]
    apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    (record,) = json.loads(script.asked[-1].body)["records"]
    del record["attributes"]
    assert record == {
        "Id": ANN,
        "Opens__c": 5,
        "Score__c": 1.25,
        "Replied__c": True,
        "First__c": None,
    }


def test_k4_an_intent_is_on_record_before_the_request(stage: Stage, script: Script) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)

    class Killed(BaseException):
        """Stands for the end of the process in the middle of a request."""

    class DyingCrm(SalesforceCrm):
        def update_many(self, *_: object) -> list[Any]:
            raise Killed

    dying = DyingCrm(SalesforceLogin(f"127.0.0.1:{script.port}", "key", "secret"), IMPATIENT)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, dying, plan.plan_id, "run")
    assert outcomes(stage) == [(ANN, None, None)]
    with pytest.raises(PlanNotApplicableError, match="was interrupted while it was"):
        apply_plan(stage.warehouse, dying, plan.plan_id, "again")
    assert stage.rows("select state from writeback.plans") == [("applying",)]

    # The reasons of what was, perhaps, written outlive the plans that follow.
    stage.snapshot()
    for opens in (6, 7):
        newest = plan_for(stage, ANN, opens=opens)
    assert stage.rows("select plan_id, state from writeback.plans order by 1") == [
        (plan.plan_id, "interrupted"),
        ("plan-00002", "superseded"),
        (newest.plan_id, "planned"),
    ]
    assert stage.cells(plan.plan_id) == {(ANN, "Opens__c"): (None, "5", "write")}
    assert stage.cells("plan-00002") == {}


def test_k2_only_the_newest_plan_of_the_latest_snapshot_is_applied(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    first, second = plan_for(stage, ANN), plan_for(stage, ANN, opens=6)
    # Not: apply that instead. Nobody may have read it yet.
    with pytest.raises(PlanNotApplicableError, match=f"{second.plan_id} replaced it and differs"):
        apply_plan(stage.warehouse, crm, first.plan_id, "run")
    stage.snapshot()
    with pytest.raises(PlanNotApplicableError, match="A newer snapshot was taken"):
        apply_plan(stage.warehouse, crm, second.plan_id, "run")
    with pytest.raises(PlanNotApplicableError, match="There is no plan"):
        apply_plan(stage.warehouse, crm, "plan-99999", "run")
    script.answers = [Answer(200, [SAVED])]
    third = plan_for(stage, ANN)
    apply_plan(stage.warehouse, crm, third.plan_id, "run")
    with pytest.raises(PlanNotApplicableError, match="applied already"):
        apply_plan(stage.warehouse, crm, third.plan_id, "run")
    # A plan from the old snapshot would write once more what was just written.
    stale = plan_for(stage, ANN)
    with pytest.raises(PlanNotApplicableError, match="Take a new snapshot"):
        apply_plan(stage.warehouse, crm, stale.plan_id, "run")


def test_k2_an_edit_in_the_second_of_the_snapshot_is_seen(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": None}])
    plan = plan_for(stage, ANN)

    def typed(asked: Asked) -> Answer | None:
        """SystemModstamp has whole seconds: it may be the old one after an edit."""
        answer = stage.unmoved(asked)
        if answer:
            answer.body["records"][0]["Opens__c"] = 7.0
        return answer

    script.standing = typed
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.skipped) == (0, 1)
    assert report.calls == CallCounts(login=1, read=1, write=0)
    assert stage.cells(plan.plan_id)[(ANN, "Opens__c")] == (None, "5", "stale")


def test_k2_a_record_that_is_gone_without_a_trace_is_left_alone(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN)])
    plan = plan_for(stage, ANN, BEN)
    found = {"Id": BEN, "IsDeleted": False, "attributes": {}, "Opens__c": None}
    ((stamp,),) = stage.rows(
        "select strftime(max(system_modstamp), '%Y-%m-%dT%H:%M:%S') from raw.salesforce_contacts"
    )
    only_ben = {"totalSize": 1, "done": True, "records": [found | {"SystemModstamp": stamp}]}
    script.answers = [Answer(200, only_ben), Answer(200, [SAVED])]
    script.standing = lambda _: None
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.skipped) == (1, 1)
    assert sent_ids(script) == [[BEN]]


def test_k7_an_org_that_answers_no_read_gets_no_write(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN)])
    plan = plan_for(stage, ANN, BEN)
    disabled = [{"errorCode": "API_CURRENTLY_DISABLED", "message": "API is disabled"}]
    script.answers, script.standing = [Answer(403, disabled)], lambda _: None
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (0, 0, 2)
    assert "API_CURRENTLY_DISABLED" in (report.stopped_because or "")
    assert stage.rows("select count(*) from writeback.ledger") == [(0,)]
