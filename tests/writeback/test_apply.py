"""Applying a plan when Salesforce refuses, locks, or goes away (K2, K4, K5)."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.crm.client import CallCounts
from orchestration.crm.salesforce import SalesforceCrm, connect
from orchestration.settings import SalesforceLogin
from orchestration.warehouse import Warehouse
from orchestration.writeback import sending
from orchestration.writeback.apply import PlanNotApplicableError, apply_plan
from orchestration.writeback.ledger import failures_by_code, skipped_records
from orchestration.writeback.plan import Plan, make_plan
from tests.crm.live_org import IMPATIENT
from tests.crm.scripted_org import RESET, Answer, Script
from tests.writeback.stage import DESCRIBE, Stage, contact_mapping, field

ANN, BEN, CAT = "003000000000001AAA", "003000000000002AAA", "003000000000003AAA"
MAPPING = contact_mapping(
    "metric: open_count, field: Opens__c, policy: owned",
    "metric: first_sequence, field: First__c, policy: owned, clears: true",
)
SAVED: dict[str, Any] = {"success": True, "errors": []}


def refused(code: str, *fields: str) -> dict[str, Any]:
    error = {"statusCode": code, "message": "so it is", "fields": list(fields)}
    return {"success": False, "errors": [error]}


def plan_for(stage: Stage, *crm_ids: str, opens: int = 5) -> Plan:
    stage.metrics(contacts=[{"crm_id": each, "open_count": opens} for each in crm_ids])
    return make_plan(stage.warehouse, MAPPING)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS_BEFORE_AGAIN", 0)


@pytest.fixture
def crm(script: Script) -> SalesforceCrm:
    return script.crm(IMPATIENT)


def outcomes(stage: Stage) -> list[tuple[Any, ...]]:
    return stage.rows(
        "select record_id, outcome, error_code from writeback.ledger order by attempt_id"
    )


def sent_ids(script: Script) -> list[list[str]]:
    bodies = [json.loads(each.body) for each in script.asked if each.method == "PATCH"]
    return [[record["Id"] for record in body["records"]] for body in bodies]


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
    assert plan.api_calls_estimate == 2
    assert (report.written, report.calls.write) == (201, 2)
    assert sent_ids(script) == [ids[:200], ids[200:]]


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


def test_k5_a_refused_value_is_blocked_until_value_or_metadata_changes(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    script.answers = [Answer(200, [refused("FIELD_CUSTOM_VALIDATION_EXCEPTION")])]
    apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert stage.rows("select state from writeback.plans") == [("partly_applied",)]

    stage.snapshot()
    again = plan_for(stage, ANN)
    assert (again.changed_records, again.decisions["blocked"]) == (0, 1)
    ((reason,),) = stage.rows("select reason from writeback.changes where decision = 'blocked'")
    assert reason == (
        "Salesforce refused this value before: FIELD_CUSTOM_VALIDATION_EXCEPTION, so it is. "
        "Tried again once the value, the record or the field changes"
    )
    assert plan_for(stage, ANN, opens=6).changed_records == 1
    stage.snapshot(describe=[*DESCRIBE, field("New__c", "string")])
    assert plan_for(stage, ANN).changed_records == 1


def test_k5_a_record_edited_since_is_tried_again(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    script.answers = [Answer(200, [refused("FIELD_CUSTOM_VALIDATION_EXCEPTION")])]
    apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    stage.snapshot(contacts=[{"Id": ANN, "Title": "mended"}])
    assert plan_for(stage, ANN).changed_records == 1


def test_k5_only_the_field_that_salesforce_named_is_blocked(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "First__c": "A"}])
    plan = plan_for(stage, ANN)
    script.answers = [Answer(200, [refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Opens__c")])]
    apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    stage.snapshot()
    again = plan_for(stage, ANN)
    assert {key[1]: cell[2] for key, cell in stage.cells(again.plan_id).items()} == {
        "Opens__c": "blocked",
        "First__c": "write",
    }
    # The other field gets through; the named one stays blocked afterwards.
    script.answers = [Answer(200, [SAVED])]
    apply_plan(stage.warehouse, crm, again.plan_id, "second")
    stage.snapshot(contacts=[])
    third = plan_for(stage, ANN)
    assert third.decisions["blocked"] == 1


def test_k5_one_row_that_spoils_the_whole_request_is_found(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": each} for each in (ANN, BEN, CAT)])
    plan = plan_for(stage, ANN, BEN, CAT)
    script.answers = [ODD, Answer(200, [SAVED]), ODD, ODD, Answer(200, [SAVED])]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed_by_code) == (2, {"JSON_PARSER_ERROR": 1})
    assert [outcome for _, outcome, _ in outcomes(stage)] == ["written", "failed", "written"]


DISABLED = Answer(403, [{"errorCode": "API_CURRENTLY_DISABLED", "message": "API is disabled"}])
ODD = Answer(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "odd"}])


@pytest.mark.parametrize(
    ("refusal", "requests"), [(DISABLED, 1), (ODD, 3)], ids=["forbidden", "both halves alike"]
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


@contextmanager
def locked_by_another_process(file: Path) -> Iterator[None]:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", code, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        yield
        holder.communicate(b"\n")


def test_k4_a_busy_warehouse_ends_the_run_with_the_figures_right(
    stage: Stage, script: Script
) -> None:
    ids = [f"003{number:012}AAA" for number in range(401)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    script.answers = [Answer(200, [SAVED] * 200), Answer(200, [SAVED] * 200)]
    busy = ExitStack()

    class Slow(SalesforceCrm):
        """Somebody opens the warehouse while the second request is under way."""

        def update_many(self, *arguments: Any) -> list[Any]:
            if len(sent_ids(script)) == 1:
                busy.enter_context(locked_by_another_process(stage.warehouse.path))
            return super().update_many(*arguments)

    crm = Slow(SalesforceLogin(f"127.0.0.1:{script.port}", "key", "secret"), IMPATIENT)
    warehouse = Warehouse(stage.warehouse.path, lock_wait_seconds=0.1)
    with busy:
        report = apply_plan(warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (400, 0, 1)
    assert "is still locked" in (report.stopped_because or "")
    counted = stage.rows("select outcome, count(*) from writeback.ledger group by 1 order by 1")
    assert counted == [("written", 200), (None, 200)]


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
    script.answers = [Answer(200, [SAVED] * 200), *[RESET] * IMPATIENT.attempts]
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (200, 200, 1)
    assert report.failed_by_code == {"UNAVAILABLE": 200}
    assert report.stopped_because == "write Contact: no answer (ConnectionError)"
    with stage.warehouse.connect(read_only=True) as connection:
        (failure,) = failures_by_code(connection, "run")
        (first, *_) = skipped_records(connection)
    assert (failure.code, failure.records) == ("UNAVAILABLE", 200)
    assert first.attempts == 1
    # No answer says nothing about the values: all of them are planned again.
    stage.snapshot()
    assert make_plan(stage.warehouse, MAPPING).changed_records == 401


def test_k4_an_intent_is_on_record_before_the_request(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)

    class Killed(BaseException):
        """Stands for the end of the process in the middle of a request."""

    class DyingCrm(SalesforceCrm):
        def update_many(self, *_: object) -> list[Any]:
            raise Killed

    dying = DyingCrm(SalesforceLogin("127.0.0.1:1", "key", "secret"), IMPATIENT)
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


def test_no_warehouse_connection_is_held_over_a_request(stage: Stage, script: Script) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    script.answers = [Answer(200, [SAVED])]

    class Probing(SalesforceCrm):
        def _ask(self, *arguments: Any) -> Any:
            # Refused by DuckDB if this process had the file open for writing.
            duckdb.connect(str(stage.warehouse.path), read_only=True).close()
            return super()._ask(*arguments)

    login = SalesforceLogin(f"127.0.0.1:{script.port}", "key", "secret")
    report = apply_plan(stage.warehouse, Probing(login, IMPATIENT), plan.plan_id, "run")
    assert report.written == 1


def test_k2_only_the_newest_plan_of_the_latest_snapshot_is_applied(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    first, second = plan_for(stage, ANN), plan_for(stage, ANN)
    with pytest.raises(PlanNotApplicableError, match=f"apply {second.plan_id} instead"):
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


def test_no_login_no_write(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    nobody = connect(SalesforceLogin("127.0.0.1:1", "key", "secret"), IMPATIENT)
    report = apply_plan(stage.warehouse, nobody, plan.plan_id, "run")
    assert (report.written, report.failed_by_code) == (0, {"UNAVAILABLE": 1})
    assert report.stopped_because is not None
