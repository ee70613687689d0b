"""A8: one table of reasons; the manual shows the same, and no line of it is dead.

That it has every reason is asked after each test of this room (`conftest.py`).
"""

import re
from pathlib import Path

import pytest

from orchestration.landing import reasons
from orchestration.landing.formats import FORMATS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "landing.md").read_text(encoding="utf-8")


def rows_under(heading: str) -> dict[str, str]:
    """Return the first two columns of the tables in a section."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|$", section, re.M))


def test_the_manual_tells_what_the_terminal_tells() -> None:
    assert rows_under("Rejects") == reasons.REMEDIES
    assert rows_under("Skipped records") == reasons.SKIPPED


def test_the_manual_names_every_raw_table() -> None:
    named = set(re.findall(r"`([a-z_]+)` \|$", PAGE, re.M))
    assert {each.table.removeprefix("raw.") for each in FORMATS} <= named


@pytest.mark.parametrize("reason", [*reasons.REMEDIES, *reasons.SKIPPED])
def test_every_reason_is_given_somewhere(reason: str) -> None:
    room = ROOT / "orchestration" / "landing"
    texts = [file.read_text("utf-8") for file in room.glob("*.py") if file.name != "reasons.py"]
    assert any(re.search(rf"['\"]{reason}(['\"]|: )", text) for text in texts)


def test_a_reason_without_advice_is_told_all_the_same() -> None:
    assert reasons.remedy("beamed_up: twice") == ""
    assert reasons.kind_of("beamed_up: twice: x") == "beamed_up"
