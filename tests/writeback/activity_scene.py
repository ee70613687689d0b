"""A warehouse with mail, follow-ups and campaigns to write, and what Salesforce has of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.crm.snapshot_tables import TABLES, create_snapshot_tables
from orchestration.local_org import describe, schema
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping_sections import Sections
from orchestration.writeback.planners import PlanContext, Planner
from orchestration.writeback.refused_records import block_refused_records
from orchestration.writeback.tables import create_writeback_tables

ANN, BEN = "003000000000001AAA", "003000000000002AAA"
LEA = "00Q000000000001EAA"
REP, GONE = "005000000000001AAA", "005000000000002AAA"
ACCOUNT = "001000000000001AAA"
CAMPAIGN = "701000000000001AAA"

KEY = "Touchline_Key__c"

#: The public columns of the models, with what a literal row leaves out.
_TABLES: Mapping[str, Mapping[str, tuple[str, Any]]] = {
    "crm.activities": {
        "activity_key": ("varchar", "sent m1"),
        "target": ("varchar", "EmailMessage"),
        "crm_object": ("varchar", "Contact"),
        "crm_id": ("varchar", ANN),
        "owner_id": ("varchar", REP),
        "subject": ("varchar", "Hello"),
        "body": ("varchar", "Dear Ann"),
        "is_html": ("boolean", False),
        "from_address": ("varchar", "rep@us.example"),
        "to_address": ("varchar", "ann@acme.example"),
        "message_date": ("timestamp", "2026-10-07 09:30:15.250"),
        "message_on": ("date", "2026-10-07"),
        "status": ("varchar", "Sent"),
        "open_count": ("bigint", 2),
        "click_count": ("bigint", 0),
        "clicked_at": ("timestamp", None),
        "message_id": ("varchar", "m1@us.example"),
        "thread_id": ("varchar", None),
    },
    "crm.tasks": {
        "task_key": ("varchar", "follow-up r1"),
        "kind": ("varchar", "reply"),
        "crm_id": ("varchar", ANN),
        "owner_id": ("varchar", REP),
        "subject": ("varchar", "Answer: Hello"),
        "due_on": ("date", "2026-10-09"),
        "status": ("varchar", "Not Started"),
        "is_recent": ("boolean", True),
        "closed_by": ("varchar", None),
    },
    "crm.campaign_members": {
        "member_key": ("varchar", f"member {CAMPAIGN} {ANN}"),
        "campaign_id": ("varchar", CAMPAIGN),
        "crm_object": ("varchar", "Contact"),
        "crm_id": ("varchar", ANN),
        "status": ("varchar", "Opened"),
    },
    "marts.unmatched_people": {
        "person_email": ("varchar", "new@acme.example"),
        "is_creatable": ("boolean", True),
        "person_name": ("varchar", "Nora New"),
        "company_domain": ("varchar", "acme.example"),
        "owner_id": ("varchar", REP),
        "sequence_name": ("varchar", "Warm introduction"),
        "is_opted_out": ("boolean", False),
    },
}


def schemas(**changed: Mapping[str, Any] | None) -> dict[str, ObjectSchema]:
    """Return the local org's objects; `Task={"createable": False}` changes one, None hides it."""
    found = {}
    for each in schema.load():
        change = changed.get(each.name, {})
        if change is not None:
            found[each.name] = parse_describe(described(each.name) | dict(change))
    return found


def without_field(name: str, field_name: str) -> dict[str, Any]:
    """Return a change of an object's describe that hides a field."""
    fields = described(name)["fields"]
    return {"fields": [each for each in fields if each["name"] != field_name]}


