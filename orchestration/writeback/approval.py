"""Somebody's yes to a plan that waits (K1)."""

from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from orchestration.writeback.tables import create_writeback_tables


class NotApprovableError(RuntimeError):
    """There is nothing to say yes to; the message says why and what to do."""


def approve_plan(connection: DuckDBPyConnection, plan_id: str | None, by: str) -> str:
    """Approve a plan; return its id.

    A plan that was approved already stays as it is: the first yes counts. The approval holds as
    long as the plan would write the same, over newer snapshots, too. None is the newest plan, of
    which nobody knows who read it: it is only ever told what stands in the way of a yes.

    Raises:
        NotApprovableError: no such plan, it was not named, or it does not wait to be applied.
    """
    create_writeback_tables(connection)
    found = connection.execute(
        "select plan_id, state, changed_records, approval from writeback.plans "
        "where plan_id = $plan_id or ($plan_id is null and kind is distinct from 'undo') "
        "order by created_at desc limit 1",
        {"plan_id": plan_id},
    ).fetchone()
    if found is None:
        raise NotApprovableError(
            f"There is no plan {plan_id}. `touchline plan --stored` shows the newest one."
            if plan_id
            else "No plan yet. `touchline plan` makes one."
        )
    is_named = plan_id is not None
    plan_id, state, changed_records, approval = found
    if state != "planned":
        raise NotApprovableError(
            f"{plan_id} is {state.replace('_', ' ')} and needs no approval any more. "
            f"`touchline plan --stored` shows the newest one."
        )
    if not changed_records:
        raise NotApprovableError(f"{plan_id} writes nothing: there is nothing to approve.")
    if approval != "approved" and not is_named:
        raise NotApprovableError(
            f"Name the plan that you read. The newest one is {plan_id}: `touchline plan --stored` "
            f"shows it, `touchline approve {plan_id}` lets the next run write it, `touchline apply "
            f"{plan_id}` writes it now. The job approve_plan takes the id as plan_id."
        )
    if approval != "approved":
        connection.execute(
            "update writeback.plans set approval = 'approved', approved_at = ?, approved_by = ? "
            "where plan_id = ?",
            [datetime.now(UTC).replace(tzinfo=None), by, plan_id],
        )
    return str(plan_id)
