"""What a plan decides about each cell (I2, I5, I7, K1)."""

from datetime import datetime
from itertools import product

import pytest

from orchestration.writeback.plan import NothingToPlanError, make_plan, read_plan
from tests.writeback.stage import Stage, contact_mapping

ANN, BEN, CAT = "003000000000001AAA", "003000000000002AAA", "003000000000003AAA"

OPENS = "metric: open_count, field: Opens__c, policy: owned"
STATUS = "metric: sequence_status, field: Status__c, policy: owned, default: Active"


def test_i5_only_differences_are_written(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 3.0}, {"Id": BEN, "Opens__c": 4.0}])
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5}, {"crm_id": BEN, "open_count": 4}])
    plan = make_plan(stage.warehouse, contact_mapping(OPENS))
    assert (plan.changed_records, plan.changed_cells, plan.api_calls_estimate) == (1, 1, 4)
    assert plan.decisions == {"unchanged": 1, "write": 1}
    assert stage.rows("select record_id, reason from writeback.changes order by 1") == [
        (ANN, "Salesforce has 3, Touchline computed 5"),
        (BEN, "both have 4"),
    ]


def test_i5_a_plan_without_differences_changes_no_record(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 3.0}])
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 3}])
    plan = make_plan(stage.warehouse, contact_mapping(OPENS))
    assert (plan.changed_records, plan.changed_cells, plan.api_calls_estimate) == (0, 0, 0)


def test_k1_beyond_the_limit_unchanged_cells_are_counted_and_not_listed(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 3.0}, {"Id": BEN, "Opens__c": 4.0}])
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5}, {"crm_id": BEN, "open_count": 4}])
    plan = make_plan(stage.warehouse, contact_mapping(OPENS), unchanged_cells_listed=1)
    assert plan.decisions == {"unchanged": 1, "write": 1}
    assert stage.cells(plan.plan_id).keys() == {(ANN, "Opens__c")}


@pytest.mark.parametrize(
    ("line", "stored", "computed"),
    [
        ("metric: open_count, field: Opens__c, policy: owned", 3.0, {"open_count": 3}),
        ("metric: score, field: Score__c, policy: owned", 1.23, {"score": 1.2349}),
        ("metric: score, field: Score__c, policy: owned", None, {"score": float("nan")}),
        ("metric: first_sequence, field: First__c, policy: owned", None, {"first_sequence": "  "}),
        ("metric: first_sequence, field: First__c, policy: owned", "A", {"first_sequence": "A\n "}),
        ("metric: is_replied, field: Replied__c, policy: owned", False, {"is_replied": False}),
        (
            "metric: clicked_at, field: Clicked__c, policy: owned",
            "2026-10-22T21:03:23.000+0000",
            {"clicked_at": datetime.fromisoformat("2026-10-22T21:03:23.999")},
        ),
    ],
)
def test_i5_values_equal_at_salesforce_precision_are_no_difference(
    stage: Stage, line: str, stored: object, computed: dict[str, object]
) -> None:
    target = contact_mapping(line).target_fields()["Contact"][0]
    stage.snapshot(contacts=[{"Id": ANN, target: stored}])
    stage.metrics(contacts=[{"crm_id": ANN, **computed}])
    assert make_plan(stage.warehouse, contact_mapping(line)).changed_cells == 0


def test_i5_a_plan_that_lists_less_decides_the_same(stage: Stage) -> None:
    texts = [None, "", " ", "Active", " Active", "Active\n", "Nurture", "Finished", "active"]
    pairs = list(product(texts, texts))
    ids = [f"003{number:012}AAA" for number in range(len(pairs))]
    stage.snapshot(
        contacts=[
            {"Id": each, "Status__c": old, "First__c": old}
            for each, (old, _) in zip(ids, pairs, strict=True)
        ]
    )
    stage.metrics(
        contacts=[
            {"crm_id": each, "sequence_status": new, "first_sequence": new}
            for each, (_, new) in zip(ids, pairs, strict=True)
        ]
    )
    line = "metric: first_sequence, field: First__c, policy: owned"
    plans = [
        make_plan(stage.warehouse, contact_mapping(STATUS, line), unchanged_cells_listed=limit)
        for limit in (10_000, 0)
    ]
    assert plans[0].decisions == plans[1].decisions
    assert plans[0].changed_cells > 0


