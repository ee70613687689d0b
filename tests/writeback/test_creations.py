"""Creations: each made once, whatever is there already, and none without what it needs (K4)."""

from collections.abc import Mapping, Sequence

import pytest
from duckdb import DuckDBPyConnection

from orchestration.crm.client import CrmUnavailableError, Record, RowResult
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback.apply import WritebackReport, apply_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.refusal_codes import Handling
from tests.crm.live_org import ANN, BEN, USER, LiveOrg
from tests.writeback.creations import CREATIONS, MAIL, TASK, insert_creations
from tests.writeback.stage import Stage

MAPPING = load_mapping()
Creations = Mapping[tuple[str, str], Mapping[str, str]]


def create(org: LiveOrg, stage: Stage, creations: Creations, change: str = "") -> WritebackReport:
    """Plan these creations, perhaps change the plan, and carry it out."""

    def planner(connection: DuckDBPyConnection, context: PlanContext) -> None:
        insert_creations(connection, context.plan_id, creations)

    stage.metrics()
    take_snapshot(stage.warehouse, org.crm(), target_fields=MAPPING.target_fields())
    plan = make_plan(stage.warehouse, MAPPING, planners=[planner])
    if change:
        with stage.warehouse.connect() as connection:
            connection.execute(change)
    return apply_plan(stage.warehouse, org.crm(), plan.plan_id, "run", MAPPING)


def test_k4_a_key_that_is_taken_is_a_record_that_exists(org: LiveOrg, stage: Stage) -> None:
    values = CREATIONS["Task", TASK]
    (made,) = org.crm().create_many("Task", [values])
    report = create(org, stage, {("Task", TASK): values})
    assert (report.written, report.failed) == (1, 0)
    assert [each["Id"] for each in org.admin.get("/__admin/records/Task").json()] == [made.id]
    assert stage.rows("select record_id, outcome from writeback.ledger") == [(made.id, "written")]


def test_k4_a_campaign_has_a_member_once(org: LiveOrg, stage: Stage) -> None:
    (campaign,) = org.crm().create_many("Campaign", [{"Name": "Spring", "IsActive": True}])
    members = [
        {"CampaignId": str(campaign.id)[:15], "ContactId": each, "Status": "Sent"}
        for each in (ANN, BEN)
    ]
    (made,) = org.crm().create_many("CampaignMember", members[:1])
    planned = {("CampaignMember", f"spring {each['ContactId']}"): each for each in members}
    report = create(org, stage, planned)
    assert (report.written, report.failed) == (2, 0)
    records = org.admin.get("/__admin/records/CampaignMember").json()
    assert sorted(each["ContactId"] for each in records) == [ANN, BEN]
    ids = {record_id for (record_id,) in stage.rows("select record_id from writeback.ledger")}
    assert made.id in ids


@pytest.mark.parametrize("seconds", [-86_400.0, -300.0, 300.0, 86_400.0])
def test_k4_a_lost_creation_is_ours_however_far_the_clocks_are_apart(
    org: LiveOrg, stage: Stage, seconds: float
) -> None:
    org.rule(clock_skew_seconds=seconds)
    org.arm({"kind": "drop_after", "method": "POST", "path": "/composite/sobjects"})
    report = create(org, stage, {("Task", TASK): CREATIONS["Task", TASK]})
    assert (report.written, report.failed) == (1, 0)
    (task,) = org.admin.get("/__admin/records/Task").json()
    assert stage.rows("select record_id, outcome from writeback.ledger") == [
        (task["Id"], "written")
    ]


def test_k6_what_somebody_else_created_is_not_ours(org: LiveOrg, stage: Stage) -> None:
    """Neither where Salesforce refuses ours as a second one, nor where an answer was lost."""
    (campaign,) = org.crm().create_many("Campaign", [{"Name": "Spring", "IsActive": True}])
    member = {"CampaignId": str(campaign.id), "ContactId": ANN, "Status": "Sent"}
    person = {"Email": "new@x.example", "LastName": "New"}
    made = [
        (name, str(org.crm().create_many(name, [values])[0].id))
        for name, values in (("CampaignMember", member), ("Contact", person))
    ]
    for name, record_id in made:
        org.change(name, record_id, CreatedById=USER, LastModifiedById=USER, force=True)
    planned = {("CampaignMember", "spring"): member, ("Contact", person["Email"]): person}
    org.arm({"kind": "drop_before", "method": "POST", "path": "/composite/sobjects"})
    report = create(org, stage, planned)
    assert (report.written, report.failed) == (0, 2)
    assert stage.rows("select record_id, error_code from writeback.ledger order by object") == [
        (None, "DUPLICATE_VALUE"),
        (None, "OVERTAKEN"),
    ]


