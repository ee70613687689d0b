"""Salesforce snapshots: the org's records into append-only raw tables, by version (A7)."""

import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from orchestration.crm.client import CallCounts, Crm, CrmMissingObjectError
from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.crm.snapshot_tables import (
    EARLIER_SNAPSHOTS,
    INSERT_DESCRIBE,
    INSERT_VANISHED,
    INSERT_VERSIONS,
    LATEST_DESCRIBES,
    TABLES,
    create_snapshot_tables,
)
from orchestration.warehouse import Warehouse

#: Salesforce shows changes seconds late, so every incremental read looks back a little.
OVERLAP = timedelta(minutes=5)

OBJECTS = tuple(TABLES)

#: Without these there is nobody to write to; of the others an org may have what it likes.
_PEOPLE = frozenset({"Contact", "Lead"})

_STAMPS = (
    "Id",
    "IsDeleted",
    "CreatedById",
    "CreatedDate",
    "LastModifiedById",
    "LastModifiedDate",
    "SystemModstamp",
)
_PERSON = (
    "MasterRecordId",
    "FirstName",
    "LastName",
    "Email",
    "EmailBouncedReason",
    "EmailBouncedDate",
    "HasOptedOutOfEmail",
    "IndividualId",
    "OwnerId",
    "LastActivityDate",
)

#: What the pipeline reads, per object; fields that the org has not, or hides, are left out.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "Contact": (*_STAMPS, *_PERSON, "AccountId", "Title"),
    "Lead": (
        *_STAMPS,
        *_PERSON,
        "Company",
        "Status",
        "IsConverted",
        "ConvertedContactId",
        "ConvertedAccountId",
        "ConvertedDate",
    ),
    "User": (*_STAMPS, "Name", "Username", "Email", "IsActive"),
    "Task": (
        *_STAMPS,
        *("WhoId", "WhatId", "OwnerId", "Subject", "Status", "ActivityDate", "TaskSubtype"),
        *("IsClosed", "IsArchived", "CompletedDateTime"),
    ),
    "EmailMessage": (
        *_STAMPS,
        *("ParentId", "ActivityId", "RelatedToId", "Subject", "FromAddress", "ToAddress"),
        *("MessageDate", "MessageIdentifier", "ThreadIdentifier", "Incoming", "Status"),
        *("IsTracked", "IsOpened", "FirstOpenedDate", "LastOpenedDate", "IsBounced"),
    ),
    "EmailMessageRelation": (
        *_STAMPS,
        *("EmailMessageId", "RelationId", "RelationType", "RelationAddress"),
    ),
    "CampaignMember": (
        *_STAMPS,
        *("CampaignId", "ContactId", "LeadId", "Status", "HasResponded", "FirstRespondedDate"),
    ),
    "Individual": (*_STAMPS, "HasOptedOutTracking", "HasOptedOutProfiling"),
}


@dataclass(frozen=True, slots=True)
class ObjectSnapshot:
    """One object's part of a snapshot; `mode` is `full` or `incremental`.

    `until` is the org's clock just before the read: whatever was changed earlier is in it.
    """

    object: str
    mode: str
    since: datetime | None
    until: datetime
    read: int
    new_versions: int


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """What a snapshot read. `missing`: objects that this org has not, or hides."""

    load_id: int
    objects: tuple[ObjectSnapshot, ...]
    missing: tuple[str, ...]
    calls: CallCounts
    seconds: float

    @property
    def read(self) -> int:
        """Records read, unchanged ones from the overlap included."""
        return sum(snapshot.read for snapshot in self.objects)

    @property
    def new_versions(self) -> int:
        """Record versions never seen before, and so appended."""
        return sum(snapshot.new_versions for snapshot in self.objects)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The object's previous snapshot: how far it reached and which fields it read."""

    until: datetime
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class _ObjectRead:
    """One object as read over HTTP, waiting in a file for its turn at the warehouse."""

    object: str
    describe: dict[str, Any]
    fields: list[str]
    since: datetime | None
    until: datetime
    read: int
    file: Path


def take_snapshot(
    warehouse: Warehouse,
    crm: Crm,
    objects: Sequence[str] = OBJECTS,
    target_fields: Mapping[str, Collection[str]] | None = None,
) -> SnapshotReport:
    """Read what changed in the org into `raw.salesforce_*`; all of it, or nothing.

    The first snapshot of an object is full; later ones take what changed since, by
    `SystemModstamp` with `OVERLAP`, deleted and merged records included. When more fields are
    to be read than last time (a new mapping), the object is read in full again. Records go to
    temporary files first: no warehouse connection is open while the org is asked.

    `target_fields` adds the mapping's fields per object (`Mapping.target_fields()`). Objects
    that the org does not have are reported as missing. `raw.loads` and `raw.load_ids` must
    exist (`landing` creates them).

    Raises:
        CrmMissingObjectError: it is contacts or leads that are missing, and they are mapped.
    """
    started, calls_before = time.monotonic(), crm.calls
    # From here on, not from the end: a write sent while we read may or may not be in what we
    # read, so it must count as later than the snapshot (K2).
    loaded_at = datetime.now(UTC).replace(tzinfo=None)
    with warehouse.connect() as connection:
        create_snapshot_tables(connection)
        earlier = _earlier_snapshots(connection)
    reads: list[_ObjectRead] = []
    missing: list[str] = []
    with tempfile.TemporaryDirectory(prefix="touchline-snapshot-") as folder:
        for name in objects:
            try:
                describe = crm.describe(name)
            except CrmMissingObjectError as error:
                if name in _PEOPLE and name in (target_fields or {}):
                    raise CrmMissingObjectError(
                        f"{error}. The mapping writes to {name}: let the login see it, or take it "
                        f"out of the mapping."
                    ) from None
                missing.append(name)
                continue
            wanted = {*FIELDS[name], *(target_fields or {}).get(name, ())}
            file = Path(folder) / f"{name}.ndjson"
            reads.append(_read_object(crm, describe, wanted, earlier.get(name), file))
        with warehouse.connect() as connection:
            load_id, snapshots = _store(connection, reads, loaded_at)
    return SnapshotReport(
        load_id=load_id,
        objects=tuple(snapshots),
        missing=tuple(missing),
        calls=crm.calls - calls_before,
        seconds=time.monotonic() - started,
    )