def test_i7_values_are_shown_in_one_canonical_form(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Clicked__c": None, "Replied__c": False, "Score__c": 1.5}])
    moment = datetime.fromisoformat("2026-10-22T21:03:23.400")
    stage.metrics(
        contacts=[{"crm_id": ANN, "clicked_at": moment, "is_replied": True, "score": 2.005}]
    )
    mapping = contact_mapping(
        "metric: clicked_at, field: Clicked__c, policy: owned",
        "metric: is_replied, field: Replied__c, policy: owned",
        "metric: score, field: Score__c, policy: owned",
    )
    plan = make_plan(stage.warehouse, mapping)
    assert stage.cells(plan.plan_id) == {
        (ANN, "Clicked__c"): (None, "2026-10-22T21:03:23Z", "write"),
        (ANN, "Replied__c"): ("false", "true", "write"),
        (ANN, "Score__c"): ("1.50", "2.01", "write"),
    }


def test_i2_fill_blank_writes_only_into_empty_fields(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "First__c": "by hand"}, {"Id": BEN, "First__c": None}])
    stage.metrics(
        contacts=[{"crm_id": ANN, "first_sequence": "S"}, {"crm_id": BEN, "first_sequence": "S"}]
    )
    line = "metric: first_sequence, field: First__c, policy: fill_blank"
    plan = make_plan(stage.warehouse, contact_mapping(line))
    assert stage.cells(plan.plan_id) == {
        (ANN, "First__c"): ("by hand", "S", "kept"),
        (BEN, "First__c"): (None, "S", "write"),
    }
    ((reason,),) = stage.rows("select reason from writeback.changes where decision = 'kept'")
    assert reason == (
        "kept: already filled: Salesforce has by hand, Touchline computed S, "
        "policy fill_blank writes only into empty fields"
    )


def test_i2_opt_out_is_one_way(stage: Stage) -> None:
    stage.snapshot(
        contacts=[
            {"Id": ANN, "HasOptedOutOfEmail": False},
            {"Id": BEN, "HasOptedOutOfEmail": True},
            {"Id": CAT, "HasOptedOutOfEmail": True},
        ]
    )
    stage.metrics(
        contacts=[
            {"crm_id": ANN, "is_opted_out": True},
            {"crm_id": BEN, "is_opted_out": False},
            {"crm_id": CAT, "is_opted_out": True},
        ]
    )
    line = "metric: is_opted_out, field: HasOptedOutOfEmail, policy: opt_out"
    plan = make_plan(stage.warehouse, contact_mapping(line))
    decisions = {key[0]: cell[2] for key, cell in stage.cells(plan.plan_id).items()}
    assert decisions == {ANN: "write", BEN: "kept", CAT: "unchanged"}


def test_i2_never_decrease_keeps_the_higher_count(stage: Stage) -> None:
    stage.snapshot(
        contacts=[
            {"Id": ANN, "Opens__c": 9.0},
            {"Id": BEN, "Opens__c": 2.0},
            {"Id": CAT, "Opens__c": None},
        ]
    )
    stage.metrics(contacts=[{"crm_id": each, "open_count": 4} for each in (ANN, BEN, CAT)])
    line = "metric: open_count, field: Opens__c, policy: never_decrease"
    plan = make_plan(stage.warehouse, contact_mapping(line))
    decisions = {key[0]: cell[2] for key, cell in stage.cells(plan.plan_id).items()}
    assert decisions == {ANN: "kept", BEN: "write", CAT: "write"}


def test_i7_null_clears_only_where_the_mapping_says_so(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 9.0, "First__c": "A"}])
    stage.metrics(contacts=[{"crm_id": ANN}])
    mapping = contact_mapping(
        OPENS, "metric: first_sequence, field: First__c, policy: owned, clears: true"
    )
    plan = make_plan(stage.warehouse, mapping)
    assert stage.cells(plan.plan_id) == {
        (ANN, "Opens__c"): ("9", None, "kept"),
        (ANN, "First__c"): ("A", None, "write"),
    }


def test_i4_a_value_the_picklist_lacks_is_never_sent(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Status__c": None}, {"Id": BEN, "Status__c": "Active"}])
    stage.metrics(
        contacts=[
            {"crm_id": ANN, "sequence_status": "Nurture"},
            {"crm_id": BEN, "sequence_status": "Nurture"},
        ]
    )
    plan = make_plan(stage.warehouse, contact_mapping(STATUS))
    assert stage.cells(plan.plan_id) == {
        (ANN, "Status__c"): (None, "Active", "write"),
        (BEN, "Status__c"): ("Active", "Active", "unchanged"),
    }
    ((reason,),) = stage.rows("select reason from writeback.changes where decision = 'write'")
    assert reason == (
        "Salesforce has nothing, Touchline computed Nurture, which the picklist lacks: "
        "its default Active stands in"
    )


def test_i4_text_and_numbers_that_do_not_fit_are_invalid_and_listed_as_skipped(
    stage: Stage,
) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "First__c": None}, {"Id": BEN, "Score__c": None}])
    stage.metrics(
        contacts=[{"crm_id": ANN, "first_sequence": "x" * 21}, {"crm_id": BEN, "score": 1000.0}]
    )
    mapping = contact_mapping(
        "metric: first_sequence, field: First__c, policy: owned",
        "metric: score, field: Score__c, policy: owned",
    )
    plan = make_plan(stage.warehouse, mapping)
    assert plan.changed_cells == 0
    assert stage.rows("select record_id, reason from writeback.skipped order by 1") == [
        (ANN, "invalid: 21 characters, the field holds 20: make the field longer"),
        (
            BEN,
            "invalid: 1000.00 has more than the 3 digits of the field: give the field more digits",
        ),
    ]


