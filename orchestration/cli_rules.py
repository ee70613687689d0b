"""The `touchline rules` commands: what tells people from machines, and what a change would do."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from orchestration.settings import Settings
from orchestration.terminal.console import Json, beside, out, print_json

rules = typer.Typer(
    help="See the rules that tell people from machines, and what a change would do.",
    epilog="Example: touchline rules list",
    no_args_is_help=True,
)


@rules.command("list", epilog="Example: touchline rules list")
def list_rules(as_json: Json = False) -> None:
    """Show the rules in their order, and how many opens and clicks each of them decided."""
    from orchestration.terminal import rules as show
    from orchestration.what_if import read_decisions, read_rules

    settings = Settings.from_environment()
    known, decided = read_rules(settings), read_decisions(settings)
    if as_json:
        print_json(
            [
                {
                    "rule_id": rule.rule_id,
                    **rule.parameters,
                    "events": decided.get(rule.rule_id, {}),
                }
                for rule in known
            ]
        )
    else:
        out.print(show.rules_table(known, decided))


@rules.command(epilog="Example: touchline rules compare --set R07.seconds=2")
def compare(
    changes: Annotated[
        list[str],
        typer.Option("--set", help="A rule's parameter and its other value: R07.seconds=2."),
    ],
    as_json: Json = False,
) -> None:
    """Show how opens and clicks per sequence would move with other rules; nothing is changed.

    The published copy of the last run is what it is compared with.
    """
    from orchestration.terminal import rules as show
    from orchestration.what_if import compare as compare_rules

    settings = Settings.from_environment()
    with beside.status("Judging all opens and clicks anew …"):
        comparison = compare_rules(settings, changes)
    if as_json:
        print_json(asdict(comparison))
        return
    for part in show.comparison_parts(comparison):
        out.print(part)
    out.print(
        Text("Nothing was changed. To keep it: edit seeds/actor_rules.csv, then `touchline run`.")
    )
