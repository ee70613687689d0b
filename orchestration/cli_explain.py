"""`touchline explain`: one person's story, from raw events to what was written."""

from typing import Annotated

import typer
from rich.markup import escape

from orchestration.settings import Settings
from orchestration.terminal.console import Json, beside, out, print_json

Asked = Annotated[
    str,
    typer.Argument(
        metavar="PERSON", help="An email address, the id of a Contact or Lead, or an enrollment's."
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="A past moment, in UTC: 2026-11-20T12:00, or 2026-11-20 for the end of that day. What "
        "had happened by then is told, also if it was loaded later.",
    ),
]


def explain(
    person: Asked,
    as_of: AsOf = None,
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="How many lines of the timeline.")] = 60,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every event by itself, and empty fields.")
    ] = False,
) -> None:
    """Tell one person's story: raw file and line, event, actor and rule, status, plan, ledger.

    It is read from the published copy of the last run, so that nobody is in anybody's way.
    """
    from orchestration.explain.document import as_document
    from orchestration.explain.moments import parse_moment
    from orchestration.explain.tell import explain as tell
    from orchestration.terminal.explain import story_parts
    from orchestration.terminal.tables import show
    from orchestration.warehouse import Warehouse
    from orchestration.writeback.mapping import load_mapping

    settings = Settings.from_environment()
    moment = parse_moment(as_of) if as_of else None
    looking = beside.status(f"Looking for {escape(person)} …")
    with looking, Warehouse(settings.published).connect(read_only=True) as connection:
        story = tell(connection, load_mapping(settings.mapping), person, moment)
    if as_json:
        print_json(as_document(story))
    else:
        show(out, *story_parts(story, width=out.width, limit=None if everything else limit))
