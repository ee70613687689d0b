"""The consoles that all commands share, and what they have in common."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

#: In a pipe nothing is cut or wrapped at the width of somebody's terminal.
_PIPE_WIDTH = None if sys.stdout.isatty() else 400

#: What it prints comes from files and from Salesforce: brackets in it are no markup.
out = Console(width=_PIPE_WIDTH, markup=False, highlight=False)
#: Progress goes beside the output, so that a pipe gets results only.
beside = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]


def print_json(value: Any) -> None:
    """Print one JSON document, times in ISO 8601, undecorated."""
    typer.echo(json.dumps(value, default=str))


def say_error(message: str) -> None:
    """Say what went wrong, beside the output."""
    beside.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)


def say_warning(message: str) -> None:
    """Say what somebody should look at, beside the output."""
    beside.print(f"[bold yellow]warning:[/] {escape(message)}", highlight=False, soft_wrap=True)
