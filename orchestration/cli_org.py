"""The `touchline org` commands: the local Salesforce org that demo and tests write to."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.text import Text

from orchestration.local_org import process
from orchestration.local_org.process import OrgProcessError
from orchestration.settings import PROJECT_ROOT, Settings, SettingsError
from orchestration.terminal.console import Json, out, print_json
from orchestration.terminal.tables import counted, titled

_PACKAGE = PROJECT_ROOT / "salesforce"
_PERMISSION_SET = "Touchline_Integration"

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
    told = _ask(running, "metadata")
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
    told = _ask(running, "metadata")
    said = f"The local org begins anew at {running.url}.{_bareness(told)}"
    _tell(running, said, as_json, bare=told["bare"])


@org.command(epilog="Example: touchline org deploy salesforce")
def deploy(
    folder: Annotated[
        Path, typer.Argument(help="A Salesforce project, with its sfdx-project.json.")
    ] = _PACKAGE,
    as_json: Json = False,
) -> None:
    """Deploy a package of fields and permission sets: every component, or none."""
    result = _post("deploy", {"folder": str(folder.absolute())})
    details = result["details"]
    if as_json:
        print_json(result)
    elif result["success"]:
        _show_components(details["componentSuccesses"])
    else:
        _show_failures(details["componentFailures"])
    if not result["success"]:
        raise typer.Exit(1)


@org.command(epilog="Example: touchline org assign Touchline_Integration")
def assign(
    permission_set: Annotated[
        str, typer.Argument(help="A permission set that was deployed.")
    ] = _PERMISSION_SET,
    as_json: Json = False,
) -> None:
    """Assign a permission set to the user that Touchline logs in as."""
    result = _post("assign", {"permission_set": permission_set})
    if as_json:
        print_json(result)
    else:
        out.print(f"{permission_set} is assigned to {result['username']}.")


@org.command(epilog="Example: touchline org status --json")
def status(as_json: Json = False) -> None:
    """Say whether the org runs, where, and how many calls it has answered."""
    running = process.find(local_settings().org)
    if running is None:
        _tell_absence("The local org is not running.", as_json)
        raise typer.Exit(0 if as_json else 1)
    calls = _ask(running, "requests/summary")
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
    calls = _ask(running, "requests", limit=str(limit), **filters)
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


def _ask(running: process.OrgProcess, what: str, **filters: str) -> Any:
    url = f"{running.url}/__admin/{what}"
    return httpx.get(url, params=filters, trust_env=False).raise_for_status().json()


def _post(what: str, body: dict[str, Any]) -> Any:
    running = process.find(local_settings().org)
    if running is None:
        raise OrgProcessError("The local org is not running. Start it: `touchline org start`.")
    reply = httpx.post(f"{running.url}/__admin/{what}", json=body, trust_env=False, timeout=60)
    if reply.status_code == httpx.codes.BAD_REQUEST:
        raise OrgProcessError(str(reply.json()[0]["message"]))
    return reply.raise_for_status().json()


def _show_components(components: list[dict[str, Any]]) -> None:
    table = titled("Deployed", "state", "type", "name")
    for each in components:
        table.add_row(_state(each), each["componentType"], each["fullName"])
    out.print(table)
    states = [_state(each) for each in components]
    tally = ", ".join(
        f"{states.count(state)} {state}"
        for state in ("created", "changed", "unchanged")
        if state in states
    )
    out.print(f"{counted(len(states), 'component')}: {tally}.")


def _show_failures(failures: list[dict[str, Any]]) -> None:
    table = titled("Component failures", "type", "name", "problem", "file")
    for each in failures:
        table.add_row(each["componentType"], each["fullName"], each["problem"], each["fileName"])
    out.print(table)
    out.print(f"{counted(len(failures), 'component')} failed; nothing was deployed.")


def _state(component: dict[str, Any]) -> str:
    if component["created"]:
        return "created"
    return "changed" if component["changed"] else "unchanged"