def stored_schemas(connection: DuckDBPyConnection) -> dict[str, ObjectSchema]:
    """Return each object's latest describe as the last snapshots stored it."""
    rows = connection.execute(LATEST_DESCRIBES).fetchall()
    return {name: parse_describe(orjson.loads(payload)) for name, payload in rows}


def _earlier_snapshots(connection: DuckDBPyConnection) -> dict[str, _Earlier]:
    rows = connection.execute(EARLIER_SNAPSHOTS).fetchall()
    return {name: _Earlier(until, frozenset(fields)) for name, until, fields in rows}


def _read_object(
    crm: Crm, describe: dict[str, Any], wanted: set[str], earlier: _Earlier | None, file: Path
) -> _ObjectRead:
    schema = parse_describe(describe)
    fields = sorted(wanted & schema.fields.keys())
    stamp = schema.fields.get("SystemModstamp")
    can_be_incremental = stamp is not None and stamp.is_filterable
    since = None
    if earlier and can_be_incremental and earlier.fields >= set(fields):
        since = earlier.until - OVERLAP
    # The clock is read before the query: whatever changes meanwhile belongs to the next
    # snapshot, too. Records that are newer than `until` are welcome, never required.
    until = crm.server_time().replace(tzinfo=None)
    soql = _soql(schema.name, fields, since, "SystemModstamp, Id" if stamp else "Id")
    read = _write_lines(file, crm.query(soql, include_deleted=True))
    return _ObjectRead(schema.name, describe, fields, since, until, read, file)


def _soql(name: str, fields: Sequence[str], since: datetime | None, order: str) -> str:
    where = f" where SystemModstamp >= {since:%Y-%m-%dT%H:%M:%SZ}" if since else ""
    return f"select {', '.join(fields)} from {name}{where} order by {order}"


def _write_lines(file: Path, pages: Iterator[list[Mapping[str, Any]]]) -> int:
    count = 0
    with file.open("wb") as lines:
        for page in pages:
            count += len(page)
            # Sorted keys make the same version the same text, whatever the org's order.
            lines.writelines(
                orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
                for record in page
            )
    return count


def _store(
    connection: DuckDBPyConnection, reads: Sequence[_ObjectRead], loaded_at: datetime
) -> tuple[int, list[ObjectSnapshot]]:
    connection.begin()
    (load_id,) = connection.execute("select nextval('raw.load_ids')").fetchone() or (0,)
    snapshots = [_store_object(connection, read, load_id, loaded_at) for read in reads]
    connection.commit()
    return load_id, snapshots


def _store_object(
    connection: DuckDBPyConnection, read: _ObjectRead, load_id: int, loaded_at: datetime
) -> ObjectSnapshot:
    table = TABLES[read.object]
    mode = "incremental" if read.since else "full"
    values = {"load_id": load_id, "loaded_at": loaded_at}
    new = _count(connection, INSERT_VERSIONS.format(table=table), values | {"file": str(read.file)})
    if mode == "full":
        new += _count(
            connection,
            INSERT_VANISHED.format(table=table),
            values | {"file": str(read.file), "until": read.until},
        )
    described = orjson.dumps(read.describe, option=orjson.OPT_SORT_KEYS).decode()
    connection.execute(INSERT_DESCRIBE, values | {"object": read.object, "payload": described})
    connection.execute(
        "insert into raw.salesforce_snapshots "
        "(load_id, object, mode, since, until, rows, loaded_at, fields) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        [load_id, read.object, mode, read.since, read.until, read.read, loaded_at, read.fields],
    )
    connection.execute(
        "insert into raw.loads (load_id, source, file, bytes, rows, rejected, loaded_at) "
        "values (?, 'salesforce', ?, 0, ?, 0, ?)",
        [load_id, read.object, new, loaded_at],
    )
    return ObjectSnapshot(read.object, mode, read.since, read.until, read.read, new)


def _count(connection: DuckDBPyConnection, sql: str, values: Mapping[str, object]) -> int:
    (count,) = connection.execute(sql, values).fetchone() or (0,)
    return int(count)
