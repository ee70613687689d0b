"""How results look on a terminal: rich tables that make sense without the manual."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestration.sync_report import SyncReport
from orchestration.terminal.rejects import Rejects, Skips
from orchestration.terminal.summary import Row, Summary

_MEANINGS = {
    ("opened_and_clicked", "none"): "both recorded",
    ("clicked_without_open", "images_blocked"): "images off: the click proves it was read",
    ("clicked_without_open", "privacy_proxy"): "a proxy hid it: the click proves it was read",
    ("clicked_without_open", "tracking_off"): "no pixel: the click proves it was read",
    ("opened_without_click", "none"): "read, nothing clicked",
    ("opened_without_click", "tracking_off"): "read; its links are not tracked",
    ("machine_only", "scanner"): "a security gateway, no person",
    ("machine_only", "privacy_proxy"): "Apple fetched it: read or not, nobody can tell",
    ("replied_without_open", "images_blocked"): "images off: the reply proves it was read",
    ("replied_without_open", "privacy_proxy"): "a proxy hid it: the reply proves it was read",
    ("replied_without_open", "tracking_off"): "no pixel: the reply proves it was read",
    ("replied_without_open", "plain_text"): "no pixel: the reply proves it was read",
    ("clicked_without_open", "plain_text"): "no pixel: the click proves it was read",
    ("none", "none"): "no sign of a reader",
    ("none", "not_delivered"): "never delivered",
    ("none", "internal"): "the team itself, no recipient",
    ("untracked", "tracking_opt_out"): "wants no tracking: out of every rate",
    ("untracked", "plain_text"): "no pixel: out of every rate",
    ("untracked", "tracking_off"): "tracking was off: out of every rate",
}


class PlainTable(Table):
    """A table whose cells are what they say: text from logs is neither markup nor a command."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row, strings taken literally."""
        literal = [Text(legible(cell)) if isinstance(cell, str) else cell for cell in cells]
        super().add_row(*literal, **options)


def legible(text: str) -> str:
    """Spell out what a terminal would obey, such as the escape in a file's name."""
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in text
    )


def titled(title: str, *columns: str, numbers: Sequence[int] = ()) -> PlainTable:
    """Return an empty table with a title; `numbers` are the columns to align right."""
    table = PlainTable(
        title=Text(title), title_justify="left", title_style="bold", pad_edge=False, box=None
    )
    for position, column in enumerate(columns):
        table.add_column(
            column,
            justify="right" if position in numbers else "left",
            header_style="dim",
            overflow="fold",
        )
    return table


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def loads_table(title: str, rows: Sequence[Row]) -> Table:
    """Show what has been loaded so far, per source."""
    table = titled(title, "source", "files", "records", "rejected", "skipped", numbers=(1, 2, 3, 4))
    for source, files, records, rejected, skipped, _ in rows:
        known_files = "" if files is None else f"{files:,}"
        table.add_row(source, known_files, f"{records:,}", f"{rejected:,}", f"{skipped:,}")
    return table


def rejects_table(rejects: Sequence[Rejects]) -> Table:
    """Show rejects by reason, each with a place to look at and what to do."""
    has_settled = any(each.open_records < each.records for each in rejects)
    table = titled(
        "What could not be read (kept in raw.rejects)",
        "source", "reason", "records", *(["still open"] if has_settled else []), "example",
        "what to do",
        numbers=(2, 3) if has_settled else (2,),
    )  # fmt: skip
    for each in rejects:
        counts = [f"{each.records:,}", *([f"{each.open_records:,}"] if has_settled else [])]
        table.add_row(each.source, each.told, *counts, each.example, each.remedy)
    return table


def skips_table(skips: Sequence[Skips]) -> Table:
    """Show skipped records by reason, and what they are."""
    table = titled(
        "What is known to be none of ours (counted, not kept)",
        "source", "reason", "records", "what it is",
        numbers=(2,),
    )  # fmt: skip
    for each in skips:
        table.add_row(each.source, each.reason, f"{each.records:,}", each.meaning)
    return table


