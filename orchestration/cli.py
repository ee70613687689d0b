"""The `touchline` command: what people type, and how its errors reach them."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from orchestration.cli_approve import approve, stored_plan
from orchestration.cli_doctor import doctor
from orchestration.cli_explain import explain
from orchestration.cli_metadata import metadata
from orchestration.cli_org import org
from orchestration.cli_rules import rules
from orchestration.cli_writeback import apply, ledger, turn, undo
from orchestration.settings import Settings
from orchestration.terminal.console import Json, beside, out, print_json, say_error, say_warning


class Commands(TyperGroup):
    """All commands; one that is ended by Ctrl-C says so, with the status that shells expect."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            beside.print("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    name="touchline",
    cls=Commands,
    help="From raw sales-email logs to Salesforce fields that people can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(org, name="org")
app.add_typer(rules, name="rules")
app.command(epilog="Example: touchline approve plan-00004 --by 'Ann, RevOps'")(approve)
app.command(epilog="Example: touchline doctor")(doctor)
app.command(epilog="Example: touchline metadata --out salesforce")(metadata)
app.command(epilog="Example: touchline explain ann@acme.example --as-of 2026-11-20")(explain)
app.command(epilog="Example: touchline apply --resume")(apply)
app.command(epilog="Example: touchline undo cli-7c1e --plan")(undo)
app.command(epilog="Example: touchline ledger --failed --limit 20")(ledger)


def main() -> None:
    """Run the command line; a known error is one line that says what to do next."""
    from orchestration.known_errors import KNOWN_ERRORS, message

    try:
        app()
    except KNOWN_ERRORS as error:
        say_error(message(type(error).__name__, str(error)))
        sys.exit(1)


@app.command(epilog="Example: touchline demo")
def demo(as_json: Json = False) -> None:
    """Run the whole sync on the sample that ships with Touchline, against the local org.

    The sample's files go to the landing folder, the local Salesforce org starts, and a run does
    the rest. Run it again: nothing is left to write.
    """
    from orchestration.demo import lay_sample
    from orchestration.terminal import tables

    settings = Settings.from_environment()
    copied = lay_sample(settings)
    if not as_json:
        beside.print(
            f"[bold]Touchline demo[/]  {copied} sample files laid into "
            f"{escape(str(settings.landing))}"
            if copied
            else f"[bold]Touchline demo[/]  the sample is already in "
            f"{escape(str(settings.landing))}"
        )
    report = _sync(settings)
    if as_json:
        print_json(report.as_json())
    elif report.plan.plan_id:
        _show_summary(settings, report)
        tables.show(out, tables.next_steps(settings.published))
    _finish(report)


@app.command(epilog="Example: touchline run --json")
def run(
    as_json: Json = False,
    full_refresh: Annotated[
        bool, typer.Option(help="Rebuild the incremental models from the raw tables.")
    ] = False,
) -> None:
    """Load what is new, read Salesforce, build and test the models, write the differences."""
    from orchestration.terminal import tables

    settings = Settings.from_environment()
    report = _sync(settings, full_refresh=full_refresh)
    if as_json:
        print_json(report.as_json())
    else:
        tables.show(out, *tables.outcome_lines(report))
    _finish(report)


def _exportable(file: Path | None) -> Path | None:
    """Refuse a file that cannot be written before minutes are spent on what goes into it."""
    from orchestration.writeback.export import FORMATS

    if file and file.suffix not in FORMATS:
        raise typer.BadParameter(f"{file} is neither {' nor '.join(FORMATS)}.")
    if file and not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"There is no folder {file.absolute().parent}.")
    return file


@app.command(epilog="Example: touchline plan --limit 20 --export changes.csv")
def plan(
    as_json: Json = False,
    stored: Annotated[
        bool, typer.Option("--stored", help="Show the newest plan as it is; make none.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many cells to show.")] = 40,
    export: Annotated[
        Path | None,
        typer.Option(
            callback=_exportable, help="Write all of the plan's cells to this .csv or .parquet."
        ),
    ] = None,
) -> None:
    """Show what a run would write, cell by cell with the reason, and write nothing."""
    from orchestration.terminal import plans, summary, tables
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.export import export_plan
    from orchestration.writeback.routes import read_routes

    settings = Settings.from_environment()
    if not stored:
        report = _sync(settings, only_plan=True)
        if not report.succeeded:
            _finish(report)
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        newest = stored_plan(connection)
        fields = summary.planned_fields(connection, newest.plan_id)
        records = summary.planned_records(connection, newest.plan_id)
        changes = summary.planned_changes(connection, newest.plan_id, limit)
        has_routes = summary.has_table(connection, "writeback", "plan_routes")
        routes = read_routes(connection, newest.plan_id) if has_routes else []
        if export:
            export_plan(connection, newest.plan_id, export)
    if as_json:
        print_json(plans.as_json(newest, routes))
        return
    parts = plans.plan_lines(newest)
    if routes:
        parts += [plans.routes_table(routes)]
    parts += tables.plan_tables(fields, records)
    if changes:
        parts += [tables.changes_table("Cell by cell", changes)]
    told = sum(count for name, count in newest.decisions.items() if name != "unchanged")
    if told > len(changes):
        parts += [f"{told - len(changes):,} more cells: a higher --limit shows them, --export all."]
    tables.show(out, *parts)
    if export:
        out.print(f"\nAll cells are in {export}.")


