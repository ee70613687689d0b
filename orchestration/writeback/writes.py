"""What a plan sends, record by record: read from the plan into files, and put as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from orchestration.crm.client import Operation
from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.comparison import quoted
from orchestration.writeback.values import as_json, is_length

#: Records that others refer to come before those; what is deleted goes the other way round.
OBJECTS = ("Contact", "Lead", "Task", "EmailMessage", "EmailMessageRelation", "CampaignMember")

#: What is left of a plan: not written, and not refused for good.
_LEFT = """
with done as (

    select object, operation, if(operation = 'create', external_key, record_id) as key
    from writeback.ledger
    where
        plan_id = $plan_id
        and (outcome in ('written', 'undone') or (outcome = 'failed' and not is_transient))

),

left_over as (

    select changes.*, if(operation = 'create', external_key, record_id) as key
    from writeback.changes as changes
    where plan_id = $plan_id and decision = 'write'

),

wanted as (

    select
        object, operation, key,
        any_value(record_id) as record_id,
        any_value(external_key) as external_key,
        list(distinct field order by field) as fields,
        to_json(map_from_entries(list((field, old_value) order by field))) as old_values,
        to_json(map_from_entries(list((field, new_value) order by field))) as new_values,
        to_json(map_from_entries(
            list((field, refers_to) order by field) filter (refers_to is not null)
        )) as refers_to,
        list(field order by field) filter (is_withheld) as withheld,
        any_value(text_hash) as text_hash
    from left_over
    where (object, operation, key) not in (select (object, operation, key) from done)
    group by object, operation, key

)
"""

_GROUPS = f"""
{_LEFT}

select object, operation, count(*), list(distinct name order by name), bool_or(has_withheld)
from (
    select object, operation, key, withheld is not null as has_withheld, unnest(fields) as name
    from wanted
)
group by object, operation
"""

_COUNT_LEFT = f"{_LEFT} select count(*) from wanted"

_EXPORT = """
copy (
    {left}

    select
        wanted.object, wanted.operation, wanted.record_id, wanted.external_key,
        {old_values} as old_values,
        wanted.new_values, wanted.refers_to, wanted.withheld,
        {text} as text,
        {stored_values} as stored_values,
        {stored_stamp} as stored_stamp
    from wanted
    {joins}
    where wanted.object = $object and wanted.operation = $operation
    order by {parent}wanted.key
) to $file (format json)
"""

#: A write locks the record's parent, too: its children stay together, so that as few requests
#: as possible at work at one time want the same one.
_PARENTS = {"Contact": "AccountId"}

#: With what the snapshot holds, to tell right before the write whether the record has moved.
_STORED = """
    {kind} join (
        select
            record_id,
            arg_max(system_modstamp, load_id) as system_modstamp,
            arg_max(payload, load_id) as payload
        from {versions}
        where record_id in (select record_id from wanted)
        group by record_id
    ) as stored on stored.record_id = wanted.record_id
"""

#: What is deleted was created by the run that is taken back: it must still be what that wrote.
_CREATED = """
    left join (
        select record_id, arg_max(new_values, attempt_id) as new_values
        from writeback.ledger
        where
            operation = 'create'
            and outcome = 'written'
            and run_id = (select undoes from writeback.plans where plan_id = $plan_id)
        group by record_id
    ) as created on created.record_id = wanted.record_id
"""

#: When the undo read what it deletes, by the org's clock.
_READ_AT = """(
            select strftime(snapshot_at, '%Y-%m-%dT%H:%M:%S')
            from writeback.plans
            where plan_id = $plan_id
        )"""

_TEXTS = """
    left join (
        select activity_key, any_value(body) as body
        from crm.activities
        where activity_key in (select external_key from wanted)
        group by activity_key
    ) as texts on texts.activity_key = wanted.external_key
"""


@dataclass(frozen=True, slots=True)
class Write:
    """One record's new values, in the plan's canonical text, and those they replace.

    `stored_values` are the latter as the snapshot holds them (JSON values), `stored_stamp` is
    the SystemModstamp of that version, to the second; without a snapshot (an undo) both are None,
    but for what is deleted: then the stamp is when the undo read it.
    `refers_to`: field to the external key of a record that the same plan creates. `texts`:
    withheld values, which go to the CRM and nowhere else; None where the planned text is gone.
    """

    object: str
    operation: Operation
    record_id: str | None
    external_key: str | None
    old_values: Mapping[str, str | None]
    new_values: Mapping[str, str | None]
    stored_values: Mapping[str, Any] | None = None
    stored_stamp: str | None = None
    refers_to: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str | None] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """What the plan knows the record by."""
        return self.record_id or self.external_key or ""

    @property
    def key_field(self) -> str | None:
        """The field that holds a creation's external key; None where the object has none."""
        key = (self.external_key or "").lower()
        names = (name for name, value in self.new_values.items() if (value or "").lower() == key)
        return next(names, None) if key else None

    def safe(self, message: str) -> str:
        """Return what Salesforce said, unless it quotes a withheld text."""
        if self.texts:
            quotes = any(text and text[:20] in message for text in self.texts.values())
        else:
            # Read back from the ledger, which does not have the text: it could be in there.
            quotes = any(is_length(value) for value in self.new_values.values())
        return "(Salesforce's words quote a withheld text)" if quotes else message

    def resolved(self, created: Mapping[str, str]) -> "Write":
        """Return it with the ids of the records that it refers to.

        Raises:
            KeyError: one of them does not exist.
        """
        ids = {name: created[key] for name, key in self.refers_to.items()}
        return replace(self, new_values={**self.new_values, **ids}, refers_to={})

    def as_record(self, schema: ObjectSchema) -> dict[str, Any]:
        """Return the record as the CRM takes it."""
        values = {
            name: as_json(self.texts.get(name, text), schema.fields[name].type)
            for name, text in self.new_values.items()
        }
        return {"Id": self.record_id, **values} if self.operation == "update" else values


