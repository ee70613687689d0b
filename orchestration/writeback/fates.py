"""What became of writes whose answer never came: found out by reading, never by repeating (K4)."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

from orchestration.crm.client import Crm, Record
from orchestration.crm.schema import ObjectSchema
from orchestration.writeback.values import ID_LENGTH, ID_TYPES, holds
from orchestration.writeback.writes import Write

#: What the org's clock and ours differ by is known, and may have been something else back then.
CLOCKS_DIFFER = timedelta(minutes=5)

#: They tell our creations from those of others, where the object has them.
_MAKER, _MADE_AT, _DELETED = "CreatedById", "CreatedDate", "IsDeleted"

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


@dataclass(frozen=True, slots=True)
class _Existing:
    """A record that is what a creation was to make; perhaps somebody else made it."""

    record_id: str
    is_ours: bool
    is_deleted: bool


def wait_until_visible(seconds_ago: float) -> None:
    """Wait until Salesforce shows what it took so many seconds ago."""
    time.sleep(max(0.0, SECONDS_UNTIL_VISIBLE - seconds_ago))


def find_fates(
    crm: Crm,
    schema: ObjectSchema,
    writes: Sequence[Write],
    since: datetime,
    seconds_ago: float = 0.0,
    earlier: Collection[str] = (),
) -> list[Fate]:
    """Find out what became of writes that were sent and never answered.

    `since`: when the first of them was sent (UTC); `seconds_ago`: how old the last one
    is; `earlier`: ids of records that other attempts made under the same keys. What has not
    arrived is looked for once more after a longer wait: a request that timed out may still be at
    work.

    Raises:
        CrmError: no answer; nothing is known about any of them.
    """
    wait_until_visible(seconds_ago)
    found = read_fates(crm, schema, writes, since, earlier)
    if any(fate.state == "untouched" for fate in found):
        time.sleep(max(0.0, 3 * SECONDS_UNTIL_VISIBLE - seconds_ago))
        found = read_fates(crm, schema, writes, since, earlier)
    return found


def read_fates(
    crm: Crm,
    schema: ObjectSchema,
    writes: Sequence[Write],
    since: datetime,
    earlier: Collection[str] = (),
) -> list[Fate]:
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
        known = _existing(crm, schema, writes, since, earlier)
        return [_fate_of_creation(known.get(write.key)) for write in writes]
    fields = sorted({name for write in writes for name in write.new_values} - {"Id"})
    found: dict[str, Record] = {}
    for part in in_parts(f"'{write.record_id}'" for write in writes):
        selected = ", ".join(["Id", "IsDeleted", *fields])
        soql = f"select {selected} from {schema.name} where Id in ({part})"
        pages = crm.query(soql, include_deleted=True)
        found.update({record["Id"]: record for page in pages for record in page})
    return [_fate(schema, write, found.get(write.key)) for write in writes]


def created_by_us(
    crm: Crm, schema: ObjectSchema, writes: Sequence[Write], since: datetime
) -> dict[str, str]:
    """Return key to id of those creations whose record we have made since then.

    A record that somebody else made is not ours, whatever it has in common with the one that was
    to be created: an undo would delete it.

    Raises:
        CrmError: no answer.
    """
    found = _existing(crm, schema, writes, since, ())
    return {
        key: each.record_id for key, each in found.items() if each.is_ours and not each.is_deleted
    }


def _existing(
    crm: Crm,
    schema: ObjectSchema,
    writes: Sequence[Write],
    since: datetime,
    earlier: Collection[str],
) -> dict[str, _Existing]:
    if not writes:
        return {}
    key_field = writes[0].key_field
    fixed, either = ((key_field,), ()) if key_field else IDENTITIES.get(schema.name, ((), ()))
    if not fixed:
        return {}
    # By the first name, which is never null, and narrowed down to the whole identity here. Whoever
    # is named by an id is known by that alone: Salesforce notes the address of a mail by itself.
    keys = {
        identity: write.key
        for write in writes
        for identity in islice(_identities(schema, fixed, either, write.new_values), 1)
    }
    names = [*fixed, *(name for name in either if name in schema.fields)]
    beside = schema.fields.keys() & {_MAKER, _MADE_AT, _DELETED}
    selected = ", ".join(["Id", *names, *sorted(beside - set(names))])
    known: dict[str, _Existing] = {}
    for part in in_parts(_literal(write.new_values[fixed[0]]) for write in writes):
        soql = f"select {selected} from {schema.name} where {fixed[0]} in ({part})"
        # One that somebody has deleted since was made all the same: it is not made again (K4).
        for page in crm.query(soql, include_deleted=_DELETED in beside):
            since_there = _by_its_clock(crm, since)
            for record in page:
                is_deleted = bool(record.get(_DELETED))
                each = _Existing(record["Id"], _is_ours(crm, record, since_there), is_deleted)
                if is_deleted and (not each.is_ours or each.record_id in earlier):
                    continue
                for identity in _identities(schema, fixed, either, record):
                    key = keys.get(identity)
                    if key and (key not in known or _rank(each) > _rank(known[key])):
                        known[key] = each
    return known


def _rank(found: _Existing) -> tuple[bool, bool]:
    return found.is_ours, not found.is_deleted


def _by_its_clock(crm: Crm, moment: datetime) -> datetime:
    """Return a moment of ours (UTC) as the org's clock told it: either may be off by far."""
    return moment + (crm.server_time() - datetime.now(UTC))


def _is_ours(crm: Crm, record: Record, since: datetime) -> bool:
    """Whether our login made the record, not before we asked for it, by the org's clock."""
    maker, made_at = record.get(_MAKER), record.get(_MADE_AT)
    if maker and maker[:ID_LENGTH] != crm.user_id[:ID_LENGTH]:
        return False
    # 2026-10-22T21:03:23.000+0000: Salesforce answers in UTC, always.
    return not made_at or datetime.fromisoformat(made_at[:19]) >= since - CLOCKS_DIFFER


def _fate_of_creation(found: _Existing | None) -> Fate:
    if found is None:
        return Fate("untouched")
    if found.is_ours:
        return Fate("arrived", found.record_id)
    return Fate("overtaken", reason=f"somebody else created it meanwhile, as {found.record_id}")


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
    if _shows(schema, record, write):
        return Fate("arrived", write.record_id)
    return Fate("overtaken", reason="somebody else changed it meanwhile")


def _shows(schema: ObjectSchema, record: Record, write: Write) -> bool:
    """Whether a field tells that the update arrived, though somebody changed others since.

    An update is taken as a whole. A tick, or nothing, comes about by hand as well.
    """
    return any(
        text is not None
        and schema.fields[name].type != "boolean"
        and holds(schema.fields[name], record[name], text)
        and not holds(schema.fields[name], record[name], write.old_values.get(name))
        for name, text in write.new_values.items()
    )


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
