"""Taking a run back: old values return where the field still holds what the run wrote (K6)."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from orchestration.crm.client import Crm, CrmMissingObjectError, Record
from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.warehouse import Warehouse
from orchestration.writeback import plan_sql
from orchestration.writeback.fates import in_parts, wait_until_visible
from orchestration.writeback.plan import Plan, read_plan
from orchestration.writeback.routes import store_routes
from orchestration.writeback.tables import create_writeback_tables
from orchestration.writeback.undone import Done, still_written
from orchestration.writeback.values import as_text, holds, holds_withheld
from orchestration.writeback.writes import OBJECTS

#: Read where the object has them: what became of the record, and who wrote to it last.
_BESIDE = (
    "MasterRecordId",
    "IsConverted",
    "ConvertedContactId",
    "CreatedById",
    "LastModifiedById",
)

#: People are met in many places that no field of theirs tells of.
_PEOPLE = ("Contact", "Lead")

_UNSETTLED = """
select count(*) filter (outcome is null) > 0 or exists (
    select 1 from writeback.jobs where run_id = $run_id and closed_at is null
)
from writeback.ledger
where run_id = $run_id
"""

#: Of any run: its undo may have been the last to write here. A job goes on writing after its
#: records were sent.
_LAST_WRITE = """
select greatest(max(sent_at), (select max(closed_at) from writeback.jobs)) from writeback.ledger
"""

_OPT_OUTS = "select distinct object, field from writeback.changes where policy = 'opt_out'"

_INSERT_CHANGES = """
insert into writeback.changes
    (plan_id, object, record_id, external_key, field, old_value, new_value, policy, decision,
    reason, operation)
select
    $plan_id, object, record_id, external_key, field, old_value, new_value, 'undo', decision,
    reason, operation
