"""The tables that other people rely on: each has at least the columns that were promised."""

import pytest

from orchestration.landing.tables import create_raw_tables
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.tables import create_writeback_tables
from tests.dbt_files import models

#: Metrics of J1; `people` has them all, whichever of them a mapping writes.
J1_METRICS = (
    "open_count human_open_count click_count human_click_count clicked_at is_replied last_reply_at "
    "sequence_status most_recent_sequence most_recent_step_at initial_reply_class "
    "latest_reply_class initial_reply_tags latest_reply_tags is_opted_out"
)

MODELS = {
    "marts.email_events": (
        "event_key message_key enrollment_id sequence_id event_type event_subtype occurred_at "
        "received_at loaded_at recipient_email source provider_event_id url is_tracked_domain ip "
        "user_agent actor actor_rule"
    ),
    "marts.messages": (
        "message_key message_id enrollment_id sequence_id step_number mailbox recipient_email "
        "origin subject sent_at delivered_at open_tracking_enabled click_tracking_enabled "
        "open_count human_open_count machine_open_count unknown_open_count first_opened_at "
        "last_opened_at click_count human_click_count machine_click_count clicked_at "
        "distinct_link_count replied_at bounced_at bounce_type unsubscribed_at complained_at "
        "is_viewed discrepancy_class discrepancy_cause"
    ),
    "marts.replies": (
        "reply_key message_id match message_key enrollment_id mailbox sender_email received_at "
        "is_automated reply_group reply_class classified_by tags"
    ),
    "marts.enrollments": (
        "enrollment_id sequence_id sequence_name person_email mailbox enrolled_at status "
        "status_reason status_at status_event_key last_step_number last_step_at replied_at "
        "initial_reply_class latest_reply_class"
    ),
    "marts.enrollment_status_history": (
        "enrollment_id status status_reason valid_from valid_to event_key"
    ),
    "marts.reply_rates": (
        "slice slice_value denominator replied_count denominator_count reply_rate rate_low "
        "rate_high includes_automated"
    ),
    "marts.open_click_discrepancies": (
        "sequence_id mail_provider discrepancy_class discrepancy_cause message_count share"
    ),
    "marts.tracking_coverage": (
        "stratum stratum_value status tracked_count opened_count clicked_count both_count "
        "readers_estimate coverage_rate coverage_low coverage_high estimated_open_rate "
        "estimated_open_rate_low estimated_open_rate_high"
    ),
    "marts.people": (
        f"crm_object crm_id matched_by owner_id {J1_METRICS} last_email_sent_at "
        "last_email_received_at activities_30d_count"
    ),
    "marts.audience_members": "audience crm_object crm_id metric value",
    "marts.rep_activity": "owner_id week sent delivered viewed clicked replied tasks_open",
    "marts.crm_drift": (
        "crm_object crm_id metric crm_value recomputed_value crm_changed_at crm_changed_by"
    ),
    "marts.unattached_events": "event_key reason",
    "marts.unmatched_people": "person_email reason",
    "crm.contact_fields": f"crm_id {J1_METRICS}",
    "crm.lead_fields": f"crm_id {J1_METRICS}",
    "crm.activities": (
        "activity_key target crm_id owner_id subject body from_address to_address message_date "
        "status open_count click_count clicked_at"
    ),
    "crm.campaign_members": "member_key campaign_id crm_object crm_id status",
    "crm.tasks": "task_key crm_id owner_id subject due_on status",
}

WRITTEN_BY_PYTHON = {
    "raw.loads": "load_id source file bytes rows rejected loaded_at",
    "raw.rejects": "load_id source file line reason payload",
    "writeback.plans": (
        "plan_id created_at snapshot_at state changed_records changed_cells api_calls_estimate"
    ),
    "writeback.changes": (
        "plan_id object record_id external_key field old_value new_value policy decision reason"
    ),
    "writeback.ledger": (
        "plan_id run_id object record_id external_key sent_at outcome error_code error_message "
        "error_fields old_values new_values"
    ),
    "writeback.skipped": "object record_id reason first_seen_at last_seen_at attempts",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse with the tables that Python makes."""
    warehouse = Warehouse(tmp_path_factory.mktemp("tables") / "warehouse.duckdb")
    with warehouse.connect() as connection:
        create_raw_tables(connection)
        create_writeback_tables(connection)
    return warehouse


@pytest.mark.parametrize(("table", "columns"), MODELS.items(), ids=MODELS.keys())
def test_a_model_promises_its_public_columns(table: str, columns: str) -> None:
    room, name = table.split(".")
    model = models()[name]
    assert model.room == room
    assert [column for column in columns.split() if column not in model.columns] == []


@pytest.mark.parametrize(
    ("table", "columns"), WRITTEN_BY_PYTHON.items(), ids=WRITTEN_BY_PYTHON.keys()
)
def test_a_table_of_python_has_its_public_columns(
    warehouse: Warehouse, table: str, columns: str
) -> None:
    with warehouse.connect(read_only=True) as connection:
        made = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
    assert [column for column in columns.split() if column not in made] == []


@pytest.mark.parametrize(("crm_object", "table"), [("Contact", "contact"), ("Lead", "lead")])
def test_every_mapped_metric_is_a_column_that_is_made_for_the_crm(
    crm_object: str, table: str
) -> None:
    metrics = [entry.metric for entry in load_mapping(None).objects[crm_object]]
    columns = models()[f"{table}_fields"].columns
    assert metrics
    assert [metric for metric in metrics if metric not in columns] == []