def with_fields(name: str, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a change of an object's describe that changes some of its fields, by their names."""
    fields = described(name)["fields"]
    return {"fields": [each | dict(changes.get(each["name"], {})) for each in fields]}


def described(name: str) -> dict[str, Any]:
    """Return an object's describe as the org gives it."""
    found = schema.load().find(name)
    assert found
    return describe.describe_object(found, "/services/data/v66.0")


@dataclass
class Scene:
    """Sets it in a real DuckDB file, and plans; if `is_live`, the snapshot is taken of an org."""

    warehouse: Warehouse
    is_live: bool = False
    plans: int = 0
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with two contacts, a lead and two users, and nothing to write."""
        with self.warehouse.connect() as connection:
            create_snapshot_tables(connection)
            create_writeback_tables(connection)
            connection.execute("create schema if not exists crm")
            connection.execute("create schema if not exists marts")
            for table, columns in _TABLES.items():
                kinds = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
                connection.execute(f"create table {table} ({kinds})")
        if self.is_live:
            return
        self.stored("Contact", {"Id": ANN, "AccountId": ACCOUNT}, {"Id": BEN})
        self.stored("Lead", {"Id": LEA})
        self.stored("User", {"Id": REP, "IsActive": True}, {"Id": GONE, "IsActive": False})

    def stored(self, name: str, *records: Mapping[str, Any]) -> None:
        """Add versions of records to what the snapshots read."""
        now = datetime.now(UTC).replace(tzinfo=None)
        with self.warehouse.connect() as connection:
            (load,) = connection.execute(
                f"select coalesce(max(load_id), 0) + 1 from {TABLES[name]}"
            ).fetchone() or (1,)
            connection.executemany(
                f"insert into {TABLES[name]} values (?, ?, ?, ?, ?, ?)",
                [
                    [load, now, each["Id"], now, each.get("IsDeleted", False), json.dumps(each)]
                    for each in records
                ],
            )

    def computed(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Replace what the models computed; a row says only what matters."""
        columns = _TABLES[table]
        with self.warehouse.connect() as connection:
            connection.execute(f"delete from {table}")
            for row in rows:
                values = [row.get(name, default) for name, (_, default) in columns.items()]
                marks = ", ".join("?" for _ in columns)
                connection.execute(f"insert into {table} values ({marks})", values)

    def attempted(self, name: str, key: str, outcome: str, **more: Any) -> None:
        """Note an earlier creation in the ledger."""
        with self.warehouse.connect() as connection:
            connection.execute(
                "insert into writeback.ledger (attempt_id, plan_id, run_id, object, record_id, "
                "external_key, sent_at, outcome, operation, error_code, error_message, "
                "is_transient, new_values) values (nextval('writeback.attempt_ids'), 'plan-00000', "
                "'run', ?, ?, ?, now()::timestamp, ?, 'create', ?, ?, false, ?)",
                [
                    *(name, more.get("record_id"), key, outcome),
                    *(more.get("code"), more.get("message"), json.dumps(more.get("values", {}))),
                ],
            )

    def plan(
        self,
        planner: Planner,
        sections: Mapping[str, Any],
        objects: Mapping[str, ObjectSchema] | None = None,
    ) -> dict[tuple[str, str], dict[str, tuple[Any, ...]]]:
        """Run a planner; return (object, key) to field to (value, decision) of a new plan.

        A value that refers to a record of the same plan reads `-> key`.
        """
        self.plans += 1
        context = PlanContext(
            f"plan-{self.plans:05d}",
            datetime.now(UTC).replace(tzinfo=None),
            objects or schemas(),
            Sections.model_validate(sections),
        )
        with self.warehouse.connect() as connection:
            connection.begin()
            planner(connection, context)
            block_refused_records(connection, context.plan_id)
            connection.commit()
        self.notes = context.notes
        found: dict[tuple[str, str], dict[str, tuple[Any, ...]]] = {}
        for name, key, target, value, refers_to, decision in self.rows(
            "select object, coalesce(record_id, external_key), field, new_value, refers_to, "
            f"decision from writeback.changes where plan_id = '{context.plan_id}' order by all"
        ):
            shown = f"-> {refers_to}" if refers_to else value
            found.setdefault((name, key), {})[target] = (shown, decision)
        return found

    def reasons(self) -> list[str]:
        """Return the distinct reasons of the latest plan."""
        return [
            reason
            for (reason,) in self.rows(
                "select distinct reason from writeback.changes "
                f"where plan_id = 'plan-{self.plans:05d}' order by all"
            )
        ]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.warehouse.connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()


def written(
    cells: Mapping[tuple[str, str], Mapping[str, tuple[Any, ...]]],
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return only what is to be written: (object, key) to field to value."""
    found = {
        key: {name: value for name, (value, decision) in fields.items() if decision == "write"}
        for key, fields in cells.items()
    }
    return {key: fields for key, fields in found.items() if fields}


def decisions(
    cells: Mapping[tuple[str, str], Mapping[str, tuple[Any, ...]]],
) -> Sequence[str]:
    """Return the distinct decisions."""
    return sorted({decision for fields in cells.values() for _, decision in fields.values()})
