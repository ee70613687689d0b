"""What moved in Salesforce since the snapshot, asked right before the records are written (K2)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestration.crm.client import Crm, Record
from orchestration.crm.schema import ObjectSchema
from orchestration.writeback.ledger import LeftAlone
from orchestration.writeback.values import holds, holds_withheld
from orchestration.writeback.writes import Write

#: Read where the object has them, to say what became of the record.
_MASTER, _CONVERTED, _CONTACT = "MasterRecordId", "IsConverted", "ConvertedContactId"
_MAKER, _EDITOR = "CreatedById", "LastModifiedById"

_NEXT_BUILD = "the next build of the marts follows"
_NEXT_RUN = "taken up with the next run"


def moved_records(crm: Crm, schema: ObjectSchema, writes: Sequence[Write]) -> list[LeftAlone]:
    """Read the records that are about to be written; return those that are not as planned.

    One request, whose address holds the ids: at most 300 of one object (Salesforce takes 16 KiB).

    The fields to be written are read and compared as well: stamps have whole seconds, and an
    edit in the second of the snapshot would not show in them.

    Raises:
        CrmError: no answer; nothing is known about any record.
    """
    ids = ",".join(f"'{write.record_id}'" for write in writes)
    found = _read(crm, schema, writes, f"Id in ({ids})")
    gone = ("stale", f"gone from Salesforce, or hidden: {_NEXT_RUN}")
    return [
        LeftAlone(write.object, write.key, *problem)
        for write in writes
        if (problem := _problem(schema, write, found[write.key]) if write.key in found else gone)
    ]


def moved_since(
    crm: Crm, schema: ObjectSchema, writes: Iterable[Write], since: datetime
) -> list[LeftAlone]:
    """Ask which records changed since the snapshot; return those that are not as planned.

    One query for all of them, however many are to be written: what is not in it has not moved.
    The writes are gone through more than once, and never held all at once.

    Raises:
        CrmError: no answer; nothing is known about any record.
    """
    found = _read(crm, schema, writes, f"SystemModstamp >= {since:%Y-%m-%dT%H:%M:%SZ}")
    return [
        LeftAlone(write.object, write.key, *problem)
        for write in writes
        if write.key in found and (problem := _problem(schema, write, found[write.key]))
    ]


def _read(crm: Crm, schema: ObjectSchema, writes: Iterable[Write], where: str) -> dict[str, Record]:
    fields = {name for write in writes for name in _compared(schema, write)}
    fields |= schema.fields.keys() & {_MASTER, _CONVERTED, _CONTACT, _MAKER, _EDITOR}
    selected = ", ".join(["Id", "IsDeleted", "SystemModstamp", *sorted(fields - {"Id"})])
    pages = crm.query(f"select {selected} from {schema.name} where {where}", include_deleted=True)
    wanted = {write.record_id for write in writes}
    return {record["Id"]: record for page in pages for record in page if record["Id"] in wanted}


def _compared(schema: ObjectSchema, write: Write) -> Iterator[str]:
    """Yield the fields that must still be as the plan found them."""
    if write.operation == "update":
        yield from write.new_values
    else:
        yield from (name for name in write.old_values if name in schema.fields)


def _problem(
    schema: ObjectSchema, write: Write, record: Mapping[str, Any]
) -> tuple[str, str] | None:
    """Return the decision and the reason for a record that is not as planned."""
    if record["IsDeleted"]:
        master = record.get(_MASTER)
        merged = f", merged into {master}" if master else ""
        return "stale", f"deleted in Salesforce since the snapshot{merged}: {_NEXT_BUILD}"
    if record.get(_CONVERTED):
        contact = record.get(_CONTACT) or "unknown"
        return "converted", f"converted since the snapshot, its contact is {contact}: {_NEXT_BUILD}"
    # 2026-10-22T21:03:23.000+0000: Salesforce answers in UTC, always.
    stamp = record["SystemModstamp"][:19]
    if write.operation == "delete" and _is_edited(write, record, stamp):
        return "stale", f"edited since the undo read it, at {stamp}Z: run `touchline undo` again"
    if write.stored_values is None:
        changed = [
            name
            for name in _compared(schema, write)
            if not _still_holds(schema, write, name, record[name])
        ]
        if changed:
            return "stale", f"{', '.join(changed)} was changed in Salesforce meanwhile, at {stamp}Z"
        return None
    as_planned = all(record[name] == write.stored_values[name] for name in write.new_values)
    if stamp != write.stored_stamp or not as_planned:
        return "stale", f"changed in Salesforce since the snapshot, at {stamp}Z: {_NEXT_RUN}"
    return None


def _is_edited(write: Write, record: Mapping[str, Any], stamp: str) -> bool:
    """Whether somebody touched what is to be deleted, in any field, since the undo read it."""
    by_another = record.get(_EDITOR) and record[_EDITOR] != record.get(_MAKER)
    return bool(by_another or (write.stored_stamp and stamp > write.stored_stamp))


def _still_holds(schema: ObjectSchema, write: Write, name: str, found: Any) -> bool:
    text = write.old_values[name]
    if holds(schema.fields[name], found, text):
        return True
    return write.operation == "delete" and holds_withheld(schema.fields[name], found, text)