def test_k7_gone_converted_and_doubly_computed_records_are_not_written(stage: Stage) -> None:
    merged = {"Id": ANN, "IsDeleted": True, "MasterRecordId": CAT}
    stage.snapshot(contacts=[merged], leads=[{"Id": "00Q1", "IsConverted": True}, {"Id": "00Q2"}])
    stage.metrics(
        contacts=[{"crm_id": ANN, "open_count": 1}, {"crm_id": BEN, "open_count": 1}],
        leads=[{"crm_id": each, "open_count": 1} for each in ("00Q1", "00Q2", "00Q2")],
    )
    contacts = make_plan(stage.warehouse, contact_mapping(OPENS))
    leads = make_plan(stage.warehouse, contact_mapping(OPENS, name="Lead"))
    assert contacts.changed_cells == leads.changed_cells == 0
    assert stage.rows(
        "select record_id, decision, reason from writeback.changes "
        f"where plan_id = '{leads.plan_id}' order by 1"
    ) == [
        (
            "00Q1",
            "converted",
            "converted lead, its contact is unknown: the next build of the marts follows",
        ),
        *[
            (
                "00Q2",
                "duplicate",
                "computed more than once for this record: mend the model that feeds it",
            )
        ]
        * 2,
    ]


def test_k2_a_newer_plan_supersedes_the_one_that_waits(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 3.0}])
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5}])
    first = make_plan(stage.warehouse, contact_mapping(OPENS))
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 6}])
    second = make_plan(stage.warehouse, contact_mapping(OPENS))
    with stage.warehouse.connect(read_only=True) as connection:
        waiting = read_plan(connection)
        before = read_plan(connection, first.plan_id)
    assert waiting == second
    assert before is not None
    assert before.state == "superseded"
    assert stage.rows("select distinct plan_id from writeback.changes") == [(second.plan_id,)]


def test_k1_a_plan_that_waits_for_approval_stays_while_it_would_write_the_same(
    stage: Stage,
) -> None:
    before = {"Id": ANN, "Opens__c": 3.0, "First__c": None}
    first_sequence = "metric: first_sequence, field: First__c, policy: fill_blank"
    mapping = contact_mapping(OPENS, first_sequence)
    computed = {"crm_id": ANN, "open_count": 5, "first_sequence": None}
    stage.snapshot(contacts=[before])
    stage.metrics(contacts=[computed])
    first = make_plan(stage.warehouse, mapping)
    # Another run: what is to be written is the same, what is kept is not.
    stage.snapshot(contacts=[before | {"First__c": "By hand"}, {"Id": BEN, "Opens__c": 1.0}])
    stage.metrics(contacts=[computed, {"crm_id": BEN, "open_count": 1, "first_sequence": None}])
    second = make_plan(stage.warehouse, mapping)
    assert second.plan_id == first.plan_id
    assert (second.created_at, second.state) == (first.created_at, "planned")
    assert second.snapshot_at > first.snapshot_at
    assert (second.records, second.changed_cells) == (2, 1)
    assert stage.rows("select count(*) from writeback.plans") == [(1,)]
    assert stage.cells(second.plan_id) == {
        (ANN, "Opens__c"): ("3", "5", "write"),
        (ANN, "First__c"): ("By hand", None, "kept"),
        (BEN, "Opens__c"): ("1", "1", "unchanged"),
        (BEN, "First__c"): (None, None, "unchanged"),
    }
    assert second.decisions == {"kept": 1, "unchanged": 2, "write": 1}
    # Another old value, with the same new one, is another plan.
    stage.snapshot(contacts=[before | {"Opens__c": 4.0}])
    assert make_plan(stage.warehouse, mapping).plan_id == "plan-00002"


def test_a_plan_needs_marts_and_a_snapshot(stage: Stage) -> None:
    with pytest.raises(NothingToPlanError, match=r"crm\.contact_fields does not exist"):
        make_plan(stage.warehouse, contact_mapping(OPENS))
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5}])
    with pytest.raises(NothingToPlanError, match="No Salesforce snapshot yet"):
        make_plan(stage.warehouse, contact_mapping(OPENS))
