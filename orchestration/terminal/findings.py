"""What the doctor found, as people and machines read it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from orchestration.terminal.tables import counted, titled
from orchestration.writeback.preflight import Preflight
from orchestration.writeback.preflight_facts import Severity

_STYLES: dict[Severity, str] = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def findings_parts(found: Preflight) -> Iterator[Table | Text]:
    """Show what was found, grouped by check, and what to do; then the tally."""
    table = titled("Doctor", "check", "", "subject", "found", "what to do")
    for check, group in groupby(found.findings, key=lambda each: each.check):
        heading: str = check
        for each in group:
            mark = Text(each.severity, style=_STYLES[each.severity])
            table.add_row(heading, mark, each.subject, each.found, each.remedy)
            heading = ""
    yield table
    yield tally(found)


def tally(found: Preflight) -> Text:
    """Say in one line whether anything forbids a write."""
    problems = len(found.problems)
    warnings = sum(each.severity == "warning" for each in found.findings)
    if problems:
        told = f"{counted(problems, 'problem')} and {counted(warnings, 'warning')}: "
        return Text(f"{told}nothing is written until the problems are mended.", style="bold red")
    if warnings:
        return Text(f"No problems, {counted(warnings, 'warning')}.", style="yellow")
    return Text("No problems.", style="green")


def as_json(found: Preflight) -> dict[str, Any]:
    """Return what was found as one object for machines."""
    return {
        "ok": not found.problems,
        "findings": [
            {
                "check": each.check,
                "severity": each.severity,
                "subject": each.subject,
                "found": each.found,
                "remedy": each.remedy,
            }
            for each in found.findings
        ],
        "daily_calls": found.limits.daily_calls if found.limits else None,
        "daily_calls_left": found.limits.daily_calls_left if found.limits else None,
    }
