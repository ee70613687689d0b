"""How one person's story looks on a terminal: who it is, where they stand, and the timeline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestration.explain import account
from orchestration.explain.sentences import (
    Sentence,
    cell_change,
    cell_reason,
    decision,
    sentence,
)
from orchestration.explain.story import (
    Attempt,
    Entry,
    Event,
    Place,
    Planned,
    Reply,
    Sent,
    StatusChange,
    Story,
    Value,
)
from orchestration.terminal.tables import PlainTable, counted, legible, titled

#: From this width on, where something is written, and why, have columns of their own.
_WIDE = 130

_COLOURS = {
    "human": "green", "machine": "dim", "internal": "dim", "unknown": "yellow",
    "write": "green", "kept": "yellow",
}  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """A line of the timeline; alike opens or clicks in a row are one, `times` over."""

    entry: Entry
    times: int
    last: Entry


def story_parts(story: Story, *, width: int, limit: int | None) -> Iterator[RenderableType]:
    """Show a story; of a long one the newest `limit` lines. None shows every event by itself."""
    yield _head(story)
    if story.enrollments:
        yield _enrollments_table(story)
    values = [
        value
        for value in story.values
        if limit is None or value.value is not None or value.decision not in {None, "unchanged"}
    ]
    if values:
        yield _values_table(story, values, is_wide=width >= _WIDE)
    lines = _lines(story.timeline, folds=limit is not None)
    shown = lines if limit is None else lines[max(0, len(lines) - limit) :]
    if not lines:
        yield Text("Nothing is known to have happened.")
        return
    yield _timeline(shown, is_wide=width >= _WIDE)
    if len(shown) < len(lines):
        yield Text(
            f"{counted(len(lines) - len(shown), 'earlier line')} not shown: `--all`, or a higher "
            f"`--limit`."
        )


def _head(story: Story) -> RenderableType:
    person = story.person
    return Group(
        Text(legible(account.title(story)), style="bold"),
        Text(legible(account.identity(person))),
        *(Text(legible(line)) for line in account.further_names(person)),
        *(Text(legible(line), style="yellow") for line in account.warnings(person)),
        Text(account.told_of(story), style="dim"),
    )


def _enrollments_table(story: Story) -> Table:
    table = titled("Where they stand", "sequence", "status", "since", "because")
    for each in story.enrollments:
        table.add_row(
            each.sequence_name or each.enrollment_id,
            f"{each.status_word} ({each.status})",
            f"{each.since:%Y-%m-%d %H:%M}",
            each.reason_words,
        )
    return table


def _values_table(story: Story, values: Sequence[Value], *, is_wide: bool) -> Table:
    """Show each field's value; why is said where it is not simply written or the same."""
    title = "What Salesforce is to have" if story.as_of is None else "What was planned by then"
    table = titled(title, "field", "value", "newest plan", *([""] if is_wide else []))
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for each in values:
        value = Text("(empty)", style="dim") if each.value is None else Text(legible(each.value))
        reason = "" if each.decision in {None, "write", "unchanged"} else cell_reason(each)
        why = Text(legible(reason), style="dim")
        if reason and not is_wide:
            value = Text.assemble(value, "\n", why)
        decided = Text(decision(each), style=_COLOURS.get(each.decision or "", "dim"))
        table.add_row(each.field, value, decided, *([why] if is_wide else []))
    return table


def _timeline(lines: Sequence[_Line], *, is_wide: bool) -> Table:
    table = PlainTable(title=Text("What happened"), title_justify="left", title_style="bold",
                       pad_edge=False, box=None, show_header=is_wide)  # fmt: skip
    for name in ("", "", "", "where it is written")[: 4 if is_wide else 3]:
        table.add_column(name, header_style="dim", overflow="fold")
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for day, within in groupby(lines, lambda line: line.entry.at.date()):
        table.add_row(Text(f"{day}", style="bold"))
        for line in within:
            told = sentence(line.entry)
            words = _account(line, told)
            place = Text(_where(told.place), style="dim")
            if told.place and not is_wide:
                words = Text.assemble(words, "\n", place)
            what = Text(legible(told.what), style=_style(line.entry))
            table.add_row(f"{line.entry.at:%H:%M:%S}", what, words, *([place] if is_wide else []))
    return table


def _account(line: _Line, told: Sentence) -> Text:
    times = f"{line.times} times until {line.last.at:%H:%M:%S}, " if line.times > 1 else ""
    words = Text(legible(f"{times}{told.account}"))
    for detail in told.details:
        words.append(f"\n{legible(detail)}", style="dim")
    if isinstance(line.entry, Planned):
        for cell in line.entry.cells:
            if cell.decision != "unchanged":
                words.append("\n")
                words.append(cell.decision, style=_COLOURS.get(cell.decision, "red"))
                words.append(f" {legible(cell_change(cell))}")
                if cell.decision != "write":
                    words.append(f", {legible(cell_reason(cell))}", style="dim")
    return words


def _where(place: Place | None) -> str:
    if place is None:
        return ""
    copies = f" ({place.copies} copies)" if place.copies > 1 else ""
    return legible(f"{place}{copies}")


def _style(entry: Entry) -> str:
    if isinstance(entry, StatusChange):
        return "bold cyan"
    if isinstance(entry, Event):
        return _COLOURS.get(entry.actor or "", "")
    if isinstance(entry, Attempt):
        return "green" if entry.outcome == "written" else "red"
    return "bold" if isinstance(entry, Reply | Sent) else ""


def _lines(timeline: Sequence[Entry], *, folds: bool) -> list[_Line]:
    """Turn entries into lines; alike opens and clicks in a row on a day may be one."""
    if not folds:
        return [_Line(entry, 1, entry) for entry in timeline]
    groups = (
        [entry for _, entry in group]
        for _, group in groupby(enumerate(timeline), lambda each: _alike(*each))
    )
    return [_Line(entries[0], len(entries), entries[-1]) for entries in groups]


def _alike(position: int, entry: Entry) -> tuple[object, ...]:
    """Return what opens and clicks of one message must have in common: all that is shown of them.

    But for the place; what there is once, such as a bounce, is never folded.
    """
    if (
        not isinstance(entry, Event)
        or entry.event_type not in {"opened", "clicked"}
        or entry.message_key is None
    ):
        return (position,)
    told = sentence(entry)
    return (entry.message_key, entry.at.date(), told.what, told.account, told.details)
