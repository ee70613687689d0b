"""The plan: every cell that differs between the marts and the CRM, and what is decided (K1)."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot import stored_schemas
from orchestration.crm.snapshot_tables import create_snapshot_tables
from orchestration.warehouse import Warehouse
from orchestration.writeback import plan_sql
from orchestration.writeback.activities import plan_activities
from orchestration.writeback.approval_rules import ApprovalRule, rule_in_force
from orchestration.writeback.campaign_members import plan_campaign_members
from orchestration.writeback.field_planner import FieldPlanner, count_records
from orchestration.writeback.gates import find_gates
from orchestration.writeback.ledger import decision_counts
from orchestration.writeback.mapping import Mapping
from orchestration.writeback.mapping_sections import Approval
from orchestration.writeback.missing_people import plan_missing_people
from orchestration.writeback.planners import PlanContext, Planner
from orchestration.writeback.refusals import CheckedMapping, check_mapping
from orchestration.writeback.refused_records import block_refused_records
from orchestration.writeback.routes import store_routes
from orchestration.writeback.tables import create_writeback_tables

#: Up to this many cells a plan lists the unchanged ones too; beyond, it only counts them.
UNCHANGED_CELLS_LISTED = 100_000

#: What is planned beside the mapped fields, in this order.
PLANNERS: tuple[Planner, ...] = (
    plan_activities,
    plan_campaign_members,
    plan_missing_people,
)


class NothingToPlanError(RuntimeError):
    """The marts or the snapshot are missing; the message says what to run first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan's figures; its cells are rows of `writeback.changes`.

    `state`: planned, superseded (by a newer plan, before it was applied), applying, interrupted
    (while it was being applied), applied, or partly_applied. `decisions`: cells per decision.
    `kind`: sync, or undo of the run `undoes`. `approval`: not_needed, waiting (for the reasons in
    `gates`), or approved.
    """

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
    kind: str = "sync"
    undoes: str | None = None
    approval: str = "not_needed"
    gates: tuple[str, ...] = ()
    approved_at: datetime | None = None
    approved_by: str | None = None

    @property
    def waits(self) -> bool:
        """Whether nothing is written before somebody approves it."""
        return self.state == "planned" and self.approval == "waiting"


def make_plan(
    warehouse: Warehouse,
    mapping: Mapping,
    schemas: MappingOf[str, ObjectSchema] | None = None,
    unchanged_cells_listed: int = UNCHANGED_CELLS_LISTED,
    planners: Sequence[Planner] = PLANNERS,
    approval: ApprovalRule = "none",
) -> Plan:
    """Compare the marts with the latest snapshot and store what would be written.

    `schemas` default to the describes that the last snapshot stored; `planners` run after that of
    the mapped fields; `approval` is the environment's rule. Nothing is contacted. A plan
    still waiting is superseded, unless it would write just the same: then it is brought up to
    the newest snapshot, and returned.

    Raises:
        MappingError: the mapping asks for what may not or cannot be written (I4).
        NothingToPlanError: no snapshot yet, or the marts are not built.
    """
    with warehouse.connect() as connection:
        create_snapshot_tables(connection)
        create_writeback_tables(connection)
        columns = _metric_columns(connection, mapping)
        snapshot_at = latest_snapshot_at(connection)
        if snapshot_at is None:
            raise NothingToPlanError(
                "No Salesforce snapshot yet: take one first (`touchline run`)."
            )
        context = _context(connection, mapping, schemas or stored_schemas(connection))
        checked = check_mapping(mapping, context.schemas, columns)
        fields = FieldPlanner(checked, unchanged_cells_listed)
        connection.begin()
        plan_id = _write_plan(connection, checked, snapshot_at, context, [fields, *planners])
        _set_approval(connection, plan_id, mapping.sections.approval, approval)
        connection.commit()
        plan = read_plan(connection, plan_id)
    if plan is None:
        raise RuntimeError(f"{plan_id} is gone right after it was made")
    return plan


def read_plan(connection: DuckDBPyConnection, plan_id: str | None = None) -> Plan | None:
    """Return a stored plan, or the newest one; None if there is none."""
    row = connection.execute(plan_sql.READ_PLAN, {"plan_id": plan_id}).fetchone()
    if row is None:
        return None
    return Plan(
        plan_id=row[0],
        created_at=row[1],
        snapshot_at=row[2],
        state=row[3],
        records=row[4],
        changed_records=row[5],
        changed_cells=row[6],
        api_calls_estimate=row[7],
        decisions=decision_counts(connection, row[0]),
        notes=tuple(row[8]),
        kind=row[9] or "sync",
        undoes=row[10],
        approval=row[11] or "not_needed",
        gates=tuple(row[12] or ()),
        approved_at=row[13],
        approved_by=row[14],
    )


def latest_snapshot_at(connection: DuckDBPyConnection) -> datetime | None:
    """Return when the newest snapshot of a writable object was stored (UTC); None if none was."""
    row = connection.execute(
        "select max(loaded_at) from raw.salesforce_snapshots where object = any($objects)",
        {"objects": list(plan_sql.SOURCES)},
    ).fetchone()
    return row[0] if row else None


def _metric_columns(connection: DuckDBPyConnection, mapping: Mapping) -> dict[str, dict[str, str]]:
    columns: dict[str, dict[str, str]] = {}
    for name in mapping.objects:
        schema, table = plan_sql.SOURCES[name][0].split(".")
        rows = connection.execute(
            "select column_name, data_type from duckdb_columns() "
            "where database_name = current_database() and schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchall()
        if not rows:
            raise NothingToPlanError(
                f"{schema}.{table} does not exist: build the models first (`touchline run`)."
            )
        columns[name] = dict(rows)
    return columns


def _write_plan(
    connection: DuckDBPyConnection,
    checked: CheckedMapping,
    snapshot_at: datetime,
    context: PlanContext,
    planners: Sequence[Planner],
) -> str:
    plan_id = context.plan_id
    for planner in planners:
        planner(connection, context)
    block_refused_records(connection, plan_id)
    connection.execute(plan_sql.COUNT_DECISIONS, {"plan_id": plan_id})
    figures = {
        "snapshot_at": snapshot_at,
        "records": sum(count_records(connection, name) for name in checked.targets),
        "notes": [*checked.notes, *context.notes],
    }
    waiting = _waiting_with_the_same_writes(connection, plan_id)
    if waiting:
        _take_over(connection, waiting, plan_id)
        plan_id = waiting
    figures |= {"plan_id": plan_id, "calls": store_routes(connection, plan_id)}
    if waiting:
        connection.execute(plan_sql.REFRESH_PLAN, figures)
    else:
        connection.execute(plan_sql.SUPERSEDE)
        connection.execute(plan_sql.INSERT_PLAN, figures | {"created_at": context.created_at})
    connection.execute(plan_sql.UPSERT_SKIPPED, {"plan_id": plan_id, "seen_at": context.created_at})
    connection.execute(plan_sql.CLEAR_SKIPPED, {"plan_id": plan_id})
    connection.execute(plan_sql.PRUNE, {"plan_id": plan_id})
    return plan_id


def _set_approval(
    connection: DuckDBPyConnection, plan_id: str, limits: Approval, rule: ApprovalRule
) -> None:
    """Find out whether the plan waits. A yes that was given to the same writes stands."""
    in_force = rule_in_force(rule, limits.required)
    gates = find_gates(connection, plan_id, in_force, limits)
    connection.execute(plan_sql.SET_APPROVAL, {"plan_id": plan_id, "gates": gates})


def _context(
    connection: DuckDBPyConnection, mapping: Mapping, schemas: MappingOf[str, ObjectSchema]
) -> PlanContext:
    (number,) = connection.execute(plan_sql.NEXT_PLAN_NUMBER).fetchone() or (0,)
    created_at = datetime.now(UTC).replace(tzinfo=None)
    return PlanContext(f"plan-{number:05d}", created_at, schemas, mapping.sections)


def _take_over(connection: DuckDBPyConnection, waiting: str, plan_id: str) -> None:
    """Give all that was found anew to the plan that waits: what is kept may have changed."""
    for table in ("writeback.changes", "writeback.plan_counts"):
        connection.execute(f"delete from {table} where plan_id = ?", [waiting])
        connection.execute(f"update {table} set plan_id = ? where plan_id = ?", [waiting, plan_id])


def _waiting_with_the_same_writes(connection: DuckDBPyConnection, plan_id: str) -> str | None:
    """Return the plan that waits, perhaps for approval, if `plan_id` would write just the same.

    Somebody may have read it: as long as nothing in it changes, it stays the one to approve.
    """
    waiting = connection.execute(
        "select plan_id from writeback.plans where state = 'planned' and kind = 'sync' "
        "order by created_at desc"
    ).fetchone()
    if not waiting:
        return None
    fingerprints = {
        plan: (cells, cell_sum)
        for plan, cells, cell_sum in connection.execute(
            plan_sql.FINGERPRINTS, {"waiting": waiting[0], "plan_id": plan_id}
        ).fetchall()
    }
    is_same = fingerprints.get(waiting[0]) == fingerprints.get(plan_id)
    return str(waiting[0]) if is_same else None