@dataclass(frozen=True, slots=True)
class Group:
    """The writes of one object and operation, in a file that needs no warehouse to be read."""

    object: str
    operation: Operation
    records: int
    fields: tuple[str, ...]
    file: Path

    def __iter__(self) -> Iterator[Write]:
        """Yield the writes: by parent where one is locked with them, then by key."""
        with self.file.open("rb") as lines:
            for line in lines:
                yield _write(orjson.loads(line), self.fields)


def export_writes(connection: DuckDBPyConnection, plan_id: str, folder: Path) -> list[Group]:
    """Put what is left of a plan into files, in the order in which it is to be sent."""
    (kind,) = connection.execute(
        "select coalesce(kind, 'sync') from writeback.plans where plan_id = ?", [plan_id]
    ).fetchone() or ("sync",)
    groups = []
    found = connection.execute(_GROUPS, {"plan_id": plan_id}).fetchall()
    for name, operation, _, fields, has_withheld in found:
        file = folder / f"{name}.{operation}.json"
        sql = _export_sql(name, operation, fields, kind, has_withheld=has_withheld)
        values = {"plan_id": plan_id, "object": name, "operation": operation, "file": str(file)}
        (records,) = connection.execute(sql, values).fetchone() or (0,)
        groups.append(Group(name, operation, records, tuple(fields), file))
    return sorted(groups, key=_turn)


def count_left(connection: DuckDBPyConnection, plan_id: str) -> int:
    """Return how many records of a plan are neither written nor refused for good."""
    (count,) = connection.execute(_COUNT_LEFT, {"plan_id": plan_id}).fetchone() or (0,)
    return int(count)


def _export_sql(
    name: str, operation: str, fields: Sequence[str], kind: str, *, has_withheld: bool
) -> str:
    joins, parts = "", {"old_values": "wanted.old_values", "text": "null"}
    parts |= {"stored_values": "null", "stored_stamp": "null", "parent": ""}
    if operation == "update" and name in TABLES:
        # What an undo plans it has read itself: its records may have moved since the snapshot.
        is_undo = kind == "undo"
        joins += _STORED.format(kind="left" if is_undo else "inner", versions=TABLES[name])
        if not is_undo:
            paths = ", ".join(quoted(f"$.{each}") for each in fields)
            parts["stored_values"] = f"json_extract(stored.payload, [{paths}])"
            parts["stored_stamp"] = "strftime(stored.system_modstamp, '%Y-%m-%dT%H:%M:%S')"
        if name in _PARENTS:
            parts["parent"] = f"json_extract_string(stored.payload, '$.{_PARENTS[name]}'), "
    if operation == "delete":
        joins += _CREATED
        parts["old_values"] = "coalesce(created.new_values, wanted.old_values)"
        parts["stored_stamp"] = _READ_AT
    if has_withheld:
        joins += _TEXTS
        # The models may have been built since: another text than the planned one is not sent.
        parts["text"] = "if(coalesce(md5(texts.body) = wanted.text_hash, true), texts.body, null)"
    return _EXPORT.format(left=_LEFT, joins=joins, **parts)


def _turn(group: Group) -> tuple[bool, int, str, str]:
    known = group.object in OBJECTS
    place = OBJECTS.index(group.object) if known else len(OBJECTS)
    is_delete = group.operation == "delete"
    return is_delete, -place if is_delete else place, group.object, group.operation


def _write(row: dict[str, Any], fields: Sequence[str]) -> Write:
    stored = row["stored_values"]
    stored_values = dict(zip(fields, stored, strict=True)) if stored is not None else None
    return Write(
        object=row["object"],
        operation=row["operation"],
        record_id=row["record_id"],
        external_key=row["external_key"],
        old_values=_as_held(row["old_values"], stored_values or {}),
        new_values=row["new_values"] if row["operation"] != "delete" else {},
        stored_values=stored_values,
        stored_stamp=row["stored_stamp"],
        refers_to=row["refers_to"] or {},
        texts=dict.fromkeys(row["withheld"] or (), row["text"]),
    )


def _as_held(values: Mapping[str, str | None], stored: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the old values with the line ends and the case that a plan compares without."""
    return {
        name: held
        if isinstance(held, str) and held.replace("\r", "").lower() == (text or "").lower()
        else text
        for name, text in values.items()
        for held in (stored.get(name),)
    }
