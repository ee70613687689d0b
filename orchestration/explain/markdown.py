"""A story as Markdown, for the Dagster UI."""

import re
from collections.abc import Iterable, Iterator, Sequence

from orchestration.explain import account
from orchestration.explain.sentences import cell_change, cell_reason, decision, sentence
from orchestration.explain.story import Entry, Planned, Story

#: What Markdown, or a table in it, would take for its own.
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~])")


def as_markdown(story: Story) -> str:
    """Return the whole story, one row for each thing that happened."""
    return "\n".join(_lines(story)) + "\n"


def _lines(story: Story) -> Iterator[str]:
    yield f"## {_plain(account.title(story))}"
    for line in (account.identity(story.person), *account.further_names(story.person)):
        yield f"\n{_plain(line)}"
    for line in account.warnings(story.person):
        yield f"\n**{_plain(line)}**"
    yield f"\n{account.told_of(story)}"
    if story.enrollments:
        yield "\n### Where they stand\n"
        yield from _table(
            ("sequence", "status", "since", "because"),
            [
                (
                    each.sequence_name or each.enrollment_id,
                    f"{each.status_word} ({each.status})",
                    f"{each.since:%Y-%m-%d %H:%M:%S}",
                    each.reason_words,
                )
                for each in story.enrollments
            ],
        )
    if story.values:
        yield "\n### What Salesforce is to have\n"
        yield from _table(
            ("field", "value", "newest plan", "reason"),
            [
                (each.field, each.value or "", decision(each), cell_reason(each))
                for each in story.values
            ],
        )
    yield "\n### What happened\n"
    yield from _table(("when", "what", "account", "where it is written"), map(_row, story.timeline))


def _row(entry: Entry) -> tuple[str, ...]:
    told = sentence(entry)
    parts = [told.account, *told.details]
    if isinstance(entry, Planned):
        parts += [
            f"{cell.decision} {cell_change(cell)}"
            for cell in entry.cells
            if cell.decision != "unchanged"
        ]
    return f"{entry.at:%Y-%m-%d %H:%M:%S}", told.what, "; ".join(parts), str(told.place or "")


def _table(header: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"


def _plain(text: str) -> str:
    """Return text that means nothing to Markdown: subjects and addresses come from anywhere."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
