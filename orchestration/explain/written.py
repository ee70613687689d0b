"""What was planned for the person's records, what was sent, and which values belong there."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from duckdb import DuckDBPyConnection

from orchestration.explain.people import Keys
from orchestration.explain.reading import few, read
from orchestration.explain.story import Attempt, Cell, Planned, Value
from orchestration.writeback.mapping import Mapping
from orchestration.writeback.plan_sql import SOURCES

#: The level of engagement rests on opens and clicks, too.
_TRACKING_METRICS = {
    "open_count", "human_open_count", "click_count", "human_click_count", "clicked_at",
    "engagement_level",
}  # fmt: skip

_HAS_WRITEBACK = """
select count(*) = 3
from duckdb_tables()
where
    schema_name = 'writeback'
    and table_name in ('plans', 'changes', 'ledger')
    and database_name = current_database()
"""

_NEWEST_PLAN = """
select plan_id
from writeback.plans
order by created_at desc, plan_id desc
limit 1
"""

_WANTED = "record_id in (select unnest($records::varchar[]))"

_CELLS = f"""
select
    plans.created_at, changes.plan_id, changes.object, changes.record_id, changes.field,
    changes.old_value, changes.new_value, changes.policy, changes.decision, changes.reason
from {few("writeback.changes", _WANTED)} as changes
inner join writeback.plans as plans on changes.plan_id = plans.plan_id
order by plans.created_at, changes.plan_id, changes.object, changes.record_id, changes.field
"""

_ATTEMPTS = f"""
select
    sent_at, plan_id, run_id, object, record_id, outcome, error_code, error_message,
    error_fields, new_values
from {few("writeback.ledger", _WANTED)}
order by attempt_id
"""

#: What is known of a field that no plan listed.
_NO_CELL = Value(
    field="", metric=None, value=None, decision=None, reason=None, plan_id=None, outcome=None,
    unchanged_since=None,
)  # fmt: skip


def read_writeback(
    connection: DuckDBPyConnection, keys: Keys, hidden: Collection[str]
) -> tuple[list[Planned], list[Attempt]]:
    """Return what plans said of the person's records, and every time that one was sent.

    Before the first plan there is neither. Nothing is told of `hidden` fields.
    """
    ((has_writeback,),) = connection.execute(_HAS_WRITEBACK).fetchall()
    if not (has_writeback and keys.records):
        return [], []
    return _plans(connection, keys, hidden), _attempts(connection, keys, hidden)


def tracking_fields(mapping: Mapping) -> set[str]:
    """Return the fields that say what somebody opened or clicked (D9)."""
    return {
        mapped.field
        for fields in mapping.objects.values()
        for mapped in fields
        if mapped.metric in _TRACKING_METRICS
    }


def _plans(connection: DuckDBPyConnection, keys: Keys, hidden: Collection[str]) -> list[Planned]:
    cells: dict[tuple[datetime, str, str, str], list[Cell]] = defaultdict(list)
    for row in read(connection, _CELLS, records=list(keys.records)):
        if row["field"] in hidden:
            continue
        record = row["created_at"], row["plan_id"], row["object"], row["record_id"]
        cells[record].append(
            Cell(
                field=row["field"],
                old_value=row["old_value"],
                new_value=row["new_value"],
                policy=row["policy"],
                decision=row["decision"],
                reason=row["reason"],
            )
        )
    return [Planned(*record, tuple(listed)) for record, listed in cells.items()]


def _attempts(connection: DuckDBPyConnection, keys: Keys, hidden: Collection[str]) -> list[Attempt]:
    return [
        Attempt(
            at=row["sent_at"],
            plan_id=row["plan_id"],
            run_id=row["run_id"],
            crm_object=row["object"],
            crm_id=row["record_id"],
            outcome=row["outcome"],
            error_code=row["error_code"],
            error_message=row["error_message"],
            error_fields=tuple(row["error_fields"] or ()),
            new_values={
                field: value
                for field, value in json.loads(row["new_values"] or "{}").items()
                if field not in hidden
            },
        )
        for row in read(connection, _ATTEMPTS, records=list(keys.records))
    ]


def values_now(
    connection: DuckDBPyConnection,
    mapping: Mapping,
    crm_object: str,
    crm_id: str,
    plans: Sequence[Planned],
    attempts: Sequence[Attempt],
) -> tuple[Value, ...]:
    """Return the value that the marts compute for each mapped field, beside its newest cell.

    A cell that was listed earlier, and that the newest plan does not list, is unchanged in it.
    """
    rows = read(
        connection, f"select * from {SOURCES[crm_object][0]} where crm_id = $crm_id", crm_id=crm_id
    )
    planned = {value.field: value for value in values_planned(crm_id, plans, attempts)}
    newest = read(connection, _NEWEST_PLAN)[0]["plan_id"] if planned else None
    found = []
    for mapped in mapping.objects.get(crm_object, ()):
        cell = planned.get(mapped.field) or _NO_CELL
        if cell.plan_id not in {None, newest}:
            cell = replace(_NO_CELL, decision="unchanged", unchanged_since=cell.plan_id)
        value = rows[0].get(mapped.column) if rows else None
        found.append(replace(cell, field=mapped.field, metric=mapped.column, value=_text(value)))
    return tuple(found) if rows else ()


def values_planned(
    crm_id: str, plans: Sequence[Planned], attempts: Sequence[Attempt]
) -> tuple[Value, ...]:
    """Return the newest of these plans' cells of each field of a record, and what came of it."""
    outcomes = {
        (each.plan_id, field): each.outcome
        for each in attempts
        if each.crm_id == crm_id
        for field in each.new_values
    }
    newest = {
        cell.field: Value(
            field=cell.field,
            metric=None,
            value=cell.new_value,
            decision=cell.decision,
            reason=cell.reason,
            plan_id=plan.plan_id,
            outcome=outcomes.get((plan.plan_id, cell.field)),
            unchanged_since=None,
        )
        for plan in plans
        if plan.crm_id == crm_id
        for cell in plan.cells
    }
    return tuple(newest[field] for field in sorted(newest))


def _text(value: object) -> str | None:
    """Return a value as plans write it: times in ISO 8601, and true or false."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return f"{value.replace(microsecond=0).isoformat()}Z"
    return str(value).lower() if isinstance(value, bool) else str(value)
