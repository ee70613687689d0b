"""What became of writes whose answer never came: found out by reading, never by repeating (K4)."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestration.crm.client import Crm, Record
from orchestration.crm.schema import ObjectSchema
from orchestration.writeback.values import ID_LENGTH, ID_TYPES, holds
from orchestration.writeback.writes import Write

#: Salesforce shows what it took a moment later: so long a lost write is left to appear.
SECONDS_UNTIL_VISIBLE = 5.0

#: Records per question; the address of a request takes 16 KiB, and keys are long.
_ROWS, _BYTES = 200, 8_000

#: What identifies a record of an object that has no field for an external key: all of the first
#: fields, and one of the second.
IDENTITIES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "EmailMessageRelation": (("EmailMessageId", "RelationType"), ("RelationId", "RelationAddress")),
    "CampaignMember": (("CampaignId",), ("ContactId", "LeadId")),
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What a read says about a write: all of it is there, nothing of it, or something else."""

    state: Literal["arrived", "untouched", "overtaken"]
    record_id: str | None = None
    reason: str = ""


def find_fates(
    crm: Crm, schema: ObjectSchema, writes: Sequence[Write], seconds_ago: float = 0.0
) -> list[Fate]:
    """Find out what became of writes that were sent so long ago and never answered.

    What has not arrived is looked for once more after a longer wait: a request that timed out
    may still be at work.

    Raises:
        CrmError: no answer; nothing is known about any of them.
    """
    time.sleep(max(0.0, SECONDS_UNTIL_VISIBLE - seconds_ago))
    found = read_fates(crm, schema, writes)
    if any(fate.state == "untouched" for fate in found):
        time.sleep(max(0.0, 3 * SECONDS_UNTIL_VISIBLE - seconds_ago))
        found = read_fates(crm, schema, writes)
    return found


def read_fates(crm: Crm, schema: ObjectSchema, writes: Sequence[Write]) -> list[Fate]:
    """Read the records of these writes (one object, one operation); return a fate for each.

    Raises:
        CrmError: no answer; nothing is known about any of them.
    """
    if not writes:
        return []
    if writes[0].operation == "create":
        if writes[0].key_field is None and schema.name not in IDENTITIES:
            # Created again, it might be there twice: rather once too few.
            return [Fate("overtaken", reason="nothing tells whether it was created")] * len(writes)
        known = existing(crm, schema, writes)
        return [
            Fate("arrived", known[write.key]) if write.key in known else Fate("untouched")
            for write in writes
        ]
    fields = sorted({name for write in writes for name in write.new_values} - {"Id"})
    found: dict[str, Record] = {}
    for part in in_parts(f"'{write.record_id}'" for write in writes):
        selected = ", ".join(["Id", "IsDeleted", *fields])
        soql = f"select {selected} from {schema.name} where Id in ({part})"
        pages = crm.query(soql, include_deleted=True)
        found.update({record["Id"]: record for page in pages for record in page})
    return [_fate(schema, write, found.get(write.key)) for write in writes]


def existing(crm: Crm, schema: ObjectSchema, writes: Sequence[Write]) -> dict[str, str]:
    """Return key to id of those creations whose record is in the CRM.

    Raises:
        CrmError: no answer.
    """
    if not writes:
        return {}
    key_field = writes[0].key_field
    fixed, either = ((key_field,), ()) if key_field else IDENTITIES.get(schema.name, ((), ()))
    if not fixed:
        return {}
    # By the first name, which is never null, and narrowed down to the whole identity here.
    keys = {
        identity: write.key
        for write in writes
        for identity in _identities(schema, fixed, either, write.new_values)
    }
    names = [*fixed, *(name for name in either if name in schema.fields)]
    known: dict[str, str] = {}
    for part in in_parts(_literal(write.new_values[fixed[0]]) for write in writes):
        soql = f"select {', '.join(['Id', *names])} from {schema.name} where {fixed[0]} in ({part})"
        for page in crm.query(soql):
            for record in page:
                for identity in _identities(schema, fixed, either, record):
                    if identity in keys:
                        known.setdefault(keys[identity], record["Id"])
    return known


def _identities(
    schema: ObjectSchema,
    fixed: Sequence[str],
    either: Sequence[str],
    values: Mapping[str, Any],
) -> Iterator[tuple[str | None, ...]]:
    """Yield what the record may be known by: one tuple for each of the fields of `either`."""

    def comparable(name: str) -> str | None:
        value = values.get(name)
        if not value:
            return None
        # Salesforce compares external keys and addresses in any case; ids are exact.
        is_id = schema.fields[name].type in ID_TYPES
        return str(value)[:ID_LENGTH] if is_id else str(value).lower()

    known_by = tuple(comparable(name) for name in fixed)
    others = [(name, comparable(name)) for name in either if name in schema.fields]
    if not either:
        yield known_by
    yield from ((*known_by, name, value) for name, value in others if value)


def _fate(schema: ObjectSchema, write: Write, record: Record | None) -> Fate:
    if write.operation == "delete":
        gone = record is None or record["IsDeleted"]
        return Fate("arrived", write.record_id) if gone else Fate("untouched")
    if record is None or record["IsDeleted"]:
        return Fate("overtaken", reason="deleted in Salesforce meanwhile")
    if _holds_all(schema, record, write.new_values):
        return Fate("arrived", write.record_id)
    if _holds_all(schema, record, write.old_values):
        return Fate("untouched")
    return Fate("overtaken", reason="somebody else changed it meanwhile")


def _holds_all(schema: ObjectSchema, record: Record, values: Mapping[str, str | None]) -> bool:
    return all(holds(schema.fields[name], record[name], text) for name, text in values.items())


def in_parts(literals: Iterable[str]) -> Iterator[str]:
    """Yield lists of distinct literals that fit into one request's address each."""
    part: dict[str, None] = {}
    size = 0
    for text in literals:
        if text in part:
            continue
        if len(part) == _ROWS or size + 2 * len(text) > _BYTES:
            yield ",".join(part)
            part, size = {}, 0
        part[text] = None
        size += 2 * len(text)
    if part:
        yield ",".join(part)


def _literal(value: str | None) -> str:
    escaped = (value or "").replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
