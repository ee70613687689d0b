"""`touchline approve`: somebody's yes to a plan that waits."""

import os
import pwd
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.settings import Settings
from orchestration.terminal.console import Json, beside, out, print_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from orchestration.warehouse import Warehouse
    from orchestration.writeback.plan import Plan


def approve(
    plan_id: Annotated[
        str | None, typer.Argument(help="The plan that you read; without it you are asked.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Who says so; by default, who runs this command.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Approve a plan that waits: the next run writes it, as long as it would write the same.

    Read it first: `touchline plan --stored`. `touchline apply` with its id approves and writes in
    one.
    """
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.approval import approve_plan
    from orchestration.writeback.plan import read_plan

    warehouse = Warehouse(Settings.from_environment().warehouse)
    if not (plan_id or as_json):
        plan_id = agreed(warehouse)
    with warehouse.connect() as connection:
        approved = read_plan(connection, approve_plan(connection, plan_id, by or who()))
    if approved is None:
        raise RuntimeError(f"{plan_id} is gone right after it was approved")
    if as_json:
        print_json(
            {
                "plan_id": approved.plan_id,
                "approval": approved.approval,
                "approved_at": approved.approved_at,
                "approved_by": approved.approved_by,
            }
        )
        return
    out.print(
        f"{approved.plan_id} is approved, by {approved.approved_by} at "
        f"{approved.approved_at:%Y-%m-%d %H:%M} UTC. `touchline apply {approved.plan_id}` writes "
        f"it now, the next run otherwise, unless it would write something else by then.",
        markup=False,
    )


def agreed(warehouse: "Warehouse") -> str | None:
    """Show the plan that waits to whoever sits at a terminal; return its id if they say yes.

    None: no plan waits, or nobody can be asked. Whoever says no ends the command.
    """
    from orchestration.terminal.plans import plan_lines
    from orchestration.terminal.tables import show

    if not beside.is_terminal:
        return None
    with warehouse.connect(read_only=True) as connection:
        plan = stored_plan(connection)
    if not plan.waits:
        return None
    show(beside, *plan_lines(plan))
    typer.confirm(f"Do you approve {plan.plan_id}?", abort=True, err=True)
    return plan.plan_id


def stored_plan(connection: "DuckDBPyConnection", plan_id: str | None = None) -> "Plan":
    """Return a plan that is stored, the newest by default.

    Raises:
        NothingToPlanError: there is none.
    """
    from orchestration.terminal.summary import has_table
    from orchestration.writeback.plan import NothingToPlanError, read_plan

    # A first run that ended early leaves a warehouse without the tables of the writeback.
    has_plans = has_table(connection, "writeback", "plans")
    found = read_plan(connection, plan_id) if has_plans else None
    if found is None:
        raise NothingToPlanError(
            f"There is no plan {plan_id}." if plan_id else "No plan yet. Run `touchline plan`."
        )
    return found


def who() -> str:
    """Return the name of the account that runs this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
