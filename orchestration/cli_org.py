"""The `touchline org` commands: the local Salesforce org that demo and tests write to."""

from typing import Annotated, Any

import httpx
import typer
from rich.text import Text

from orchestration.local_org import process
from orchestration.settings import Settings, SettingsError
from orchestration.terminal.console import Json, out, print_json
from orchestration.terminal.tables import counted, titled

org = typer.Typer(
    help="Start, stop and look into the local Salesforce org.",
    epilog="Example: touchline org",
    invoke_without_command=True,
    no_args_is_help=False,
)


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


Bare = Annotated[
    bool,
    typer.Option("--bare", help="A new org lacks Touchline's fields: deploy them."),
]


@org.callback()
def default(context: typer.Context) -> None:
    """Start, stop and look into the local Salesforce org; without a subcommand, start it."""
    if context.invoked_subcommand is None:
        start()


@org.command(epilog="Example: touchline org start --bare")
def start(bare: Bare = False, as_json: Json = False) -> None:
    """Start the org in the background; one that runs already is left alone."""
    settings = local_settings()
    running = process.start(settings.org, settings.org_port, settings.org_seed, bare=bare)
    told = ask(running, "metadata")
    if bare and not told["bare"]:
        raise SettingsError(
            "The local org began with Touchline's fields and keeps them. To begin anew without: "
            "`touchline org reset --bare`; it forgets everything that the org holds."
        )
    said = f"The local org answers at {running.url} (process {running.pid}).{_bareness(told)}"
    _tell(running, said, as_json, bare=told["bare"])


@org.command(epilog="Example: touchline org stop")
def stop(as_json: Json = False) -> None:
    """Stop the org; what it holds stays."""
    stopped = process.stop(local_settings().org)
    if as_json:
        print_json({"running": False, "stopped": stopped})
    else:
        out.print("The local org has stopped." if stopped else "The local org was not running.")


@org.command(epilog="Example: touchline org reset --bare")
def reset(bare: Bare = False, as_json: Json = False) -> None:
    """Forget everything that the org holds and start it anew from its seed."""
    settings = local_settings()
    running = process.reset(settings.org, settings.org_port, settings.org_seed, bare=bare)
    told = ask(running, "metadata")
    said = f"The local org begins anew at {running.url}.{_bareness(told)}"
    _tell(running, said, as_json, bare=told["bare"])


@org.command(epilog="Example: touchline org status --json")
def status(as_json: Json = False) -> None:
    """Say whether the org runs, where, and how many calls it has answered."""
    running = process.find(local_settings().org)
    if running is None:
        _tell_absence("The local org is not running.", as_json)
        raise typer.Exit(0 if as_json else 1)
    calls = ask(running, "requests/summary")
    _tell(
        running,
        f"The local org answers at {running.url} (process {running.pid}, since "
        f"{running.started_at}): {calls['reads']:,} read calls, {calls['writes']:,} write calls.",
        as_json,
        **calls,
    )


@org.command(epilog="Example: touchline org log --writes --limit 5")
def log(
    writes: Annotated[bool, typer.Option("--writes", help="Only requests that write.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Logins and what tests ask, besides the API's requests.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest requests.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the latest API requests that the org answered."""
    running = process.find(local_settings().org)
    if running is None:
        _tell_absence("The local org is not running. Start it: `touchline org start`.", as_json)
        raise typer.Exit(1)
    filters = ({} if everything else {"kind": "rest"}) | ({"is_write": "true"} if writes else {})
    calls = ask(running, "requests", limit=str(limit), **filters)
    if as_json:
        print_json(calls)
        return
    table = titled("", "at", "method", "path", "status", "records", "ms", numbers=(3, 4, 5))
    for call in calls:
        table.add_row(
            call["at"], call["method"], call["path"], str(call["status"]),
            str(call["records"]), f"{call['duration_ms']:.0f}",
        )  # fmt: skip
    out.print(table if calls else Text("No such request."))


def _tell(running: process.OrgProcess, text: str, as_json: bool, **figures: Any) -> None:
    if as_json:
        print_json({"running": True, "url": running.url, "pid": running.pid, **figures})
    else:
        out.print(text)


def _bareness(told: dict[str, Any]) -> str:
    if not told["bare"]:
        return ""
    left_out = sum(told["left_out_of_seed"].values())
    noted = f" {counted(left_out, 'value')} of its seed had no place there." if left_out else ""
    has_fields = "has what was deployed of" if told["deployed_fields"] else "has none of"
    return f" It {has_fields} Touchline's fields.{noted}"


def _tell_absence(text: str, as_json: bool) -> None:
    if as_json:
        print_json({"running": False})
    else:
        out.print(text)


def ask(running: process.OrgProcess, what: str, **filters: str) -> Any:
    """Return what the org's back door says."""
    url = f"{running.url}/__admin/{what}"
    return httpx.get(url, params=filters, trust_env=False).raise_for_status().json()
