"""A warehouse with just what a plan needs: a snapshot, describes, and the marts' metrics."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from orchestration.crm.snapshot_tables import TABLES, create_snapshot_tables
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import Mapping as FieldMappings
from orchestration.writeback.mapping import parse_mapping
from tests.crm.scripted_org import Answer, Asked

METRICS = {"Contact": "crm.contact_fields", "Lead": "crm.lead_fields"}
METRIC_COLUMNS = (
    "crm_id varchar, open_count bigint, human_open_count bigint, click_count bigint, "
    "human_click_count bigint, clicked_at timestamp, is_replied boolean, "
    "last_reply_at timestamp, sequence_status varchar, most_recent_sequence varchar, "
    "most_recent_step_at timestamp, initial_reply_class varchar, latest_reply_class varchar, "
    "initial_reply_tags varchar, latest_reply_tags varchar, first_sequence varchar, "
    "is_opted_out boolean, score double"
)


def field(name: str, type_: str, **more: Any) -> dict[str, Any]:
    """Return a field of a describe, editable unless said otherwise."""
    plain: dict[str, Any] = {
        "name": name,
        "label": name,
        "type": type_,
        "length": 255 if type_ in ("string", "picklist") else 0,
        "precision": 9 if type_ == "double" else 0,
        "scale": 0,
        "picklistValues": [],
        "updateable": True,
        "createable": True,
        "nillable": type_ != "boolean",
        "calculated": False,
        "filterable": True,
    }
    return plain | more


def picklist(name: str, *active: str, inactive: Sequence[str] = ()) -> dict[str, Any]:
    """Return a picklist field with its values."""
    values = [{"value": value, "active": True} for value in active]
    values += [{"value": value, "active": False} for value in inactive]
    return field(name, "picklist", picklistValues=values)


DESCRIBE = (
    field("Id", "id", updateable=False),
    field("Opens__c", "double"),
    field("Score__c", "double", precision=5, scale=2),
    field("Clicked__c", "datetime"),
    field("Replied__c", "boolean"),
    field("First__c", "string", length=20),
    picklist("Status__c", "Active", "Finished", inactive=["Nurture"]),
    field("HasOptedOutOfEmail", "boolean"),
    field("Formula__c", "double", calculated=True, updateable=False),
    field("ReadOnly__c", "string", updateable=False),
    field("Many__c", "multipicklist"),
    field("OwnerId", "reference"),
    field("Campaign__c", "reference", referenceTo=["Campaign"]),
    field("MailingCountry", "string"),
    field("Where__c", "location"),
)


@dataclass(frozen=True)
class Stage:
    """Sets the scene in a real DuckDB file."""

    warehouse: Warehouse

    def snapshot(
        self,
        contacts: Sequence[Mapping[str, Any]] = (),
        leads: Sequence[Mapping[str, Any]] = (),
        describe: Sequence[Mapping[str, Any]] = DESCRIBE,
    ) -> None:
        """Store a snapshot with new versions of these records."""
        now = datetime.now(UTC).replace(tzinfo=None)
        with self.warehouse.connect() as connection:
            create_snapshot_tables(connection)
            (last,) = connection.execute(
                "select coalesce(max(load_id), 0) from raw.salesforce_snapshots"
            ).fetchone() or (0,)
            for name, records in (("Contact", contacts), ("Lead", leads)):
                connection.execute(
                    f"insert into {TABLES[name]} select $load, $now, record ->> '$.Id', $now, "
                    "coalesce((record ->> '$.IsDeleted')::boolean, false), record "
                    "from (select unnest(from_json($records, '[\"json\"]')) as record)",
                    {"load": last + 1, "now": now, "records": json.dumps(records)},
                )
                payload = json.dumps({"name": name, "fields": list(describe)})
                connection.execute(
                    "insert into raw.salesforce_describes select $load, $now, $name, $payload "
                    "where $payload is distinct from (select arg_max(payload, load_id) "
                    "from raw.salesforce_describes where object = $name)",
                    {"load": last + 1, "now": now, "name": name, "payload": payload},
                )
                connection.execute(
                    "insert into raw.salesforce_snapshots values "
                    "(?, ?, 'full', null, ?, 1, ?, ['Id'])",
                    [last + 1, name, now, now],
                )

    def metrics(
        self, contacts: Sequence[Mapping[str, Any]] = (), leads: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Replace what the marts computed."""
        with self.warehouse.connect() as connection:
            for name, records in (("Contact", contacts), ("Lead", leads)):
                connection.execute(f"create or replace table {METRICS[name]} ({METRIC_COLUMNS})")
                for columns in {tuple(record) for record in records}:
                    rows = [record.values() for record in records if tuple(record) == columns]
                    marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(rows))
                    # One statement: DuckDB takes a millisecond for each.
                    connection.execute(
                        f"insert into {METRICS[name]} ({', '.join(columns)}) values {marks}",
                        [value for row in rows for value in row],
                    )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.warehouse.connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def unmoved(self, asked: Asked) -> Answer | None:
        """Answer what is read before a write: limits, describes, and records as they were."""
        if asked.path.endswith(("/limits", "/limits/")):
            return Answer(200, {"DailyApiRequests": {"Max": 15000, "Remaining": 14000}})
        if described := re.search(r"/sobjects/(\w+)/describe", asked.path):
            ((payload,),) = self.rows(
                "select arg_max(payload, load_id) from raw.salesforce_describes "
                f"where object = '{described[1]}'"
            )
            return Answer(200, json.loads(payload))
        soql = parse_qs(urlsplit(asked.path).query).get("q", [""])[0]
        found = re.fullmatch(r"select (.+) from (\w+) where Id in \((.+)\)", soql)
        if not found:
            return None
        fields, name, ids = found.groups()
        versions = self.rows(
            "select record_id, arg_max(is_deleted, load_id), "
            "strftime(arg_max(system_modstamp, load_id), '%Y-%m-%dT%H:%M:%S.000+0000'), "
            f"arg_max(payload, load_id) from {TABLES[name]} where record_id in ({ids}) group by 1"
        )
        records = [
            dict.fromkeys(fields.split(", "))
            | {"attributes": {}}
            | json.loads(payload)
            | {"Id": record_id, "IsDeleted": is_deleted, "SystemModstamp": stamp}
            for record_id, is_deleted, stamp, payload in versions
        ]
        return Answer(200, {"totalSize": len(records), "done": True, "records": records})

    def cells(self, plan_id: str) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Return (record, field) to (old, new, decision) of a plan."""
        rows = self.rows(
            "select record_id, field, old_value, new_value, decision "
            f"from writeback.changes where plan_id = '{plan_id}'"
        )
        return {(row[0], row[1]): row[2:] for row in rows}


def contact_mapping(*lines: str, name: str = "Contact") -> FieldMappings:
    """Return a mapping whose only object has these YAML lines as fields."""
    fields = "\n".join(f"    - {{{line}}}" for line in lines)
    return parse_mapping(f"version: 1\nobjects:\n  {name}:\n{fields}\n", "mapping.yml")
