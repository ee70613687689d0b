"""`touchline apply`, `undo` and `ledger`: writing, taking back, and what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from orchestration.cli_approve import agreed, stored_plan, who
from orchestration.settings import Settings
from orchestration.terminal.console import Json, beside, out, print_json

Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Find out what became of a run that died or ended early, and send the rest.",
    ),
]


def apply(
    plan_id: Annotated[
        str | None,
        typer.Argument(help="The plan to apply; by default the newest one, if it needs no yes."),
    ] = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Write the newest plan's cells to Salesforce. If it waits, name it: that approves it.

    Without a name you are shown what it amounts to and why it waits, and asked.
    """
    from orchestration.org import Org
    from orchestration.terminal import writeback as show
    from orchestration.terminal.tables import show as print_parts
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.apply import apply_plan, resume_plan, why_not_resumed
    from orchestration.writeback.approval import approve_plan
    from orchestration.writeback.mapping import load_mapping

    if resume and plan_id:
        raise typer.BadParameter("--resume goes on with the plan that was interrupted: name none.")
    settings = Settings.from_environment()
    warehouse, mapping = Warehouse(settings.warehouse), load_mapping(settings.mapping)
    settled, not_resumed = None, ""
    if not (resume or plan_id or as_json):
        plan_id = agreed(warehouse)
    with turn(settings) as (run_id, tell):
        if resume:
            tell("Finding out what became of earlier writes")
            settled, written = resume_plan(warehouse, Org(settings).connect(), run_id, mapping)
            not_resumed = "" if written else why_not_resumed(warehouse)
        else:
            with warehouse.connect(read_only=True) as connection:
                chosen = stored_plan(connection, plan_id)
            if chosen.waits:
                with warehouse.connect() as connection:
                    approve_plan(connection, plan_id, who())
            tell("Writing differences to Salesforce")
            crm = Org(settings).connect()
            written = apply_plan(warehouse, crm, chosen.plan_id, run_id, mapping)
        warehouse.publish(settings.published)
    if as_json:
        print_json(show.figures(written, settled))
    else:
        print_parts(out, *show.lines(written, settled, not_resumed))
    is_complete = written is None or written.is_complete
    raise typer.Exit(0 if is_complete and not (settled and settled.failed) else 1)


def undo(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="A run as `touchline ledger` names it.")
    ],
    only_plan: Annotated[
        bool, typer.Option("--plan", help="Show what would go back, and write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")] = False,
    with_opt_outs: Annotated[
        bool,
        typer.Option("--with-opt-outs", help="Take back opt-outs as well: they are kept else."),
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many cells to show.")] = 40,
    as_json: Json = False,
) -> None:
    """Take a run back: old values return where a field still holds what the run wrote.

    What somebody changed or a later run wrote since is kept, and so are opt-outs and people. The
    next sync plans the same values again, unless the mapping or the approval rule says otherwise.
    """
    from orchestration.org import Org
    from orchestration.terminal import writeback as show
    from orchestration.terminal.summary import planned_changes
    from orchestration.terminal.tables import changes_table
    from orchestration.terminal.tables import show as print_parts
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.apply import apply_plan
    from orchestration.writeback.mapping import load_mapping
    from orchestration.writeback.settle import settle
    from orchestration.writeback.undo import drop_plan, make_undo_plan

    settings = Settings.from_environment()
    warehouse, mapping = Warehouse(settings.warehouse), load_mapping(settings.mapping)
    written = None
    with turn(settings) as (new_run, tell):
        crm = Org(settings).connect()
        tell("Finding out what became of earlier writes")
        settle(warehouse, crm)
        tell("Reading the records as they are now")
        chosen = show.full_run_id(warehouse, run_id)
        plan = make_undo_plan(warehouse, crm, chosen, with_opt_outs=with_opt_outs)
        with warehouse.connect(read_only=True) as connection:
            changes = planned_changes(connection, plan.plan_id, limit)
    if not as_json:
        print_parts(out, show.undo_line(plan), changes_table("Cell by cell", changes))
    is_agreed = False
    try:
        is_agreed = not only_plan and (yes or _agrees(plan, is_asked=not as_json))
    finally:
        if not is_agreed:
            drop_plan(warehouse, plan.plan_id)
    if is_agreed:
        with turn(settings) as (new_run, tell):
            tell("Writing old values back")
            written = apply_plan(warehouse, crm, plan.plan_id, new_run, mapping)
            warehouse.publish(settings.published)
    if as_json:
        print_json(show.undo_figures(plan, written))
    elif written:
        print_parts(out, *show.lines(written))
    raise typer.Exit(0 if only_plan or (written and written.is_complete) else 1)


def _agrees(plan: Any, *, is_asked: bool) -> bool:
    """Ask whoever sits at a terminal; nobody else can answer."""
    if not plan.changed_records:
        return True
    if is_asked and beside.is_terminal:
        return typer.confirm("Write these old values back?", err=True)
    raise typer.BadParameter("Nobody can be asked here: give --yes, or --plan to look only.")


def ledger(
    run: Annotated[str | None, typer.Option(help="One run's attempts.")] = None,
    record: Annotated[str | None, typer.Option(help="A record's attempts, by its id.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="What Salesforce refused.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many lines to show.")] = 40,
    as_json: Json = False,
) -> None:
    """List the runs that wrote to Salesforce, or what they sent record by record."""
    from dataclasses import asdict

    from orchestration.terminal import writeback as show
    from orchestration.terminal.tables import show as print_parts
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.ledger_report import attempts, runs

    settings = Settings.from_environment()
    warehouse = Warehouse(settings.warehouse)
    chosen = show.full_run_id(warehouse, run) if run else None
    with warehouse.connect(read_only=True) as connection:
        if chosen or record or failed:
            found = attempts(connection, chosen, record, only_failed=failed, limit=limit)
            parts, rows = show.attempts_table(found), [asdict(each) for each in found]
        else:
            listed = runs(connection, limit)
            parts, rows = show.runs_table(listed), [asdict(each) for each in listed]
    if as_json:
        print_json(rows)
    else:
        print_parts(out, parts)


@contextmanager
def turn(settings: Settings) -> Iterator[tuple[str, Callable[[str], None]]]:
    """Hold the turn of syncs for a command that writes; yield its id, and how it tells."""
    import uuid

    from orchestration.sync_lock import SyncLock
    from orchestration.terminal.progress import telling

    lock, run_id = SyncLock(settings.locks, settings.wait_seconds), f"cli-{uuid.uuid4()}"
    with telling(beside) as tell, lock.held(run_id, tell):
        yield run_id, tell
