"""How a plan looks: what it amounts to, whether it waits and why, and how it is sent."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestration.terminal.tables import counted, legible, titled
from orchestration.writeback.plan import Plan
from orchestration.writeback.routes import Route

#: What a person may want to know of a plan in this state.
_ADVICE = {
    "applying": "It is being written right now, or its process was killed: then the next run plans "
    "the rest.",
    "interrupted": "Writing it ended too soon; the next run plans the rest.",
}


def plan_lines(plan: Plan) -> list[RenderableType]:
    """Say what a plan amounts to, in which state it is, and what it waits for."""
    if not plan.changed_records:
        amount = "0 changes"
    else:
        amount = (
            f"{counted(plan.changed_records, 'record')} to change in "
            f"{counted(plan.changed_cells, 'field')}, "
            f"{counted(plan.api_calls_estimate, 'API call')}"
        )
    undoes = f", takes back {plan.undoes}" if plan.undoes else ""
    lines = [Text(legible(f"{plan.plan_id} ({_words(plan.state)}{undoes}): {amount}."))]
    if advice := _ADVICE.get(plan.state):
        lines.append(Text(advice, style="yellow"))
    lines += [Text(f"note: {legible(note)}", style="dim") for note in plan.notes]
    return [Group(*lines, *_approval(plan))]


def _approval(plan: Plan) -> list[RenderableType]:
    gates = [Text(f"  - {legible(gate)}") for gate in plan.gates]
    if plan.approved_at:
        yes = f"approved by {plan.approved_by} at {plan.approved_at:%Y-%m-%d %H:%M} UTC"
        return [Text(f"{legible(yes)}; it had waited because:" if gates else legible(yes)), *gates]
    if not plan.waits:
        return []
    return [
        Text("It waits for approval:", style="yellow"),
        *gates,
        Text(
            f"`touchline apply {plan.plan_id}` writes it now, `touchline approve {plan.plan_id}` "
            f"lets the next run write it.",
        ),
    ]


def routes_table(routes: Sequence[Route]) -> Table:
    """Show how a plan's records are sent, and what that costs."""
    table = titled(
        "How it is sent",
        "object", "operation", "records", "route", "calls", "why",
        numbers=(2, 4),
    )  # fmt: skip
    for each in routes:
        if each.route == "preflight":
            table.add_row("before", "", "", "", f"{each.calls:,}", each.reason)
            continue
        table.add_row(
            each.object, each.operation, f"{each.records:,}", each.route, f"{each.calls:,}",
            each.reason,
        )  # fmt: skip
    return table


def as_json(plan: Plan, routes: Sequence[Route]) -> dict[str, Any]:
    """Return a plan's figures as one object for machines."""
    return {
        "plan_id": plan.plan_id,
        "kind": plan.kind,
        "undoes": plan.undoes,
        "state": plan.state,
        "created_at": plan.created_at,
        "snapshot_at": plan.snapshot_at,
        "changed_records": plan.changed_records,
        "changed_cells": plan.changed_cells,
        "api_calls_estimate": plan.api_calls_estimate,
        "decisions": dict(plan.decisions),
        "approval": plan.approval,
        "gates": list(plan.gates),
        "approved_at": plan.approved_at,
        "approved_by": plan.approved_by,
        "routes": [
            {
                "object": each.object,
                "operation": each.operation,
                "route": each.route,
                "records": each.records,
                "read_calls": each.read_calls,
                "write_calls": each.write_calls,
                "why": each.reason,
            }
            for each in routes
        ],
    }


def _words(state: str) -> str:
    return state.replace("_", " ")
