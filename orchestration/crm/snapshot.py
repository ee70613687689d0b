"""Salesforce snapshots: the org's records into append-only raw tables, by version (A7)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from orchestration.crm.client import CallCounts, Crm
from orchestration.crm.schema import ObjectSchema
from orchestration.warehouse import Warehouse

OBJECTS = ("Contact", "Lead", "User", "Task", "EmailMessage", "CampaignMember", "Individual")


@dataclass(frozen=True, slots=True)
class ObjectSnapshot:
    """One object's part of a snapshot; `mode` is `full` or `incremental`."""

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


def create_snapshot_tables(connection: DuckDBPyConnection) -> None:
    """Create the `raw.salesforce_*` tables that do not exist yet."""
    raise NotImplementedError


def take_snapshot(
    warehouse: Warehouse,
    crm: Crm,
    objects: Sequence[str] = OBJECTS,
    target_fields: Mapping[str, Collection[str]] | None = None,
) -> SnapshotReport:
    """Read what changed in the org into `raw.salesforce_*`.

    `target_fields` adds the mapping's fields per object (`Mapping.target_fields()`).
    """
    raise NotImplementedError


def stored_schemas(connection: DuckDBPyConnection) -> dict[str, ObjectSchema]:
    """Return each object's latest describe as the last snapshots stored it."""
    raise NotImplementedError
