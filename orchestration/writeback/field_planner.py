"""Planning the mapped fields of contacts and leads: the marts held against the snapshot (J1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.writeback import plan_sql
from orchestration.writeback.comparison import Cell
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.refusals import CheckedMapping
from orchestration.writeback.standing_refusals import block_refused


@dataclass(frozen=True, slots=True)
class FieldPlanner:
    """A planner over a checked mapping.

    Up to `unchanged_cells_listed` cells the unchanged ones are listed, too; beyond, only counted.
    """

    checked: CheckedMapping
    unchanged_cells_listed: int

    def __call__(self, connection: DuckDBPyConnection, context: PlanContext) -> None:
        """List the cells of each mapped object, and count those that are not listed."""
        records = {name: count_records(connection, name) for name in self.checked.targets}
        cell_count = sum(
            records[name] * len(targets) for name, targets in self.checked.targets.items()
        )
        keeps_unchanged = cell_count <= self.unchanged_cells_listed
        for name, targets in self.checked.targets.items():
            cells = [Cell(target, number) for number, target in enumerate(targets)]
            if cells:
                _list_object(
                    connection, context.plan_id, name, cells, keeps_unchanged=keeps_unchanged
                )
                _count_unlisted(connection, context.plan_id, name, cells, records[name])


def count_records(connection: DuckDBPyConnection, name: str) -> int:
    """Return for how many records of an object the marts have metrics."""
    (count,) = connection.execute(
        f"select count(*) from {plan_sql.SOURCES[name][0]}"
    ).fetchone() or (0,)
    return int(count)


def _list_object(
    connection: DuckDBPyConnection,
    plan_id: str,
    name: str,
    cells: Sequence[Cell],
    *,
    keeps_unchanged: bool,
) -> None:
    connection.execute(plan_sql.compare(name, cells, keeps_unchanged=keeps_unchanged))
    connection.execute(
        plan_sql.list_cells(name, cells, keeps_unchanged=keeps_unchanged), {"plan_id": plan_id}
    )
    connection.execute("drop table compared")
    if _was_refused(connection, name):
        connection.execute(
            block_refused(plan_sql.SOURCES[name][1], cells), {"plan_id": plan_id, "object": name}
        )


def _was_refused(connection: DuckDBPyConnection, name: str) -> bool:
    """Whether any record of the object was: where none was, no cell needs to be looked at."""
    (found,) = connection.execute(
        "select exists (select 1 from writeback.ledger where object = ? and outcome = 'failed')",
        [name],
    ).fetchone() or (False,)
    return bool(found)


def _count_unlisted(
    connection: DuckDBPyConnection,
    plan_id: str,
    name: str,
    cells: Sequence[Cell],
    records: int,
) -> None:
    connection.execute(
        plan_sql.COUNT_UNLISTED,
        {
            "plan_id": plan_id,
            "object": name,
            "fields": [cell.target.mapping.field for cell in cells],
            "policies": [cell.target.mapping.policy for cell in cells],
            "records": records,
        },
    )