def test_k6_an_address_that_salesforce_noted_itself_is_not_the_relation_that_got_lost(
    org: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    relation = {"EmailMessageId": MAIL, "RelationType": "FromAddress", "RelationId": USER}
    relation["RelationAddress"] = "rep@x.example"
    planned = {("EmailMessage", MAIL): CREATIONS["EmailMessage", MAIL]}
    planned["EmailMessageRelation", f"{MAIL} FromAddress"] = relation
    create_many, requests = SalesforceCrm.create_many, list[str]()

    def lose_the_first_relation(
        crm: SalesforceCrm, name: str, records: Sequence[Record]
    ) -> list[RowResult]:
        requests.append(name)
        if requests.count("EmailMessageRelation") != 1 or name == "EmailMessage":
            return create_many(crm, name, records)
        noted = [{**record, "RelationId": None} for record in records]
        create_many(crm, name, noted)
        raise CrmUnavailableError("lost")

    monkeypatch.setattr(SalesforceCrm, "create_many", lose_the_first_relation)
    assert create(org, stage, planned).written == 2
    relations = org.admin.get("/__admin/records/EmailMessageRelation").json()
    assert [each["RelationId"] for each in relations] == [None, USER]
    assert stage.rows(
        "select record_id from writeback.ledger "
        "where object = 'EmailMessageRelation' and outcome = 'written'"
    ) == [(relations[1]["Id"],)]


def test_k4_what_belongs_to_a_mail_that_was_not_created_is_left_alone(
    org: LiveOrg, stage: Stage
) -> None:
    too_long = (
        "update writeback.changes set new_value = repeat('x', 4000) "
        "where object = 'EmailMessage' and field = 'Subject'"
    )
    report = create(org, stage, CREATIONS, too_long)
    assert (report.written, report.failed, report.skipped) == (1, 1, 1)
    assert report.failed_by_code == {"STRING_TOO_LONG": 1}
    ((decision, reason),) = stage.rows(
        "select distinct decision, reason from writeback.changes "
        "where object = 'EmailMessageRelation'"
    )
    assert decision == "stale"
    assert reason == f"{MAIL}, which it belongs to, was not created: with the next run"


def test_a_mail_whose_text_the_models_have_lost_is_left_alone(org: LiveOrg, stage: Stage) -> None:
    with stage.warehouse.connect() as connection:
        connection.execute("create table crm.activities (activity_key varchar, body varchar)")
    withheld = (
        "update writeback.changes set new_value = '12 characters', is_withheld = true "
        "where object = 'EmailMessage' and field = 'Subject'"
    )
    report = create(org, stage, {("EmailMessage", MAIL): CREATIONS["EmailMessage", MAIL]}, withheld)
    assert (report.written, report.skipped) == (0, 1)
    assert org.admin.get("/__admin/records/EmailMessage").json() == []


def test_a_refusal_that_quotes_a_withheld_text_is_not_kept(org: LiveOrg, stage: Stage) -> None:
    with stage.warehouse.connect() as connection:
        connection.execute("create table crm.activities (activity_key varchar, body varchar)")
        connection.execute(
            "insert into crm.activities values (?, repeat('secret words ', 400))", [MAIL]
        )
    withheld = (
        "update writeback.changes set new_value = '5199 characters', is_withheld = true "
        "where object = 'EmailMessage' and field = 'Subject'"
    )
    report = create(org, stage, {("EmailMessage", MAIL): CREATIONS["EmailMessage", MAIL]}, withheld)
    assert report.failed_by_code == {"STRING_TOO_LONG": 1}
    for table in ("ledger", "changes", "skipped"):
        assert "secret" not in str(stage.rows(f"select * from writeback.{table}"))
    assert "secret" not in str(report)


def test_k5_a_value_that_another_record_has_is_told_apart_for_creations_and_updates(
    org: LiveOrg, stage: Stage
) -> None:
    (theirs,) = org.crm().create_many("Task", [CREATIONS["Task", TASK]])
    org.change("Task", str(theirs.id), CreatedById=USER, LastModifiedById=USER, force=True)
    (other,) = org.crm().create_many("Task", [{"Subject": "Other", "Status": "Not Started"}])
    update = (
        "insert into writeback.changes (plan_id, object, record_id, field, new_value, policy, "
        "decision, reason, operation) select distinct plan_id, 'Task', "
        f"'{other.id}', 'Touchline_Key__c', '{TASK}', 'owned', 'write', '', 'update' "
        "from writeback.changes where operation = 'create'"
    )
    report = create(org, stage, {("Task", TASK): CREATIONS["Task", TASK]}, update)
    assert [(each.code, each.records, each.handling) for each in report.refusals] == [
        ("DUPLICATE_VALUE", 1, Handling.EXISTS),
        ("DUPLICATE_VALUE", 1, Handling.RESTS),
    ]
    assert "external id" in report.refusals[1].remedy
