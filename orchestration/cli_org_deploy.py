"""`touchline org deploy` and `assign`: what a Salesforce admin does, done to the local org."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from orchestration.cli_org import local_settings
from orchestration.local_org import process
from orchestration.local_org.process import OrgProcessError
from orchestration.settings import PROJECT_ROOT
from orchestration.terminal.console import Json, out, print_json
from orchestration.terminal.tables import counted, titled

_PACKAGE = PROJECT_ROOT / "salesforce"
_PERMISSION_SET = "Touchline_Integration"


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
