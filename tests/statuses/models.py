"""Models as dbt compiles them, over tables that a test fills by hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt_command import DBT_PROJECT

Row = Mapping[str, Any]

#: What the models of statuses read of each table.
COLUMNS = {
    "int_sequences__enrollments": "platform varchar, enrollment_id varchar, sequence_id varchar, "
    "sequence_name varchar, person_id varchar, person_email varchar, crm_record_id varchar, "
    "mailbox varchar, platform_state varchar, state_reason varchar, state_since timestamp, "
    "is_sequence_paused boolean, is_mailbox_paused boolean, is_paused boolean, "
    "is_blocked boolean, is_bounced boolean, is_canceled boolean, is_excluded boolean, "
    "is_opted_out boolean, is_replied boolean, bounced_at timestamp, opted_out_at timestamp, "
    "reply_received_at timestamp, reply_labels varchar, created_at timestamp, "
    "updated_at timestamp, started_at timestamp, ended_at timestamp, version_text varchar, "
    "loaded_at timestamp, source_file varchar, source_line integer",
    "int_messages__outbound": "enrollment_id varchar, message_key varchar, sent_at timestamp",
    "int_events__attached": "enrollment_id varchar, message_key varchar, event_key varchar, "
    "event_type varchar, event_subtype varchar, occurred_at timestamp",
    "int_inbound_events": "enrollment_id varchar, message_key varchar, event_key varchar, "
    "event_type varchar, event_subtype varchar, occurred_at timestamp, match varchar, "
    "reply_class varchar",
    "int_people__opt_outs": "person_key varchar, enrollment_id varchar, status varchar, "
    "reason varchar, occurred_at timestamp, event_key varchar, resubscribed_at timestamp",
    "int_enrollments__people": "enrollment_id varchar, person_key varchar",
    "int_enrollments__status_facts": "enrollment_id varchar, status varchar, reason varchar, "
    "caused_by varchar, starts_at timestamp, ends_at timestamp, message_key varchar, "
    "event_key varchar",
    "status_plays": "priority integer, status varchar, reply_class varchar, "
    "reply_group varchar, sequence_id varchar, crm_value varchar",
    "enrollments": "enrollment_id varchar, sequence_id varchar, status varchar",
}
_MARTS = {"enrollments", "enrollment_status_history"}


class Models:
    """A database in memory, and compiled models to build in it."""

    def __init__(self, compiled: Path) -> None:
        self._sql = {
            path.stem: path.read_text(encoding="utf-8") for path in compiled.rglob("*.sql")
        }
        self._connection = duckdb.connect()
        self._connection.execute("attach ':memory:' as warehouse")
        for schema in ("intermediate", "marts"):
            self._connection.execute(f"create schema warehouse.{schema}")

    def fill(self, name: str, rows: Iterable[Row]) -> None:
        """Put these rows into a table, in this order, and nothing else."""
        columns = COLUMNS[name]
        names = [column.split()[0] for column in columns.split(", ")]
        self._connection.execute(f"create or replace table {_table(name)} ({columns})")
        values = [[row.get(column) for column in names] for row in rows]
        if values:
            places = ", ".join(f"({', '.join('?' * len(names))})" for _ in values)
            self._connection.execute(
                f"insert into {_table(name)} values {places}",
                [value for row in values for value in row],
            )

    def seed(self, *names: str) -> None:
        """Fill seeds as they are in the project."""
        for name in names:
            path = DBT_PROJECT / "seeds" / f"{name}.csv"
            self._connection.execute(
                f"create or replace table {_table(name)} as select * from read_csv('{path}')"
            )

    def build(self, *names: str) -> None:
        """Build models from the tables that there are."""
        for name in names:
            self._connection.execute(f"create or replace table {_table(name)} as {self._sql[name]}")

    def rows(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Return what is in a table, or what a test finds, in order."""
        source = f"({self._sql[name]})" if name not in self._built() else _table(name)
        return self._connection.execute(
            f"select {columns} from {source} as found order by all"
        ).fetchall()

    def _built(self) -> set[str]:
        found = self._connection.execute(
            "select table_name from duckdb_tables() where database_name = 'warehouse'"
        ).fetchall()
        return {name for (name,) in found}


def _table(name: str) -> str:
    return f"warehouse.{'marts' if name in _MARTS else 'intermediate'}.{name}"
