"""Contacts with an owned count and a text: what the tests of apply, sending and plans share."""

import json
from typing import Any

from orchestration.writeback.plan import Plan, make_plan
from tests.crm.scripted_org import Script
from tests.writeback.stage import Stage, contact_mapping

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


def outcomes(stage: Stage) -> list[tuple[Any, ...]]:
    return stage.rows(
        "select record_id, outcome, error_code from writeback.ledger order by attempt_id"
    )


def sent_ids(script: Script) -> list[list[str]]:
    bodies = [json.loads(each.body) for each in script.asked if each.method == "PATCH"]
    return [[record["Id"] for record in body["records"]] for body in bodies]