def engagement_table(summary: Summary) -> Table:
    """Show opens and clicks as recorded and as people made them."""
    (delivered, open_tracked, opened, opened_human, viewed, click_tracked, clicked, human) = (
        summary.headlines
    )
    table = titled(
        f"Opens and clicks of {delivered:,} delivered messages",
        "", "messages", "of tracked", "share", "meaning",
        numbers=(1, 2, 3),
    )  # fmt: skip
    for name, part, whole, meaning in (
        ("opened, as recorded", opened, open_tracked, "whoever fetched the pixel"),
        (
            "opened by people",
            opened_human,
            open_tracked,
            "the floor: proxies hide the rest",
        ),
        ("viewed", viewed, open_tracked, "a person opened, clicked or replied"),
        ("clicked, as recorded", clicked, click_tracked, "security scanners included"),
        ("clicked by people", human, click_tracked, "the figure to trust"),
    ):
        table.add_row(name, f"{part:,}", f"{whole:,}", _percent(part, whole), meaning)
    return table


def discrepancies_table(summary: Summary) -> Table:
    """Show why opens and clicks disagree."""
    table = titled(
        "Where opens and clicks disagree, and why",
        "class", "likely cause", "messages", "of all", "meaning",
        numbers=(2, 3),
    )  # fmt: skip
    for name, cause, messages, share in summary.discrepancies:
        meaning = _MEANINGS.get((name, cause), "")
        shown = ("no sign" if name == "none" else name, "" if cause == "none" else cause)
        table.add_row(*shown, f"{messages:,}", f"{100 * share:.1f} %", meaning)
    return table


def reply_rates_table(summary: Summary) -> Table:
    """Show reply rates per sequence, each with its interval."""
    table = titled(
        "Reply rates (people's replies; automatic ones left out)",
        "sequence", "enrolled", "replied", "rate", "95 % interval",
        numbers=(1, 2, 3, 4),
    )  # fmt: skip
    for name, enrolled, replied, rate, low, high in summary.reply_rates:
        label = Text("all sequences", style="bold") if name == "all" else str(name)
        table.add_row(
            label, f"{enrolled:,}", f"{replied:,}", f"{100 * rate:.1f} %",
            f"{100 * low:.1f} to {100 * high:.1f} %",
        )  # fmt: skip
    return table


def statuses_table(summary: Summary) -> Table:
    """Show where enrollments stand, in Salesforce's words and ours."""
    table = titled(
        "Where people stand",
        "status in Salesforce", "internal", "enrollments", "because of",
        numbers=(2,),
    )  # fmt: skip
    for word, status, reasons, count in summary.statuses:
        table.add_row(word, status, f"{count:,}", reasons)
    return table


def loose_ends_table(rows: Sequence[Row]) -> Table:
    """Show what could not be tied to anything, with the reason."""
    table = titled("Loose ends, kept and counted", "what", "reason", "how many", numbers=(2,))
    for what, reason, count in rows:
        table.add_row(what, reason, f"{count:,}")
    return table


def fields_table(rows: Sequence[Row]) -> Table:
    """Show a plan per field."""
    table = titled(
        "The plan, per field",
        "object", "field", "policy", "write", "keep", "skip",
        numbers=(3, 4, 5),
    )  # fmt: skip
    for objects, field, policy, writes, kept, skipped in rows:
        table.add_row(objects, field, policy, f"{writes:,}", f"{kept:,}", f"{skipped:,}")
    return table


def records_table(rows: Sequence[Row]) -> Table:
    """Show what a plan creates and deletes."""
    table = titled(
        "The plan, records created or deleted",
        "", "object", "write", "keep", "skip",
        numbers=(2, 3, 4),
    )  # fmt: skip
    for operation, object_name, writes, kept, skipped in rows:
        table.add_row(operation, object_name, f"{writes:,}", f"{kept:,}", f"{skipped:,}")
    return table


