"""What moved in Salesforce since the snapshot, asked right before the records are written (K2)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestration.crm.client import Crm, Record
from orchestration.crm.schema import ObjectSchema
from orchestration.writeback.ledger import LeftAlone, Write

#: Read where the object has them, to say what became of the record.
_MASTER, _CONVERTED, _CONTACT = "MasterRecordId", "IsConverted", "ConvertedContactId"

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
    fields = {name for write in writes for name in write.new_values}
    fields |= schema.fields.keys() & {_MASTER, _CONVERTED, _CONTACT}
    selected = ", ".join(["Id", "IsDeleted", "SystemModstamp", *sorted(fields)])
    ids = ",".join(f"'{write.record_id}'" for write in writes)
    soql = f"select {selected} from {schema.name} where Id in ({ids})"
    pages = crm.query(soql, include_deleted=True)
    found = {record["Id"]: record for page in pages for record in page}
    return list(_left_alone(writes, found))


def _left_alone(writes: Sequence[Write], found: Mapping[str, Record]) -> Iterator[LeftAlone]:
    for write in writes:
        record = found.get(write.record_id)
        problem = (
            _problem(write, record)
            if record
            else ("stale", f"gone from Salesforce, or hidden: {_NEXT_RUN}")
        )
        if problem:
            yield LeftAlone(write.object, write.record_id, *problem)


def _problem(write: Write, record: Mapping[str, Any]) -> tuple[str, str] | None:
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
    as_planned = all(record[name] == write.stored_values[name] for name in write.new_values)
    if stamp != write.stored_stamp or not as_planned:
        return "stale", f"changed in Salesforce since the snapshot, at {stamp}Z: {_NEXT_RUN}"
    return None
