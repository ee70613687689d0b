"""How an apply, an undo and the ledger look on a terminal, and as figures for machines."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from orchestration.terminal.tables import counted, legible, titled
from orchestration.warehouse import Warehouse
from orchestration.writeback.apply import WritebackReport
from orchestration.writeback.ledger_report import LedgerAttempt, LedgerRun, run_ids
from orchestration.writeback.plan import Plan
from orchestration.writeback.settle import Settled
from orchestration.writeback.undo import NothingToUndoError


def full_run_id(warehouse: Warehouse, beginning: str) -> str:
    """Return the one run whose id begins so.

    Raises:
        NothingToUndoError: there is none, or there are several.
    """
    with warehouse.connect(read_only=True) as connection:
        found = run_ids(connection, beginning)
    if beginning in found:
        return beginning
    if len(found) != 1:
        why = "Several runs begin" if found else "No run begins"
        raise NothingToUndoError(f"{why} with {beginning}. `touchline ledger` lists the runs.")
    return found[0]


def figures(written: WritebackReport | None, settled: Settled | None = None) -> dict[str, Any]:
    """Return what an apply did, as one object for machines."""
    document: dict[str, Any] = {}
    if settled:
        document["settled"] = {
            "jobs": settled.jobs,
            "written": settled.written,
            "unsent": settled.unsent,
            "failed": settled.failed,
        }
    if written is None:
        return document
    return document | {
        "plan_id": written.plan_id,
        "run_id": written.run_id,
        "written": written.written,
        "failed": written.failed,
        "skipped": written.skipped,
        "unsent": written.unsent,
        "unknown": written.unknown,
        "failed_by_code": dict(written.failed_by_code),
        "stopped_because": written.stopped_because,
        "crm_calls": {"read": written.calls.read, "write": written.calls.write},
        "seconds": round(written.seconds, 1),
    }


def lines(
    written: WritebackReport | None, settled: Settled | None = None, not_resumed: str = ""
) -> Iterator[RenderableType]:
    """Say what an apply did: figures, why it ended early, and each refusal with its remedy.

    `not_resumed`: why there was no plan to go on with.
    """
    if settled:
        yield Text(
            f"Of what earlier runs left open, {settled.written:,} had arrived, {settled.unsent:,} "
            f"had not, {settled.failed:,} were refused or overtaken; "
            f"{counted(settled.jobs, 'job')} asked for."
        )
    if written is None:
        yield Text(not_resumed)
        return
    yield Text(
        f"{written.written:,} records written, {written.failed:,} refused, {written.skipped:,} "
        f"skipped, {written.unsent:,} not reached; {written.calls.write:,} write calls."
    )
    if written.stopped_because:
        yield Text(legible(written.stopped_because), style="bold red")
    if written.unknown:
        yield Text(
            f"{counted(written.unknown, 'record')} sent without an answer: `touchline apply "
            f"--resume` finds out what became of them.",
            style="bold red",
        )
    if written.refusals:
        yield refusals_table(written)


def refusals_table(written: WritebackReport) -> RenderableType:
    """Show what was refused by code, with Salesforce's words for one record, and what to do."""
    table = titled("Refused by Salesforce", "code", "records", "for example", "what to do")
    for each in written.refusals:
        table.add_row(each.code, f"{each.records:,}", legible(each.sample or ""), each.remedy)
    return table


def undo_line(plan: Plan) -> Text:
    """Say what an undo would do."""
    kept = sum(plan.decisions.get(each, 0) for each in ("kept", "stale", "converted"))
    return Text(
        f"{plan.plan_id} takes back {counted(plan.changed_cells, 'value')} of "
        f"{counted(plan.changed_records, 'record')}; {kept:,} {'is' if kept == 1 else 'are'} left "
        f"alone."
    )


def undo_figures(plan: Plan, written: WritebackReport | None) -> dict[str, Any]:
    """Return what an undo would do, or did."""
    planned = {
        "plan_id": plan.plan_id,
        "undoes": plan.undoes,
        "changed_records": plan.changed_records,
        "changed_cells": plan.changed_cells,
        "api_calls_estimate": plan.api_calls_estimate,
        "decisions": dict(plan.decisions),
    }
    return planned | ({"applied": figures(written)} if written else {})


def runs_table(runs: Sequence[LedgerRun]) -> RenderableType:
    """Show the runs that sent anything, in records."""
    table = titled(
        "Runs", "run", "plan", "began (UTC)", "written", "refused", "undone", "open", "what"
    )
    table.columns[0].no_wrap = True
    for each in runs:
        what = f"takes back {each.undoes}" if each.undoes else "sync"
        counts = (each.written, each.failed, each.undone, each.open)
        began = f"{each.started_at:%Y-%m-%d %H:%M}"
        table.add_row(each.run_id, each.plan_id, began, *(f"{count:,}" for count in counts), what)
    return table


def attempts_table(attempts: Sequence[LedgerAttempt]) -> RenderableType:
    """Show what was sent, record by record, and what came of it."""
    table = titled("Attempts", "sent (UTC)", "record", "what", "outcome", "why")
    for each in attempts:
        fields = ", ".join(
            f"{name}: {_shown(each.old_values.get(name))} → {_shown(value)}"
            for name, value in each.new_values.items()
        )
        why = f"{each.error_code}: {each.error_message}" if each.error_code else ""
        table.add_row(
            f"{each.sent_at:%Y-%m-%d %H:%M:%S}",
            f"{each.object} {each.record_id or each.external_key}",
            legible(f"{each.operation} {fields}".strip()),
            each.outcome or "open",
            legible(why),
        )
    return table


def _shown(value: str | None) -> str:
    return "(empty)" if value is None else value
