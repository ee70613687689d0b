"""Writes that go by bulk job: matched, accounted for, and looked after when a run dies (K3, K4)."""

from typing import Any

import pytest

from orchestration.crm import salesforce_bulk
from orchestration.crm.client import CrmUnavailableError
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback import routes
from orchestration.writeback.apply import apply_plan, resume_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import Plan, make_plan
from orchestration.writeback.settle import settle
from orchestration.writeback.undo import make_undo_plan
from tests.crm.live_org import ANN, BEN, CAT, LiveOrg
from tests.writeback.creations import TASK, plan_creations
from tests.writeback.stage import Stage
from tests.writeback.test_round_trip import FIRST, OPENS, QUIET

MAPPING = load_mapping()


def planned(org: LiveOrg, stage: Stage, **more: Any) -> Plan:
    """Plan three contacts and a task, all but mail by bulk job."""
    stage.metrics(
        contacts=[
            {"crm_id": ANN, **QUIET, "open_count": 4, "first_sequence": 'A "quoted", one'},
            {"crm_id": BEN, "open_count": 5},
            {"crm_id": CAT, "first_sequence": "Summer"},
        ]
    )
    take_snapshot(stage.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    plan = make_plan(stage.warehouse, MAPPING, planners=[plan_creations], **more)
    with stage.warehouse.connect() as connection:
        connection.execute(
            "update writeback.plan_routes set route = 'bulk' where object in ('Contact', 'Task')"
        )
    return plan


def ledger(stage: Stage) -> list[tuple[Any, ...]]:
    return stage.rows(
        "select object, coalesce(external_key, record_id), outcome, error_code, "
        "job_id is not null from writeback.ledger order by attempt_id"
    )


def test_k3_updates_and_creations_go_by_jobs_whose_answers_are_matched(
    org: LiveOrg, stage: Stage
) -> None:
    plan = planned(org, stage)
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run", MAPPING)
    assert (report.written, report.failed, report.unsent, report.unknown) == (6, 0, 0, 0)
    ann = org.record("Contact", ANN)
    assert (ann[OPENS], ann[FIRST]) == (4, 'A "quoted", one')
    # A record of the job that plans nothing for a field leaves it as it is.
    assert org.record("Contact", CAT)[OPENS] is None
    (task,) = org.admin.get("/__admin/records/Task").json()
    assert stage.rows(
        f"select record_id, outcome from writeback.ledger where external_key = '{TASK}'"
    ) == [(task["Id"], "written")]
    assert stage.rows("select object, operation, state, records from writeback.jobs") == [
        ("Contact", "update", "done", 3),
        ("Task", "create", "done", 1),
    ]
    assert stage.rows("select job_id from writeback.jobs order by opened_at") == [
        (job,) for job in report.jobs
    ]


def test_k2_a_record_that_moved_since_the_snapshot_is_no_part_of_the_job(
    org: LiveOrg, stage: Stage
) -> None:
    plan = planned(org, stage)
    org.change("Contact", ANN, Touchline_First_Sequence__c="Just typed")
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run", MAPPING)
    assert (report.written, report.skipped) == (5, 1)
    assert org.record("Contact", ANN)[FIRST] == "Just typed"
    assert stage.cells(plan.plan_id)[ANN, FIRST][2] == "stale"


def test_k3_the_estimate_is_what_the_org_counts_however_many_jobs_there_are(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (routes, salesforce_bulk):
        monkeypatch.setattr(module, "ROWS_PER_JOB", 1)
    monkeypatch.setattr(routes, "BULK_FROM", 1)
    monkeypatch.setattr(routes, "ROWS_PER_PAGE", 2)  # as this org answers
    # Of two ways, a job is the cheaper one even for a single record.
    monkeypatch.setattr(routes, "ROWS_PER_REQUEST", 0.05)

    def counted(plan: Plan, run_id: str) -> int:
        before = len(org.requests(is_api_call="true"))
        report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, run_id, MAPPING)
        assert report.written == 3
        return len(org.requests(is_api_call="true")) - before

    stage.metrics(contacts=[{"crm_id": each, "open_count": 4} for each in (ANN, BEN, CAT)])
    take_snapshot(stage.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    plan = make_plan(stage.warehouse, MAPPING, planners=[])
    assert counted(plan, "run") == plan.api_calls_estimate == 2 + 1 + 3 * 7
    # Right after a run, the question what moved finds all that the run has written: two pages.
    undo = make_undo_plan(stage.warehouse, org.crm(), "run")
    assert counted(undo, "undo") == undo.api_calls_estimate == 2 + 2 + 3 * 7
    assert stage.rows("select state, count(*) from writeback.jobs group by 1") == [("done", 6)]


def test_k5_a_row_that_a_job_refuses_fails_alone(org: LiveOrg, stage: Stage) -> None:
    plan = planned(org, stage)
    with stage.warehouse.connect() as connection:
        connection.execute(
            f"update writeback.changes set new_value = repeat('x', 300) "
            f"where record_id = '{ANN}' and field = '{FIRST}'"
        )
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run", MAPPING)
    assert (report.written, report.failed_by_code) == (5, {"STRING_TOO_LONG": 1})
    assert ("Contact", ANN, "failed", "STRING_TOO_LONG", True) in ledger(stage)


def test_k3_a_value_that_a_job_cannot_carry_goes_by_itself(org: LiveOrg, stage: Stage) -> None:
    plan = planned(org, stage)
    with stage.warehouse.connect() as connection:
        connection.execute(
            f"update writeback.changes set new_value = '#N/A' "
            f"where record_id = '{ANN}' and field = '{FIRST}'"
        )
    report = apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run", MAPPING)
    assert (report.written, report.failed, report.unsent) == (6, 0, 0)
    assert org.record("Contact", ANN)[FIRST] == "#N/A"
    jobs = "select state from writeback.jobs where object = 'Contact' order by opened_at"
    assert stage.rows(jobs) == [("aborted",), ("done",)]


class Killed(BaseException):
    """Stands for the end of the process."""


#: Where a run dies, and how the ledger tells of the job's records once they are settled.
DEATHS = {
    "upload": "retried",
    "start": "retried",
    "wait": "written",
    "results": "written",
}


@pytest.mark.parametrize("step", DEATHS)
def test_k4_a_job_is_looked_after_by_its_id_when_its_run_dies(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    plan = planned(org, stage)
    crm = org.crm()

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(crm.jobs, step, die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING)
    assert [outcome for _, _, outcome, _, _ in ledger(stage)] == [None] * 3
    settled, report = resume_plan(stage.warehouse, org.crm(), "again", MAPPING)
    first = [outcome for _, _, outcome, _, _ in ledger(stage)][:3]
    assert first == [DEATHS[step]] * 3
    assert report
    assert settled.written + report.written == 6
    assert stage.rows("select state from writeback.plans") == [("applied",)]
    assert org.record("Contact", BEN)[OPENS] == 5
    # A resume of a resume has nothing to do, and asks nothing.
    again, none = resume_plan(stage.warehouse, org.crm(), "once more", MAPPING)
    assert (again.jobs, again.written, again.calls.read, none) == (0, 0, 0, None)


def test_k4_a_job_that_salesforce_has_forgotten_is_settled_by_reading(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(org, stage)
    crm = org.crm()

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(crm.jobs, "results", die)
    with pytest.raises(Killed):
        apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING)
    with stage.warehouse.connect() as connection:
        for table in ("jobs", "ledger"):
            connection.execute(
                f"update writeback.{table} set job_id = '750000000000999AAA' "
                "where job_id is not null"
            )
    settled = settle(stage.warehouse, org.crm())
    assert (settled.written, settled.unsent) == (3, 0)
    assert stage.rows("select state, closed_at is null from writeback.jobs") == [("failed", False)]


def test_k4_a_lost_answer_to_an_upload_costs_a_job_and_no_record(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(org, stage)
    crm: SalesforceCrm = org.crm()
    upload, lost = crm.jobs.upload, [True]

    def upload_once_in_vain(*arguments: Any) -> None:
        upload(*arguments)
        if lost.pop() if lost else False:
            raise CrmUnavailableError("upload: no answer")

    monkeypatch.setattr(crm.jobs, "upload", upload_once_in_vain)
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING)
    assert (report.written, report.unsent, report.unknown) == (6, 0, 0)
    assert stage.rows("select object, state from writeback.jobs order by opened_at") == [
        ("Contact", "aborted"),
        ("Contact", "done"),
        ("Task", "done"),
    ]