from (
    select unnest(from_json($cells, '[{
        "object": "varchar", "record_id": "varchar", "external_key": "varchar",
        "field": "varchar", "old_value": "varchar", "new_value": "varchar",
        "decision": "varchar", "reason": "varchar", "operation": "varchar"
    }]'), recursive := true)
)
"""

#: An undo that died before it began: what it had read may not be so any more.
_SUPERSEDE_EARLIER = """
update writeback.plans set state = 'superseded' where state = 'planned' and undoes = ?
"""

_AS_UNDO = "update writeback.plans set kind = 'undo', undoes = ? where plan_id = ?"


class NothingToUndoError(RuntimeError):
    """No such run, or it wrote nothing; the message says how to find one."""


class NotSettledError(RuntimeError):
    """Nobody knows yet all that the run wrote; the message says what to do."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell of the undo's plan."""

    object: str
    record_id: str
    external_key: str | None
    field: str
    old_value: str | None
    new_value: str | None
    decision: str
    reason: str
    operation: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the warehouse says beside the ledger: texts of mails, and fields not to take back."""

    texts: Mapping[str, str]
    opt_outs: AbstractSet[tuple[str, str]]


def make_undo_plan(
    warehouse: Warehouse, crm: Crm, run_id: str, *, with_opt_outs: bool = False
) -> Plan:
    """Plan to take back what a run wrote, and nothing else; `apply_plan` carries it out.

    The records are read as they are now. A field that still holds what the run wrote gets its old
    value back; one that somebody changed since is kept, and so is one that a later run wrote to,
    unless that was undone, and an opt-out, but `with_opt_outs`. A record that the run created is
    deleted if nobody touched it since, unless it is a person. What was taken back already is left
    out, so a second undo of the same run changes nothing. Other plans stay as they are until this
    one is written, but for earlier ones to take back the same run.

    Raises:
        NothingToUndoError: no such run.
        NotSettledError: what became of some of its writes is not known: `settle` first.
        CrmError: the records cannot be read; nothing is planned.
    """
    with warehouse.connect() as connection:
        create_writeback_tables(connection)
        done = _written(connection, run_id)
        opt_outs = set() if with_opt_outs else set(connection.execute(_OPT_OUTS).fetchall())
        known = _Known(_texts(connection, done), opt_outs)
        (last_write,) = connection.execute(_LAST_WRITE).fetchone() or (None,)
    if done:
        # What is not shown yet would look as if somebody had taken it back.
        seconds_ago = (datetime.now(UTC).replace(tzinfo=None) - last_write).total_seconds()
        wait_until_visible(max(0.0, seconds_ago))
    # Before the records are read: whatever changes meanwhile is newer than this.
    read_at = (crm.server_time() if done else datetime.now(UTC)).replace(tzinfo=None)
    cells: list[_Cell] = []
    for name in sorted({each.object for each in done}, key=_rank):
        of_object = [each for each in done if each.object == name]
        schema = _describe(crm, name)
        found = _read(crm, schema, of_object) if schema.fields else {}
        for each in of_object:
            cells += _cells(schema, each, found.get(each.record_id), known)
    with warehouse.connect() as connection:
        connection.begin()
        plan_id = _store(connection, run_id, read_at, len(done), cells)
        connection.commit()
        plan = read_plan(connection, plan_id)
    if plan is None:
        raise RuntimeError(f"{plan_id} is gone right after it was made")
    return plan


def drop_plan(warehouse: Warehouse, plan_id: str) -> None:
    """Put a plan aside that was only looked at: it cannot be applied any more."""
    with warehouse.connect() as connection:
        connection.execute(
            "update writeback.plans set state = 'superseded' "
            "where plan_id = ? and state = 'planned'",
            [plan_id],
        )


def _rank(name: str) -> tuple[int, str]:
    return (OBJECTS.index(name) if name in OBJECTS else len(OBJECTS)), name


def _written(connection: DuckDBPyConnection, run_id: str) -> list[Done]:
    (is_unsettled,) = connection.execute(_UNSETTLED, {"run_id": run_id}).fetchone() or (False,)
    if is_unsettled:
        raise NotSettledError(
            f"What became of all that {run_id} sent is not known yet. `touchline apply --resume` "
            f"finds out; then undo it."
        )
    done = still_written(connection, run_id)
    if not done:
        (known,) = connection.execute(
            "select count(*) from writeback.ledger where run_id = ?", [run_id]
        ).fetchone() or (0,)
        if not known:
            raise NothingToUndoError(
                f"No run {run_id} has written anything. `touchline ledger` lists the runs."
            )
    return done


def _texts(connection: DuckDBPyConnection, done: Sequence[Done]) -> dict[str, str]:
    """Return the texts of created mails, as far as the models still have them."""
    keys = [each.external_key for each in done if each.operation == "create" and each.external_key]
    (has_table,) = connection.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'crm' and table_name = 'activities'"
    ).fetchone() or (0,)
    if not keys or not has_table:
        return {}
    return dict(
        connection.execute(
            "select activity_key, any_value(body) from crm.activities "
            "where list_contains(?, activity_key) and body is not null group by 1",
            [keys],
        ).fetchall()
    )


def _describe(crm: Crm, name: str) -> ObjectSchema:
    """Ask afresh: what the snapshot knew of the fields may not be so any more."""
    try:
        return parse_describe(crm.describe(name))
    except CrmMissingObjectError:
        return ObjectSchema(name, {})


def _read(crm: Crm, schema: ObjectSchema, done: Sequence[Done]) -> dict[str, Record]:
    names = {name for each in done for name in each.new_values if name in schema.fields}
    names |= schema.fields.keys() & set(_BESIDE)
    selected = ", ".join(["Id", "IsDeleted", *sorted(names - {"Id"})])
    found: dict[str, Record] = {}
    for ids in in_parts(f"'{each.record_id}'" for each in done):
        soql = f"select {selected} from {schema.name} where Id in ({ids})"
        pages = crm.query(soql, include_deleted=True)
        found.update({record["Id"]: record for page in pages for record in page})
    return found


def _cells(
    schema: ObjectSchema, done: Done, record: Record | None, known: _Known
) -> Iterator[_Cell]:
    """Decide about one record: field by field where it was updated, as a whole else."""
    problem = _problem(record)
    if done.operation == "update" and record is not None and not problem:
        for name, written in done.new_values.items():
            yield _field(schema, done, name, written, record, known)
        return
    if done.operation == "create" and record is not None and not problem:
        decision, reason = _of_created(schema, done, record, known)
    elif done.operation == "delete":
        decision, reason = "kept", "kept: what was deleted is restored in Salesforce's recycle bin"
    else:
        decision, reason = problem or ("stale", "gone")
    names = done.new_values if done.operation == "update" else ("Id",)
    operation = "update" if done.operation == "update" else "delete"
    for name in names:
        old = done.record_id if name == "Id" else done.new_values[name]
        yield _cell(done, operation, name, (old, None), (decision, reason))


def _problem(record: Record | None) -> tuple[str, str] | None:
    if record is None:
        return "stale", "gone from Salesforce, or hidden: left alone"
    if record["IsDeleted"]:
        master = record.get("MasterRecordId")
        merged = f", merged into {master}" if master else ""
        return "stale", f"deleted in Salesforce since{merged}: left alone"
    if record.get("IsConverted"):
        contact = record.get("ConvertedContactId") or "unknown"
        return "converted", f"converted since, its contact is {contact}: left alone"
    return None


def _field(
    schema: ObjectSchema,
    done: Done,
    name: str,
    written: str | None,
    record: Record,
    known: _Known,
) -> _Cell:
    field, old = schema.fields.get(name), done.old_values.get(name)
    if field is None or not field.is_updateable:
        why = "kept: the integration user cannot edit this field any more"
        return _cell(done, "update", name, (written, old), ("kept", why))
    now = as_text(field, record[name])
    shown = now if now is not None else "nothing"
    later = done.later.get(name)
    if later and holds(field, record[name], later.value):
        why = f"kept: run {later.run_id} wrote {shown} since: undo that run first, then this one"
        return _cell(done, "update", name, (now, old), ("kept", why))
    if later and holds(field, record[name], written):
        theirs = later.value if later.value is not None else "nothing"
        why = f"kept: run {later.run_id} wrote {theirs} since, and somebody {shown} after that"
        return _cell(done, "update", name, (now, old), ("kept", why))
    if holds(field, record[name], written):
        if written == "true" and old != "true" and (done.object, name) in known.opt_outs:
            why = "kept: an opt-out is never taken back, but with --with-opt-outs"
            return _cell(done, "update", name, (now, old), ("kept", why))
        why = f"the run wrote {shown} in place of {old if old is not None else 'nothing'}"
        # To the letter: of an undo, `written` has the line ends and the case of what it put back.
        return _cell(done, "update", name, (written, old), ("write", why))
    if holds(field, record[name], old):
        why = f"both have {shown}: somebody took it back already"
        return _cell(done, "update", name, (now, old), ("unchanged", why))
    why = f"kept: Salesforce has {shown}, the run wrote {written}: changed since"
    return _cell(done, "update", name, (now, old), ("kept", why))


def _of_created(schema: ObjectSchema, done: Done, record: Record, known: _Known) -> tuple[str, str]:
    """Delete a record that the run created only if all of it still is as the run made it.

    A later write of our own hides who edited the record before: it is kept then, whatever it is.
    """
    if done.object in _PEOPLE:
        return "kept", "kept: people are never deleted: delete or merge by hand what nobody needs"
    if done.touched_by:
        # Even if that was taken back: who edited the record before is not to be seen any more.
        return "kept", (
            f"kept: run {done.touched_by} wrote to it since, and hides what somebody edited "
            f"before: delete by hand what nobody needs"
        )
    editor = record.get("LastModifiedById")
    if editor and editor != record.get("CreatedById"):
        return "kept", f"kept: user {editor} has edited it since the run created it"
    text = known.texts.get(done.external_key or "")
    changed = [
        name
        for name, written in done.new_values.items()
        if name in schema.fields
        and not holds(schema.fields[name], record[name], written)
        and not holds_withheld(schema.fields[name], record[name], written)
        and not (text and holds(schema.fields[name], record[name], text))
    ]
    if changed:
        return "kept", f"kept: {', '.join(changed)} changed since the run created it"
    return "write", "the run created it, and nobody has changed it since"


def _cell(
    done: Done,
    operation: str,
    name: str,
    values: tuple[str | None, str | None],
    decided: tuple[str, str],
) -> _Cell:
    old, new = values
    decision, reason = decided
    return _Cell(
        done.object,
        done.record_id,
        done.external_key,
        name,
        old,
        new,
        decision,
        reason,
        operation,
    )


def _store(
    connection: DuckDBPyConnection,
    run_id: str,
    read_at: datetime,
    records: int,
    cells: Sequence[_Cell],
) -> str:
    (number,) = connection.execute(plan_sql.NEXT_PLAN_NUMBER).fetchone() or (0,)
    plan_id = f"plan-{number:05d}"
    connection.execute(
        _INSERT_CHANGES,
        {"plan_id": plan_id, "cells": orjson.dumps([asdict(cell) for cell in cells]).decode()},
    )
    connection.execute(plan_sql.COUNT_DECISIONS, {"plan_id": plan_id})
    figures: dict[str, Any] = {
        "plan_id": plan_id,
        "created_at": datetime.now(UTC).replace(tzinfo=None),
        "snapshot_at": read_at,
        "records": records,
        "notes": [f"takes back run {run_id}"],
        "calls": store_routes(connection, plan_id, read_at),
    }
    connection.execute(_SUPERSEDE_EARLIER, [run_id])
    connection.execute(plan_sql.INSERT_PLAN, figures)
    connection.execute(_AS_UNDO, [run_id, plan_id])
    return plan_id
