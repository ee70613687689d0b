"""The plan: every cell that differs between the marts and the CRM, and what is decided (K1)."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import ObjectSchema
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan's figures; its cells are rows of `writeback.changes`."""

    plan_id: str
    created_at: datetime
    snapshot_at: datetime
    state: str
    records: int
    changed_records: int
    changed_cells: int
    api_calls_estimate: int
    decisions: MappingOf[str, int]
    notes: tuple[str, ...] = ()


def make_plan(
    warehouse: Warehouse,
    mapping: Mapping,
    schemas: MappingOf[str, ObjectSchema] | None = None,
) -> Plan:
    """Compare the marts with the latest snapshot and store what would be written.

    `schemas` default to the describes that the last snapshot stored. Nothing is contacted.
    """
    raise NotImplementedError


def read_plan(connection: DuckDBPyConnection, plan_id: str | None = None) -> Plan | None:
    """Return a stored plan, or the newest one; None if there is none."""
    raise NotImplementedError
