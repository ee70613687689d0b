"""Every error code has its own handling and its line in the report (K5, K7)."""

import pytest

from orchestration.crm.salesforce import SalesforceCrm
from orchestration.writeback.apply import WritebackReport, apply_plan
from orchestration.writeback.plan import make_plan
from orchestration.writeback.refusal_codes import CODES, Handling, refusal
from tests.crm.scripted_org import Answer, Script
from tests.writeback.scene import ANN, MAPPING, SAVED, plan_for, refused, sent_ids
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
    "DUPLICATE_VALUE": Handling.RESTS,
    "ENTITY_IS_DELETED": Handling.NEXT_BUILD,
    "INSUFFICIENT_ACCESS_OR_READONLY": Handling.RESTS,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Handling.RESTS,
    "INVALID_TYPE": Handling.STOP,
}


@pytest.mark.parametrize("code", FACTS)
def test_k7_every_code_of_the_reference_has_its_handling_and_its_remedy(code: str) -> None:
    assert refusal(code).handling is FACTS[code]
    assert len(refusal(code).remedy) > 20


def test_k5_a_value_that_another_record_has_is_looked_up_for_creations_alone() -> None:
    assert refusal("DUPLICATE_VALUE", "create").handling is Handling.EXISTS
    others = {refusal(code, "create") == refusal(code) for code in CODES if code[:3] != "DUP"}
    assert others == {True}


RESTING = [
    *(
        code
        for code, known in CODES.items()
        if known.handling not in (Handling.AGAIN, Handling.STOP)
    ),
    "NOBODY_KNOWS",
]
PASSING = [code for code, known in CODES.items() if known.handling is Handling.AGAIN]
ENDING = [code for code, known in CODES.items() if known.handling is Handling.STOP]


def contact(number: int) -> str:
    return f"003{number:012}AAA"


def told(report: WritebackReport) -> dict[str, tuple[int, str | None, str, str]]:
    return {
        each.code: (each.records, each.sample, each.handling, each.remedy)
        for each in report.refusals
    }


def line(code: str) -> tuple[int, str | None, str, str]:
    return 1, "so it is", refusal(code).handling.value, refusal(code).remedy


def test_k5_refused_rows_rest_each_with_its_line_and_fail_no_neighbour(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    ids = [contact(number) for number in range(len(RESTING) * 2)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    rows = [row for code in RESTING for row in (refused(code, "Opens__c"), SAVED)]
    script.answers = [Answer(200, rows)]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.stopped_because) == (len(RESTING), None)
    assert report.failed_by_code == dict.fromkeys(RESTING, 1)
    assert told(report) == {code: line(code) for code in RESTING}
    assert sent_ids(script) == [ids]
    # Nothing is tried again until somebody changes something.
    written = [{"Id": each, "Opens__c": 5.0} for each in ids[1::2]]
    stage.snapshot(contacts=written)
    again = make_plan(stage.warehouse, MAPPING)
    assert (again.changed_records, again.decisions["blocked"]) == (0, len(RESTING))


def test_k5_rows_that_pass_are_sent_again_a_few_times_and_planned_again(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    ids = [contact(number) for number in range(len(PASSING))]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    rows = [refused(code) for code in PASSING]
    script.answers = [Answer(200, rows), *[Answer(200, [row]) for row in rows * 2]]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert sent_ids(script) == [ids, *[[each] for each in ids * 2]]
    assert told(report) == {code: line(code) for code in PASSING}
    stage.snapshot()
    assert make_plan(stage.warehouse, MAPPING).changed_records == len(PASSING)


@pytest.mark.parametrize("code", ENDING)
def test_k7_a_refusal_that_is_not_about_the_row_ends_the_run(
    stage: Stage, crm: SalesforceCrm, script: Script, code: str
) -> None:
    ids = [contact(number) for number in range(201)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    script.answers = [Answer(200, [refused(code), *[SAVED] * 199])]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed_by_code, report.unsent) == (199, {code: 1}, 1)
    assert told(report) == {code: line(code)}
    assert report.stopped_because == f"{code}. {refusal(code).remedy}"
    assert stage.rows("select state from writeback.plans") == [("interrupted",)]


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
