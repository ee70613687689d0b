"""An undo and the runs after the one that it takes back: what a later run wrote is left (K6)."""

import pytest

from orchestration.writeback import fates
from orchestration.writeback.approval import approve_plan
from orchestration.writeback.undo import make_undo_plan
from tests.crm.live_org import ANN, LiveOrg
from tests.writeback.stage import Stage
from tests.writeback.test_round_trip import FIRST, OPENS
from tests.writeback.test_undo_rules import apply, by_rep, decided, plan_it


def write(org: LiveOrg, stage: Stage, run_id: str, opens: int) -> None:
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": opens, "first_sequence": "Summer"}])
    plan = plan_it(org, stage)
    with stage.warehouse.connect() as connection:
        approve_plan(connection, plan.plan_id, "ann")
    assert apply(org, stage, plan, run_id) == 1


def undo(org: LiveOrg, stage: Stage, run_id: str, as_run: str) -> list[tuple[str, str]]:
    """Take a run back; return what was decided about the open count."""
    plan = make_undo_plan(stage.warehouse, org.crm(), run_id)
    apply(org, stage, plan, as_run)
    return [each for each in decided(stage, plan) if "Summer" not in each[1]]


def opens(org: LiveOrg) -> object:
    return org.record("Contact", ANN)[OPENS]


def test_k6_what_a_later_run_wrote_is_left_though_it_is_the_same_value(
    org: LiveOrg, stage: Stage
) -> None:
    write(org, stage, "first", 4)
    by_rep(org, "Contact", ANN, Touchline_Open_Count__c=7)
    write(org, stage, "second", 4)
    assert undo(org, stage, "first", "undo") == [
        ("kept", "kept: run second wrote 4 since: undo that run first, then this one")
    ]
    ann = org.record("Contact", ANN)
    # Field by field: the second run had nothing to write into the other one.
    assert (ann[OPENS], ann[FIRST]) == (4, None)
    undo(org, stage, "second", "undo the second")
    assert opens(org) == 7
    assert undo(org, stage, "first", "once more") == [
        ("kept", "kept: Salesforce has 7, the run wrote 4: changed since")
    ]
    assert opens(org) == 7


def test_k6_runs_go_back_one_by_one_the_last_one_first(org: LiveOrg, stage: Stage) -> None:
    write(org, stage, "first", 4)
    write(org, stage, "second", 5)
    assert undo(org, stage, "first", "too early") == [
        ("kept", "kept: run second wrote 5 since: undo that run first, then this one")
    ]
    undo(org, stage, "second", "undo the second")
    assert opens(org) == 4
    undo(org, stage, "first", "undo the first")
    assert opens(org) is None


def test_k6_a_later_run_counts_again_once_its_undo_was_taken_back(
    org: LiveOrg, stage: Stage
) -> None:
    write(org, stage, "first", 4)
    write(org, stage, "second", 5)
    undo(org, stage, "second", "undo")
    undo(org, stage, "undo", "redo")
    assert opens(org) == 5
    (kept,) = undo(org, stage, "first", "undo the first")
    assert kept[1].startswith("kept: run second wrote 5 since")


def test_k6_an_undo_is_not_taken_back_over_what_a_later_run_wrote(
    org: LiveOrg, stage: Stage
) -> None:
    by_rep(org, "Contact", ANN, Touchline_Open_Count__c=3)
    write(org, stage, "first", 4)
    undo(org, stage, "first", "undo")
    by_rep(org, "Contact", ANN, Touchline_Open_Count__c=7)
    write(org, stage, "second", 3)
    (kept,) = undo(org, stage, "undo", "redo")
    assert kept[1].startswith("kept: run second wrote 3 since")
    assert opens(org) == 3


def test_k6_what_somebody_put_back_after_a_later_run_is_theirs(org: LiveOrg, stage: Stage) -> None:
    write(org, stage, "first", 4)
    write(org, stage, "second", 5)
    by_rep(org, "Contact", ANN, Touchline_Open_Count__c=4)
    assert undo(org, stage, "first", "undo") == [
        ("kept", "kept: run second wrote 5 since, and somebody 4 after that")
    ]
    assert opens(org) == 4


def test_k6_an_undo_waits_until_the_org_shows_what_another_undo_wrote_just_now(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fates, "SECONDS_UNTIL_VISIBLE", 1.5)
    write(org, stage, "first", 4)
    write(org, stage, "second", 5)
    plan = make_undo_plan(stage.warehouse, org.crm(), "second")
    org.rule(late_seconds=1)
    apply(org, stage, plan, "undo")
    undo(org, stage, "first", "undo the first")
    assert opens(org) is None
