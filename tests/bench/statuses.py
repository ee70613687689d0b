"""Whether every enrollment's status is the true one: `make evaluate-statuses` (F1, F2, F5).

Three simulated teams that no model was tuned on, of different sizes and habits, leave their logs,
mailboxes and Salesforce records; `touchline run` works out the statuses as it would for any team.
They are held against what really happened: now, and at random past moments. `--write` puts the
tables into docs/statuses.md.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import duckdb
from rich.console import Console

from orchestration.simulator.simulate import simulate
from tests.bench.figures import Figures, write_between_marks
from tests.bench.status_truth import moments
from tests.bench.teams import Trial
from tests.bench.unseen_habits import unseen_trials
from tests.end_to_end.team import Team

#: People and weeks of each team. Once a model was changed to please these teams, give them another
#: seed.
SIZES, SEED = ((700, 8), (1_500, 10), (2_600, 15)), 20270104
MOMENTS_EACH = 6
#: Room for a column for each status.
WIDTH = 130
PAGE = Path(__file__).parents[2] / "docs" / "statuses.md"
#: The strongest first (F2).
STATUSES = (
    "do_not_contact", "unsubscribed", "replied", "bounced", "bounce_stopped", "excluded",
    "canceled", "completed", "blocked", "paused", "engaged", "queued",
)  # fmt: skip
NOTHING = "(none)"

_NOW = """
select coalesce(truth.status, '(none)'), coalesce(marts.status, '(none)'), true, count(*)
from read_json(
    '{truth}/enrollments.ndjson', format = 'newline_delimited',
    columns = {{'enrollment_id': 'varchar', 'status': 'varchar'}}
) as truth
full join marts.enrollments as marts on truth.enrollment_id = marts.enrollment_id
group by all
"""

_THEN = """
select
    truth.status,
    coalesce(history.status, '(none)'),
    -- What no export dates can only hide a standstill, or show one that is over.
    truth.is_told
    or not (
        truth.status in ('blocked', 'paused')
        or coalesce(history.status, '') in ('blocked', 'paused')
    ),
    count(*)
from read_json(
    '{truth}/moments.ndjson', format = 'newline_delimited',
    columns = {{
        'enrollment_id': 'varchar', 'moment': 'timestamp', 'status': 'varchar',
        'is_told': 'boolean'
    }}
) as truth
left join marts.enrollment_status_history as history
    on truth.enrollment_id = history.enrollment_id
    and truth.moment >= history.valid_from
    and (history.valid_to is null or truth.moment < history.valid_to)
group by all
"""


@dataclass
class Comparison:
    """How often each status was found, by the true one."""

    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    untold: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many were compared and can be known."""
        return self.told.total()

    @property
    def wrong(self) -> int:
        """How many of them differ."""
        return sum(count for (truth, found), count in self.told.items() if truth != found)

    def add(self, rows: Sequence[tuple[str, str, bool, int]]) -> None:
        """Count what a query found."""
        for truth, found, is_told, count in rows:
            (self.told if is_told else self.untold)[truth, found] += count


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, run, compare; what differs although it can be known falls short."""
    options = _options(arguments)
    console = Console(width=max(Console().width, WIDTH))
    past = Comparison()
    tables, verdicts = [], []
    for trial in trials(options.seed):
        console.print(f"{_title(trial)} …")
        with tempfile.TemporaryDirectory() as name:
            now, then = compare(trial, options.keep or Path(name))
        past.told.update(then.told)
        past.untold.update(then.untold)
        tables.append(_confusion(f"{_title(trial)}: statuses now", now))
        verdicts.append(verdict(f"{trial.name}, enrollments", now))
    tables += [_confusion("All teams: statuses at past moments", past), _unknowable(past)]
    verdicts.append(verdict("all teams, past moments that can be known", past))
    for table in tables:
        console.print(f"[bold]{table.title}[/bold]")
        console.print(table.as_rich(), "")
    if options.write:
        write_between_marks(PAGE, [_how(options.seed), *(each.as_markdown() for each in tables)])
    # The last line is the verdict: what falls short comes last.
    for text, is_met in sorted(verdicts, key=lambda each: not each[1]):
        console.print(f"{text} {'ok' if is_met else 'short'}", highlight=False, soft_wrap=True)
    return 0 if all(is_met for _, is_met in verdicts) else 1


def verdict(whose: str, comparison: Comparison) -> tuple[str, bool]:
    """Return the line that says how it went, and whether it is well; on nothing it is not."""
    wrong = f"{comparison.wrong} of {comparison.total:,}"
    return (
        f"evaluate-statuses, {whose} with another status than in truth: {wrong} (limit 0)",
        comparison.total > 0 and comparison.wrong == 0,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("statuses", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=SEED, help="other teams, to mend models by")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    parser.add_argument("--keep", type=Path, help="an empty folder for what the last team left")
    return parser.parse_args(arguments)


def trials(seed: int) -> list[Trial]:
    """Return the teams of a seed."""
    return [
        replace(trial, people=people, weeks=weeks)
        for trial, (people, weeks) in zip(unseen_trials(len(SIZES), 0, 0, seed), SIZES, strict=True)
    ]


def compare(trial: Trial, folder: Path) -> tuple[Comparison, Comparison]:
    """Return how a team's statuses compare with the truth: now, and at past moments."""
    simulate(trial.people, trial.weeks, trial.seed, folder, habits=trial.habits)
    team = Team(folder / "data", folder / "landing", folder / "org")
    try:
        team.run()
    finally:
        team.touchline("org", "stop")
    with (folder / "truth" / "moments.ndjson").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(each)) + "\n" for each in moments(trial, MOMENTS_EACH))
    now, then = Comparison(), Comparison()
    with duckdb.connect(str(team.data / "published.duckdb"), read_only=True) as connection:
        now.add(connection.execute(_NOW.format(truth=folder / "truth")).fetchall())
        then.add(connection.execute(_THEN.format(truth=folder / "truth")).fetchall())
    return now, then


def _title(trial: Trial) -> str:
    return f"{trial.name}, {trial.people:,} people, {trial.weeks} weeks, seed {trial.seed}"


def _how(seed: int) -> str:
    return (
        f"Teams of seed {seed}, {MOMENTS_EACH} past moments of each enrollment; written by "
        "`make evaluate-statuses WRITE=1`."
    )


def _confusion(title: str, comparison: Comparison) -> Figures:
    """Return how often each status (across) was found where another, or the same, is true."""
    met = {status for pair in comparison.told for status in pair}
    names = [status for status in (*STATUSES, NOTHING) if status in met]
    return Figures(
        title,
        ("in truth", *names),
        [
            (f"`{truth}`", *(_count(comparison.told[truth, found]) for found in names))
            for truth in names
        ],
    )


def _count(count: int) -> str:
    return f"{count:,}" if count else "·"


def _unknowable(comparison: Comparison) -> Figures:
    return Figures(
        "Past moments that cannot be known",
        ("in truth", "found", "moments"),
        [
            (f"`{truth}`", f"`{found}`", f"{count:,}")
            for (truth, found), count in sorted(comparison.untold.items())
        ],
        text=2,
    )


if __name__ == "__main__":
    sys.exit(main())
