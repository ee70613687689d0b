"""Planners beside that of the mapped fields: records that are yet to be created (J2, H5)."""

from datetime import UTC, datetime, timedelta

import pytest
from duckdb import DuckDBPyConnection

from orchestration.writeback.plan import Plan, make_plan
from orchestration.writeback.planners import PlanContext
from tests.writeback.stage import Stage, contact_mapping

ANN = "003000000000001AAA"
OPENS = "metric: open_count, field: Opens__c, policy: owned"

_CELL = """
insert into writeback.changes
    (plan_id, object, external_key, field, new_value, policy, decision, reason, operation,
    refers_to)
values (?, ?, ?, ?, ?, 'owned', ?, 'not logged yet', 'create', ?)
"""


def _log_a_mail(connection: DuckDBPyConnection, context: PlanContext) -> None:
    cells = [
        ("EmailMessage", "mail-1", "Subject", "Hello", "write", None),
        ("EmailMessage", "mail-1", "Status", "3", "write", None),
        ("EmailMessage", "mail-2", "Subject", "x" * 300, "invalid", None),
        ("EmailMessageRelation", "mail-1 to", "EmailMessageId", None, "write", "mail-1"),
    ]
    connection.executemany(_CELL, [[context.plan_id, *cell] for cell in cells])
    context.notes.append("mail-2 is too long")


def _plan(stage: Stage) -> Plan:
    return make_plan(stage.warehouse, contact_mapping(OPENS), planners=[_log_a_mail])


def _stage_ann(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": ANN, "Opens__c": 3.0}])
    stage.metrics(contacts=[{"crm_id": ANN, "open_count": 5}])


def test_j2_records_to_create_count_by_their_external_key(stage: Stage) -> None:
    _stage_ann(stage)
    plan = _plan(stage)
    assert (plan.changed_records, plan.changed_cells) == (3, 4)
    assert plan.decisions == {"invalid": 1, "write": 4}
    assert plan.notes == ("mail-2 is too long",)


def test_k5_a_creation_that_cannot_be_made_is_skipped_under_its_key(stage: Stage) -> None:
    _stage_ann(stage)
    _plan(stage)
    assert stage.rows("select object, record_id, reason from writeback.skipped") == [
        ("EmailMessage", "mail-2", "invalid: not logged yet")
    ]
    make_plan(stage.warehouse, contact_mapping(OPENS), planners=[])
    assert stage.rows("select count(*) from writeback.skipped") == [(0,)]


def test_k1_a_waiting_plan_is_another_one_when_other_records_would_be_created(
    stage: Stage,
) -> None:
    _stage_ann(stage)
    first = _plan(stage)
    assert _plan(stage).plan_id == first.plan_id
    assert make_plan(stage.warehouse, contact_mapping(OPENS), planners=[]).plan_id != first.plan_id


_ATTEMPT = """
insert into writeback.ledger
    (attempt_id, plan_id, run_id, object, external_key, sent_at, outcome, error_code,
    error_message, is_transient, new_values, operation)
values (nextval('writeback.attempt_ids'), 'plan-0', 'run', 'EmailMessage', 'mail-1', ?, 'failed',
    'INVALID_STATUS', 'so it is', ?, ?, 'create')
"""


@pytest.mark.parametrize(
    ("values", "is_transient", "decision"),
    [
        ('{"Subject": "Hello", "Status": "3"}', False, "blocked"),
        ('{"Subject": "Hello", "Status": "1"}', False, "write"),
        ('{"Subject": "Hello", "Status": "3"}', True, "write"),
    ],
)
def test_k5_a_record_that_was_refused_for_good_rests_until_a_value_changes(
    stage: Stage, values: str, is_transient: bool, decision: str
) -> None:
    _stage_ann(stage)
    _plan(stage)
    with stage.warehouse.connect() as connection:
        connection.execute(_ATTEMPT, [datetime.now(UTC), is_transient, values])
    plan = _plan(stage)
    assert stage.rows(
        "select distinct decision from writeback.changes "
        f"where plan_id = '{plan.plan_id}' and external_key = 'mail-1'"
    ) == [(decision,)]


def test_k5_a_record_that_was_refused_is_tried_again_when_the_metadata_changes(
    stage: Stage,
) -> None:
    _stage_ann(stage)
    _plan(stage)
    with stage.warehouse.connect() as connection:
        connection.execute(_ATTEMPT, [datetime.now(UTC), False, '{"Subject": "Hello"}'])
        connection.execute(
            "insert into raw.salesforce_describes values (9, ?, 'EmailMessage', ?)",
            [datetime.now(UTC) + timedelta(seconds=1), '{"name": "EmailMessage", "fields": []}'],
        )
    assert _plan(stage).decisions["write"] == 4
