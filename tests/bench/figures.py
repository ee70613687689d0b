"""A table of figures that goes to a terminal and, between two marks, into a page of the docs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


@dataclass(frozen=True)
class Figures:
    """A titled table; numbers are formatted already. `text` columns stand to the left."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    text: int = 1

    def as_rich(self) -> Table:
        """Return it for a terminal, without its title."""
        table = Table(box=None, pad_edge=False, collapse_padding=True)
        for number, name in enumerate(self.header):
            is_text = number < self.text
            table.add_column(name, justify="left" if is_text else "right", no_wrap=is_text)
        for row in self.rows:
            table.add_row(*(cell.strip("`") for cell in row))
        return table

    def as_markdown(self) -> str:
        """Return it as a section of a page."""
        rule = ["---" if number < self.text else "---:" for number in range(len(self.header))]
        lines = [f"| {' | '.join(row)} |" for row in (self.header, rule, *self.rows)]
        return "\n".join([f"### {self.title}", "", *lines])


def write_between_marks(page: Path, sections: Iterable[str]) -> None:
    """Replace what stands between the marks of a page.

    Raises:
        ValueError: the page does not have both marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for figures: {BEGIN} … {END}")
    body = "\n\n".join(sections)
    page.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