@app.command(epilog="Example: touchline status")
def status(
    as_json: Json = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Show rejects that are settled, too.")
    ] = False,
) -> None:
    """Show what is loaded, what was rejected and why, the newest plan, and skipped records."""
    from orchestration.terminal import status as state
    from orchestration.warehouse import Warehouse

    settings = Settings.from_environment()
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        now = state.read_status(connection, with_settled=everything)
    if as_json:
        print_json(state.as_json(now))
    else:
        state.show_status(out, now, settings)


Files = Annotated[
    list[str],
    typer.Argument(help="Paths in the landing folder, or patterns: * stands for anything."),
]


@app.command(epilog="Example: touchline reload 'sendgrid/2026-10-*'")
def reload(files: Files, as_json: Json = False) -> None:
    """Have the next run load files again whose content is known: it adds what they did not give.

    For use after an upgrade that reads more, or when a limit was raised. What is there already is
    not loaded twice.
    """
    from orchestration.landing.reload import request_reload
    from orchestration.terminal.tables import counted
    from orchestration.warehouse import Warehouse

    settings = Settings.from_environment()
    with turn(settings):
        named = request_reload(Warehouse(settings.warehouse), settings.landing, files)
    if as_json:
        print_json({"files": named})
    else:
        out.print(f"The next run loads {counted(len(named), 'file')} again: `touchline run`.")


@app.command(epilog="Example: touchline settle 'sendgrid/2026-10-*'")
def settle(files: Files, as_json: Json = False) -> None:
    """Call the rejects of files settled that nobody will mend; their rows stay in raw.rejects."""
    from orchestration.landing.settling import settle_by_hand
    from orchestration.terminal.tables import counted
    from orchestration.warehouse import Warehouse

    settings = Settings.from_environment()
    with turn(settings):
        settled = settle_by_hand(Warehouse(settings.warehouse), files)
    if as_json:
        print_json({"files": settled})
    else:
        rejects = counted(sum(settled.values()), "reject")
        out.print(f"Settled {rejects} of {counted(len(settled), 'file')}.")


@app.command(epilog="Example: touchline simulate --people 2000 --weeks 8 --seed 3 --out /tmp/team")
def simulate(
    out_folder: Annotated[Path, typer.Option("--out", help="Where to write.")],
    people: Annotated[int, typer.Option(min=1, help="People that the team writes to.")] = 220,
    weeks: Annotated[int, typer.Option(min=1, help="Weeks of enrollments.")] = 6,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    as_json: Json = False,
) -> None:
    """Write the raw logs, the org and the hidden truth of a made-up sales team."""
    from dataclasses import asdict

    from orchestration.simulator.simulate import simulate as write_team

    with beside.status(f"Simulating {people:,} people over {weeks} weeks …"):
        report = write_team(people, weeks, seed, out_folder)
    if as_json:
        print_json(asdict(report))
        return
    out.print(
        f"{report.events:,} SendGrid events, {report.messages:,} messages, "
        f"{report.enrollments:,} enrollments, {report.letters:,} mails and {report.records:,} "
        f"Salesforce records in {report.files:,} files under {report.out} "
        f"({report.seconds:.1f} s, {report.events / report.seconds:,.0f} events a second)."
    )
    out.print(
        f"Try them:  TOUCHLINE_DATA={report.out}/run TOUCHLINE_LANDING={report.out}/landing "
        f"TOUCHLINE_ORG_SEED={report.out}/org TOUCHLINE_ORG_PORT=0 touchline run",
        soft_wrap=True,
    )


def _sync(settings: Settings, *, full_refresh: bool = False, only_plan: bool = False) -> Any:
    from orchestration.terminal.progress import telling

    with telling(beside) as tell:
        from orchestration.sync import run_sync

        report = run_sync(settings, tell, full_refresh=full_refresh, only_plan=only_plan)
    warn_of_rejects(settings)
    return report


def warn_of_rejects(settings: Settings) -> None:
    """Name what suddenly or newly cannot be read: a run goes on with what can."""
    from orchestration.landing.networks import network_problems
    from orchestration.landing.spikes import reject_shares
    from orchestration.terminal.summary import has_table
    from orchestration.warehouse import Warehouse

    if not settings.warehouse.exists():
        return
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        shares = reject_shares(connection) if has_table(connection, "raw", "loads") else []
        has_lists = has_table(connection, "raw", "networks")
        networks = network_problems(connection, settings.networks) if has_lists else ()
    for each in shares:
        if each.is_spike(settings.reject_share, settings.reject_minimum):
            say_warning(f"{each.source}: {each}. See `touchline status`.")
    for problem in networks:
        say_warning(problem)


def _show_summary(settings: Settings, report: Any) -> None:
    from orchestration.terminal import summary, tables
    from orchestration.warehouse import Warehouse

    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        whole = summary.summarize(connection)
        fields = summary.planned_fields(connection, report.plan.plan_id)
        records = summary.planned_records(connection, report.plan.plan_id)
        examples = summary.telling_examples(connection, report.plan.plan_id, 10)
    tables.show(out, *tables.summary_parts(whole))
    if report.plan.changed_records:
        tables.show(out, *tables.plan_tables(fields, records))
    if examples:
        tables.show(out, tables.changes_table("Some of its cells, and why", examples))
    tables.show(out, *tables.outcome_lines(report))


def _finish(report: Any) -> None:
    """Name what went wrong and leave with the status that a scheduler understands."""
    for problem in report.problems:
        say_error(problem)
    if not report.succeeded:
        raise typer.Exit(1)
