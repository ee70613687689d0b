"""Values that Salesforce refused for good, and what sets them free again (K5)."""

from orchestration.crm.salesforce import SalesforceCrm
from orchestration.writeback.apply import apply_plan
from tests.crm.scripted_org import Answer, Script
from tests.writeback.scene import ANN, SAVED, plan_for, refused
from tests.writeback.stage import DESCRIBE, Stage, field


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
        "Tried again once the value, a mapped field of the record, or the metadata changes"
    )
    assert plan_for(stage, ANN, opens=6).changed_records == 1
    stage.snapshot(describe=[*DESCRIBE, field("New__c", "string")])
    assert plan_for(stage, ANN).changed_records == 1


def test_k5_only_an_edit_of_mapped_values_by_somebody_else_is_reason_to_try_again(
    stage: Stage, crm: SalesforceCrm, script: Script
) -> None:
    before = {"Id": ANN, "Opens__c": None, "First__c": "A", "Title": "odd"}
    stage.snapshot(contacts=[before])
    plan = plan_for(stage, ANN)
    script.answers = [Answer(200, [refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Opens__c")])]
    apply_plan(stage.warehouse, crm, plan.plan_id, "run")

    # Our own write of the other field makes a new version.
    stage.snapshot()
    script.answers = [Answer(200, [SAVED])]
    apply_plan(stage.warehouse, crm, plan_for(stage, ANN).plan_id, "second")
    ours = before | {"First__c": None}
    stage.snapshot(contacts=[ours])
    assert plan_for(stage, ANN).decisions["blocked"] == 1
    # So does whatever else moves a record's stamp.
    stage.snapshot(contacts=[ours | {"Title": "mended"}])
    assert plan_for(stage, ANN).decisions["blocked"] == 1
    # Another value in a mapped field is not ours.
    stage.snapshot(contacts=[ours | {"First__c": "By hand"}])
    decided = stage.cells(plan_for(stage, ANN).plan_id)
    assert decided[(ANN, "Opens__c")] == (None, "5", "write")


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
    stage.snapshot(contacts=[{"Id": ANN, "First__c": None}])
    third = plan_for(stage, ANN)
    assert third.decisions["blocked"] == 1
