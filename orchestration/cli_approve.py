"""`touchline approve`: somebody's yes to a plan that waits."""

import os
import pwd
from typing import Annotated

import typer

from orchestration.settings import Settings
from orchestration.terminal.console import Json, out, print_json


def approve(
    plan_id: Annotated[
        str | None, typer.Argument(help="The plan to approve; the newest one by default.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Who says so; by default, who runs this command.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Approve a plan that waits: the next run writes it, as long as it would write the same.

    Read it first: `touchline plan --stored`. `touchline apply` approves and writes in one.
    """
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.approval import approve_plan
    from orchestration.writeback.plan import read_plan

    settings = Settings.from_environment()
    with Warehouse(settings.warehouse).connect() as connection:
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
        f"{approved.approved_at:%Y-%m-%d %H:%M} UTC. `touchline apply` writes it now, the next "
        f"run otherwise, unless it would write something else by then.",
        markup=False,
    )


def who() -> str:
    """Return the name of the account that runs this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
