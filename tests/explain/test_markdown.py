"""A story as Markdown: whatever stands in subjects and names, the tables stay tables."""

from orchestration.explain.markdown import as_markdown
from tests.explain.ann import story


def test_every_entry_is_a_row_and_marks_in_it_are_text() -> None:
    text = as_markdown(story())
    happened = text.partition("### What happened")[2].strip().splitlines()
    assert len(happened) == 2 + len(story().timeline)
    assert "Warm \\| introduction: engaged → replied" in text
    unescaped = [line.replace("\\|", "").count("|") for line in happened]
    assert set(unescaped) == {5}
