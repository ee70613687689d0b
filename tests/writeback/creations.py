"""A planner for tests: a task, and a mail with the relation that refers to it, for one contact."""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from orchestration.writeback.planners import PlanContext
from tests.crm.live_org import ANN

MAIL, TASK = "mail-1", "task-1"

CREATIONS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("Task", TASK): {
        "Touchline_Key__c": TASK,
        "WhoId": ANN,
        "Subject": "Call Ann",
        "Status": "Not Started",
    },
    ("EmailMessage", MAIL): {
        "Touchline_Key__c": MAIL,
        "Subject": "Hello",
        "Status": "3",
        "Incoming": "false",
        "MessageDate": "2026-10-22T21:03:23Z",
    },
    ("EmailMessageRelation", f"{MAIL}|ToAddress|{ANN}"): {
        "EmailMessageId": MAIL,
        "RelationType": "ToAddress",
        "RelationId": ANN,
    },
}

_INSERT = """
insert into writeback.changes
    (plan_id, object, external_key, field, new_value, policy, decision, reason, operation,
    refers_to)
values (?, ?, ?, ?, ?, 'owned', 'write', 'to be created', 'create', ?)
"""


def plan_creations(connection: DuckDBPyConnection, context: PlanContext) -> None:
    """Plan what this org has not got yet."""
    (done,) = connection.execute(
        "select count(*) from writeback.ledger where operation = 'create' and outcome = 'written'"
    ).fetchone() or (0,)
    if done:
        return
    insert_creations(connection, context.plan_id, CREATIONS)


def insert_creations(
    connection: DuckDBPyConnection,
    plan_id: str,
    creations: Mapping[tuple[str, str], Mapping[str, str]],
) -> None:
    """Insert one cell per value; the id of a mail is known once the mail is there."""
    for (name, key), values in creations.items():
        for field, value in values.items():
            refers = value if field == "EmailMessageId" else None
            row = [plan_id, name, key, field, None if refers else value, refers]
            connection.execute(_INSERT, row)
