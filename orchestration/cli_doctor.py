"""`touchline doctor`: whether Salesforce takes what the mapping wants, and what to do (K8)."""

import typer

from orchestration.settings import Settings
from orchestration.terminal.console import Json, beside, out, print_json


def doctor(as_json: Json = False) -> None:
    """Check login, permissions, fields, limits and mapping in one pass, and write nothing.

    Each finding says what to do, with its place in Salesforce Setup. It works before anything was
    loaded. The exit status is 1 where something forbids a write.
    """
    from orchestration.org import Org
    from orchestration.terminal import findings
    from orchestration.terminal.tables import show
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.doctor import History, diagnose, read_history
    from orchestration.writeback.vocabularies import read_vocabularies

    settings = Settings.from_environment()
    history = History()
    with beside.status("Asking Salesforce …"):
        # The read copy of the last run: so a run that is at work is in nobody's way.
        if settings.published.exists():
            with Warehouse(settings.published).connect(read_only=True) as connection:
                history = read_history(connection)
        vocabularies = read_vocabularies(settings.dbt_project / "seeds")
        found = diagnose(Org(settings).connect(), settings.mapping, history, vocabularies)
    if as_json:
        print_json(findings.as_json(found))
    else:
        show(out, *findings.findings_parts(found))
    raise typer.Exit(1 if found.problems else 0)
