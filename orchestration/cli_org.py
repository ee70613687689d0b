"""The `touchline org` commands: the local Salesforce org that demo and tests write to."""

import json
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from orchestration.local_org import process
from orchestration.settings import Settings, SettingsError

org = typer.Typer(
    help="Start, stop and look into the local Salesforce org.",
    invoke_without_command=True,
    no_args_is_help=False,
    epilog="Example: touchline org",
)

out = Console(markup=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def local_settings() -> Settings:
    """Return the settings of the local environment.

    Raises:
        SettingsError: another environment is chosen; its org is not ours to manage.
    """
    settings = Settings.from_environment()
    if not settings.environment.is_local:
        raise SettingsError(
            f"The environment {settings.environment.name!r} has a real org. Unset TOUCHLINE_ENV "
            f"to manage the local one."
        )
    return settings


@org.callback()
def default(context: typer.Context) -> None:
    """Start the local org unless a subcommand says otherwise."""
    if context.invoked_subcommand is None:
        start()


@org.command(epilog="Example: touchline org start")
def start() -> None:
    """Start the org in the background; one that runs already is left alone."""
    settings = local_settings()
    running = process.start(settings.org, settings.org_port, settings.org_seed)
    out.print(f"The local org answers at {running.url} (process {running.pid}).")


@org.command(epilog="Example: touchline org stop")
def stop() -> None:
    """Stop the org; what it holds stays."""
    stopped = process.stop(local_settings().org)
    out.print("The local org has stopped." if stopped else "The local org was not running.")


@org.command(epilog="Example: touchline org reset")
def reset() -> None:
    """Forget everything that the org holds and start it anew from its seed."""
    settings = local_settings()
    running = process.reset(settings.org, settings.org_port, settings.org_seed)
    out.print(f"The local org begins anew at {running.url}.")


@org.command(epilog="Example: touchline org status --json")
def status(as_json: Json = False) -> None:
    """Say whether the org runs, where, and how many calls it has answered."""
    running = process.find(local_settings().org)
    if running is None:
        typer.echo(json.dumps({"running": False}) if as_json else "The local org is not running.")
        raise typer.Exit(0 if as_json else 1)
    calls = _ask(running, "requests/summary")
    if as_json:
        typer.echo(json.dumps({"running": True, "url": running.url, "pid": running.pid, **calls}))
        return
    out.print(
        f"The local org answers at {running.url} (process {running.pid}, since "
        f"{running.started_at}): {calls['reads']:,} read calls, {calls['writes']:,} write calls."
    )


@org.command(epilog="Example: touchline org log --writes --limit 5")
def log(
    writes: Annotated[bool, typer.Option("--writes", help="Only requests that write.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest requests.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the latest requests that the org answered."""
    running = process.find(local_settings().org)
    if running is None:
        out.print("The local org is not running. Start it: `touchline org start`.")
        raise typer.Exit(1)
    only_writes = {"is_write": "true"} if writes else {}
    calls = _ask(running, "requests", limit=str(limit), **only_writes)
    if as_json:
        typer.echo(json.dumps(calls))
        return
    table = Table("at", "method", "path", "status", "records", "ms", box=None, header_style="dim")
    for call in calls:
        table.add_row(
            call["at"], call["method"], call["path"], str(call["status"]),
            str(call["records"]), f"{call['duration_ms']:.0f}",
        )  # fmt: skip
    out.print(table if calls else "No such request.")


def _ask(running: process.OrgProcess, what: str, **filters: str) -> Any:
    url = f"{running.url}/__admin/{what}"
    return httpx.get(url, params=filters, trust_env=False).raise_for_status().json()