def plan_tables(fields: Sequence[Row], records: Sequence[Row]) -> list[Table]:
    """Show what a plan does to records that exist, and which it creates and deletes."""
    shown = [fields_table(fields)] if fields else []
    return [*shown, records_table(records)] if records else shown


def changes_table(title: str, rows: Sequence[Row]) -> Table:
    """Show single cells of a plan under their record, with what becomes what and why."""
    table = titled(title, "", "field", "change", "reason")
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    shown = None
    for object_name, record_id, field, old, new, decision, reason in rows:
        if record_id != shown:
            table.add_row("", Text(f"{object_name} {record_id}", style="bold"), "", "")
            shown = record_id
        change = Text.assemble(_value(old), " → ", _value(new))
        table.add_row(
            Text(decision, style=_DECISION_STYLES.get(decision, "red")), field, change, reason
        )
    return table


def _value(value: Any) -> Text:
    return Text("(empty)", style="dim") if value is None else Text(legible(str(value)))


_DECISION_STYLES = {"write": "green", "kept": "yellow"}


def outcome_lines(report: SyncReport) -> Iterator[RenderableType]:
    """Say in a sentence or two what the run changed in Salesforce."""
    written, plan, calls = report.writeback, report.plan, report.crm_calls
    if report.is_waiting:
        yield Text(
            f"{plan.plan_id} would change {counted(plan.changed_records, 'record')} in "
            f"{counted(plan.changed_cells, 'field')}. Nothing was written: it waits for approval."
        )
        yield Text("\n".join(f"  - {legible(gate)}" for gate in plan.gates))
        yield Text(
            f"Read it: `touchline plan --stored`. Then `touchline apply {plan.plan_id}` writes it "
            f"now, or `touchline approve {plan.plan_id}` lets the next run write it."
        )
    elif plan.plan_id and not plan.changed_records:
        yield Text("0 changes: Salesforce already says what the logs say. No write was sent.")
    elif plan.plan_id:
        yield Text(
            f"{counted(plan.changed_records, 'record')} differed in "
            f"{counted(plan.changed_cells, 'field')}; {written.written:,} written, "
            f"{written.failed:,} refused, {written.skipped:,} skipped."
        )
    loads = report.loads
    yield Text(
        f"{loads.files:,} new files with {loads.rows:,} records, {loads.rejected:,} rejected; "
        f"{calls.read:,} read and {calls.write:,} write calls to Salesforce; "
        f"{report.seconds:.0f} s.",
        style="dim",
    )


def summary_parts(summary: Summary) -> list[RenderableType]:
    """Return the tables of a whole sync in the order in which they tell their story."""
    parts = [
        loads_table("What was loaded", summary.loads),
        engagement_table(summary),
        discrepancies_table(summary),
        reply_rates_table(summary),
        statuses_table(summary),
    ]
    if summary.rejects:
        parts.insert(1, rejects_table(summary.rejects))
    if summary.loose_ends:
        parts.append(loose_ends_table(summary.loose_ends))
    return list(parts)


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, in words."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def next_steps(published: Path) -> RenderableType:
    """Say what a newcomer may try next."""
    table = titled("What to try next", "command", "what it shows")
    for command, meaning in (
        ("make demo", "again: 0 changes, and no write sent"),
        (".venv/bin/touchline org log --writes", "what was written, in the local org's own log"),
        (".venv/bin/touchline status", "loads, rejects by reason, newest plan, skipped records"),
        (".venv/bin/touchline plan --stored", "the newest plan, cell by cell with its reasons"),
        ("make dev", "the same sync in the Dagster UI, with its lineage"),
    ):
        table.add_row(command, meaning)
    return Group(
        table,
        Text(
            f"Every table is in {_short(published)}, for notebooks and BI tools; Touchline itself "
            f"does not mind who reads it.",
            style="dim",
        ),
    )


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def show(console: Console, *parts: RenderableType) -> None:
    """Print parts with a blank line before each."""
    for part in parts:
        console.print()
        console.print(Group(part))
