"""Figures reach the docs between their marks, and leave the rest of the page alone."""

from pathlib import Path

import pytest

from orchestration.simulator.habits import TYPICAL
from tests.bench.evaluate import Score
from tests.bench.figures import BEGIN, END, Figures, write_between_marks
from tests.bench.unseen_habits import unseen_trials

TABLE = Figures("Per rule", ("rule", "events"), [("`R07`", "1,200")])


def test_figures_are_replaced_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        write_between_marks(page, ["Two teams.", TABLE.as_markdown()])
        assert page.read_text() == (
            f"before\n{BEGIN}\n\nTwo teams.\n\n### Per rule\n\n| rule | events |\n| --- | ---: |\n"
            f"| `R07` | 1,200 |\n\n{END}\nafter\n"
        )


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{END} the wrong way round {BEGIN}")
    with pytest.raises(ValueError, match="no place for figures"):
        write_between_marks(page, [])


def test_precision_and_recall() -> None:
    score = Score(people=8, called_people=10, agreed=6)
    assert (score.precision, score.recall) == (0.6, 0.75)
    assert (Score(0, 0, 0).precision, Score(0, 0, 0).recall) == (0.0, 0.0)


def test_unseen_teams_differ_and_come_again_with_their_seed() -> None:
    trials = unseen_trials(12, 100, 6, 5)
    assert trials == unseen_trials(12, 100, 6, 5)
    assert len({trial.seed for trial in trials}) == len({trial.habits for trial in trials}) == 12
    assert TYPICAL not in {trial.habits for trial in trials}
    assert {trial.seed for trial in trials}.isdisjoint(
        trial.seed for trial in unseen_trials(12, 100, 6, 6)
    )
