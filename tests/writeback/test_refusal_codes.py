"""Every error code has its own handling and its line in the report (K5, K7)."""

import pytest

from orchestration.crm.salesforce import SalesforceCrm
from orchestration.writeback.apply import apply_plan
from orchestration.writeback.plan import make_plan
from orchestration.writeback.refusal_codes import CODES, Handling, refusal
from tests.crm.scripted_org import Answer, Script
from tests.writeback.scene import ANN, BEN, MAPPING, SAVED, outcomes, plan_for, refused, sent_ids
from tests.writeback.stage import Stage

#: The table of the reference on Salesforce, rows and whole requests.
FACTS = {
    "INVALID_SESSION_ID": Handling.STOP,
    "REQUEST_LIMIT_EXCEEDED": Handling.STOP,
    "UNABLE_TO_LOCK_ROW": Handling.AGAIN,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Handling.RESTS,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Handling.RESTS,
    "STRING_TOO_LONG": Handling.RESTS,
    "REQUIRED_FIELD_MISSING": Handling.RESTS,
    "INVALID_FIELD_FOR_INSERT_UPDATE": Handling.RESTS,
    "INVALID_FIELD": Handling.RESTS,
    "INVALID_EMAIL_ADDRESS": Handling.RESTS,
    "CANNOT_UPDATE_CONVERTED_LEAD": Handling.NEXT_BUILD,
    "DUPLICATES_DETECTED": Handling.RESTS,
    "DUPLICATE_VALUE": Handling.EXISTS,
    "ENTITY_IS_DELETED": Handling.NEXT_BUILD,
    "INSUFFICIENT_ACCESS_OR_READONLY": Handling.RESTS,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Handling.RESTS,
    "INVALID_TYPE": Handling.STOP,
}


@pytest.mark.parametrize("code", FACTS)
def test_k7_every_code_of_the_reference_has_its_handling_and_its_remedy(code: str) -> None:
    assert refusal(code).handling is FACTS[code]
    assert len(refusal(code).remedy) > 20


@pytest.mark.parametrize("code", [*CODES, "NOBODY_KNOWS"])
def test_k5_a_refused_row_is_handled_by_its_code_and_told_in_the_report(
    stage: Stage, crm: SalesforceCrm, script: Script, code: str
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN)])
    plan = plan_for(stage, ANN, BEN)
    script.answers = [
        Answer(200, [refused(code, "Opens__c"), SAVED]),
        *[Answer(200, [refused(code, "Opens__c")])] * 2,
    ]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    handling = refusal(code).handling
    is_again = handling is Handling.AGAIN
    assert sent_ids(script) == [[ANN, BEN], *([[ANN], [ANN]] if is_again else [])]
    # One bad row never fails its neighbours.
    assert (report.written, report.failed_by_code) == (1, {code: 1})
    (told,) = report.refusals
    assert (told.code, told.records, told.sample) == (code, 1, "so it is")
    assert (told.handling, told.remedy) == (handling.value, refusal(code).remedy)
    assert (report.stopped_because is not None) == (handling is Handling.STOP)
    assert outcomes(stage)[-1 if is_again else 0] == (ANN, "failed", code)

    # What passes by itself is planned again, the rest waits for somebody to change something.
    stage.snapshot(contacts=[{"Id": ANN}, {"Id": BEN, "Opens__c": 5.0}])
    again = make_plan(stage.warehouse, MAPPING)
    assert (again.changed_records == 1) == refusal(code).is_transient


def test_k5_too_many_refusals_end_the_run(stage: Stage, crm: SalesforceCrm, script: Script) -> None:
    ids = [f"003{number:012}AAA" for number in range(401)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    rule = refused("FIELD_CUSTOM_VALIDATION_EXCEPTION")
    script.answers = [Answer(200, [rule] * 150 + [SAVED] * 50)]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (50, 150, 201)
    assert report.stopped_because
    assert report.stopped_because.startswith("150 of 200 records were refused")
    assert "validation rule" in report.stopped_because


def test_k3_a_run_ends_where_the_reserve_of_the_days_calls_begins(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    ids = [f"003{number:012}AAA" for number in range(201)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    usage = {"Sforce-Limit-Info": "api-usage=13600/15000"}
    script.answers = [Answer(200, [SAVED] * 200, usage)]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.unsent) == (200, 1)
    assert report.stopped_because
    assert report.stopped_because.startswith("1,400 of the org's 15,000 daily API calls are left")


def test_k8_what_the_preflight_refuses_is_not_begun(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    disabled = [{"errorCode": "API_CURRENTLY_DISABLED", "message": "API is disabled"}]
    script.answers, script.standing = [Answer(403, disabled)] * 2, lambda _: None
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING)
    assert (report.written, report.unsent) == (0, 1)
    assert "Nothing was written" in (report.stopped_because or "")
    assert stage.rows("select state from writeback.plans") == [("planned",)]
    # Once it is mended, the same plan can be applied.
    script.standing, script.answers = stage.unmoved, [Answer(200, [SAVED])]
    assert apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING).written == 1
