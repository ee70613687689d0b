"""How results look on a terminal: rich tables that make sense without the manual."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestration.sync_report import SyncReport
from orchestration.terminal.summary import Row, Summary

_MEANINGS = {
    ("opened_and_clicked", "none"): "both recorded",
    ("clicked_without_open", "images_blocked"): "images off: the click proves it was read",
    ("clicked_without_open", "privacy_proxy"): "a proxy hid the open: the click proves it was read",
    ("clicked_without_open", "tracking_off"): "no pixel in the mail: the click proves it was read",
    ("opened_without_click", "none"): "read, nothing clicked",
    ("opened_without_click", "tracking_off"): "read; its links are not tracked",
    ("machine_only", "scanner"): "a security gateway opened or clicked, no person",
    ("machine_only", "privacy_proxy"): "Apple's proxy fetched it: nobody can tell if it was read",
    ("replied_without_open", "images_blocked"): "images off: the reply proves it was read",
    ("replied_without_open", "privacy_proxy"): "a proxy hid the open: the reply proves it was read",
    ("none", "none"): "no sign of a reader",
    ("none", "not_delivered"): "never delivered",
    ("untracked", "plain_text"): "plain text carries no pixel: out of every rate",
    ("untracked", "tracking_off"): "tracking was off: out of every rate",
}


def _table(title: str, *columns: str, numbers: Sequence[int] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False, box=None)
    for position, column in enumerate(columns):
        table.add_column(
            column, justify="right" if position in numbers else "left", header_style="dim"
        )
    return table


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def loads_table(summary: Summary) -> Table:
    """Show what has been loaded so far, per source."""
    table = _table("What was loaded", "source", "files", "records", "rejected", numbers=(1, 2, 3))
    for source, files, records, rejected, _ in summary.loads:
        table.add_row(source, f"{files:,}", f"{records:,}", f"{rejected:,}")
    return table


def rejects_table(rows: Sequence[Row]) -> Table:
    """Show the rejects by reason, each with a place to look at."""
    table = _table(
        "What could not be read (kept in raw.rejects)", "source", "reason", "records", "example",
        numbers=(2,),
    )  # fmt: skip
    for source, reason, records, example in rows:
        table.add_row(source, reason, f"{records:,}", str(example))
    return table


def engagement_table(summary: Summary) -> Table:
    """Show opens and clicks as recorded and as people made them."""
    (_, delivered, open_tracked, opened, opened_human, viewed, click_tracked, clicked, human) = (
        summary.headlines
    )
    table = _table(
        f"Opens and clicks of {delivered:,} delivered messages",
        "", "messages", "share", "meaning",
        numbers=(1, 2),
    )  # fmt: skip
    for name, part, whole, meaning in (
        ("opened, as recorded", opened, open_tracked, "whoever fetched the pixel"),
        ("opened by people", opened_human, open_tracked, "the floor: privacy proxies hide the rest"),
        ("viewed", viewed, open_tracked, "a person opened, clicked or replied"),
        ("clicked, as recorded", clicked, click_tracked, "security scanners included"),
        ("clicked by people", human, click_tracked, "the figure to trust"),
    ):
        table.add_row(name, f"{part:,}", _percent(part, whole), meaning)
    return table


def discrepancies_table(summary: Summary) -> Table:
    """Show why opens and clicks disagree."""
    table = _table(
        "Where opens and clicks disagree, and why",
        "class", "likely cause", "messages", "share", "meaning",
        numbers=(2, 3),
    )  # fmt: skip
    for name, cause, messages, share in summary.discrepancies:
        meaning = _MEANINGS.get((name, cause), "")
        table.add_row(name, cause, f"{messages:,}", f"{100 * share:.1f} %", meaning)
    return table


def reply_rates_table(summary: Summary) -> Table:
    """Show reply rates per sequence, each with its interval."""
    table = _table(
        "Reply rates (people's replies; automatic ones left out)",
        "sequence", "enrolled", "replied", "rate", "95 % interval",
        numbers=(1, 2, 3, 4),
    )  # fmt: skip
    for name, enrolled, replied, rate, low, high in summary.reply_rates:
        label = Text("all sequences", style="bold") if name == "all" else Text(str(name))
        table.add_row(
            label, f"{enrolled:,}", f"{replied:,}", f"{100 * rate:.1f} %",
            f"{100 * low:.1f} – {100 * high:.1f} %",
        )  # fmt: skip
    return table


def statuses_table(summary: Summary) -> Table:
    """Show where enrollments stand, in Salesforce's words and ours."""
    table = _table(
        "Where people stand",
        "status in Salesforce", "internal", "enrollments", "because of",
        numbers=(2,),
    )  # fmt: skip
    for word, status, reasons, count in summary.statuses:
        table.add_row(word, status, f"{count:,}", reasons)
    return table


def loose_ends_table(summary: Summary) -> Table:
    """Show what could not be tied to anything, with the reason."""
    table = _table("Loose ends, kept and counted", "what", "reason", "how many", numbers=(2,))
    for what, reason, count in summary.loose_ends:
        table.add_row(what, reason, f"{count:,}")
    return table


def fields_table(rows: Sequence[Row]) -> Table:
    """Show a plan per field."""
    table = _table(
        "What the plan writes, per field",
        "field", "policy", "write", "keep", "skip",
        numbers=(2, 3, 4),
    )  # fmt: skip
    for field, policy, writes, kept, skipped in rows:
        table.add_row(field, policy, f"{writes:,}", f"{kept:,}", f"{skipped:,}")
    return table


def changes_table(title: str, rows: Sequence[Row]) -> Table:
    """Show single cells of a plan with old and new value and the reason."""
    table = _table(title, "record", "field", "old", "new", "decision", "reason")
    for _, record_id, field, old, new, decision, reason in rows:
        table.add_row(record_id, field, _value(old), _value(new), decision, reason)
    return table


def _value(value: Any) -> Text:
    return Text("(empty)", style="dim") if value is None else Text(str(value))


def outcome_lines(report: SyncReport) -> Iterator[RenderableType]:
    """Say in a sentence or two what the run changed in Salesforce."""
    written, plan, calls = report.writeback, report.plan, report.crm_calls
    if report.is_waiting:
        yield f"The plan {plan.plan_id} waits for approval: `touchline apply {plan.plan_id}`."
    elif plan.plan_id and not plan.changed_records:
        yield Text("0 changes: Salesforce already says what the logs say. No write was sent.")
    elif plan.plan_id:
        yield Text(
            f"{plan.changed_records:,} records differed in {plan.changed_cells:,} fields; "
            f"{written.written:,} were written, {written.failed:,} refused, "
            f"{written.skipped:,} skipped."
        )
    loads = report.loads
    yield Text(
        f"{loads.files:,} new files with {loads.rows:,} records, {loads.rejected:,} rejected; "
        f"{calls.read:,} read and {calls.write:,} write calls to Salesforce; "
        f"{report.seconds:.0f} s.",
        style="dim",
    )


def show(console: Console, *parts: RenderableType) -> None:
    """Print parts with a blank line before each."""
    for part in parts:
        console.print()
        console.print(Group(part))
