"""How often the interval of D6 holds the true open rate: `make evaluate-coverage` counts it.

200 simulated teams of all sizes and habits leave logs as they would in the real systems; the logs
land in one warehouse, dbt works out the marts, and each sequence's interval is held against the
truth that no log shows: how many of the messages were really read. In these teams opening and
clicking are independent, as the estimator assumes; the verdict is on them. In other teams people
whose opens nobody sees click less, or more, or few people click most. There what the logs would say
goes straight into `marts.messages`, and the table shows by how much the model errs. `--write`
puts the table into docs/coverage.md.
"""

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import track

from orchestration.landing.load import load
from orchestration.warehouse import Warehouse
from tests.bench.coverage_teams import (
    Scenario,
    Team,
    Truth,
    write_captures,
    write_logs,
)
from tests.bench.figures import Figures, write_between_marks

#: The issue's limits: below, the interval promises too much; above, it is wider than it need be.
FEWEST_HELD, MOST_HELD = 0.90, 0.98

INDEPENDENT, TEAMS = Scenario("independent, as assumed"), 200
DEPENDENT, TEAMS_EACH = (
    (
        Scenario("independent, but uneven", is_uneven=True),
        Scenario("unseen click 0.5 times", 0.5),
        Scenario("unseen click 0.75 times", 0.75),
        Scenario("unseen click 0.9 times", 0.9),
        Scenario("unseen click 1.25 times", 1.25),
        Scenario("unseen click 1.5 times", 1.5),
    ),
    60,
)
#: Teams that share their files.
TEAMS_PER_PART = 20

HEADER = ("clicking", "figures", "too few", "hold", "below", "above", "error", "width")
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "coverage.md"

Write = Callable[[Path, list[Team]], dict[str, Truth]]


@dataclass
class Tally:
    """How a scenario's intervals fared against the truth."""

    too_few: int = 0
    held: int = 0
    below: int = 0
    above: int = 0
    errors: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    @property
    def shown(self) -> int:
        """Sequences with a figure."""
        return self.held + self.below + self.above


def main() -> int:
    """Simulate, load, build, compare; the verdict is on the teams that keep to the assumption."""
    console = Console()
    independent = [Team(number, INDEPENDENT) for number in range(TEAMS)]
    dependent = [
        Team(TEAMS * (1 + place) + number, scenario)
        for place, scenario in enumerate(DEPENDENT)
        for number in range(TEAMS_EACH)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        more, miscounted_more = _from_captures(folder / "captures", dependent, console)
        tallies, miscounted = _from_logs(folder / "logs", independent, console)
    tallies |= more
    figures = _figures(tallies)
    console.print(figures.as_rich())
    if "--write" in sys.argv[1:]:
        write_between_marks(PAGE, [figures.as_markdown()])
    tally = tallies[INDEPENDENT.name]
    share, miscounted = tally.held / max(tally.shown, 1), miscounted + miscounted_more
    held = f"{share:.1%} of {tally.shown} intervals hold the true open rate"
    verdicts = [
        (f"sequences of another size than in truth: {miscounted} (limit 0)", miscounted == 0),
        (
            f"evaluate-coverage: {held} (limit {FEWEST_HELD:.0%} to {MOST_HELD:.0%})",
            FEWEST_HELD <= share <= MOST_HELD,
        ),
    ]
    # The last line is the verdict: what falls short comes last.
    for text, is_met in sorted(verdicts, key=lambda verdict: not verdict[1]):
        console.print(f"{text} {'ok' if is_met else 'short'}", soft_wrap=True)
    return 0 if all(is_met for _, is_met in verdicts) else 1


def _from_logs(folder: Path, teams: list[Team], console: Console) -> tuple[dict[str, Tally], int]:
    """Land the teams' logs and build everything that the mart needs."""
    truths = _simulate(write_logs, folder / "landing", teams, console)
    warehouse = Warehouse(folder / "warehouse.duckdb")
    console.print("Loading the logs …")
    rows = load(warehouse, folder / "landing").rows
    console.print(f"Working out the marts from {rows:,} records …")
    _dbt(warehouse, "seed")
    _dbt(warehouse, "run", "--select", "+tracking_coverage")
    return _compare(warehouse, truths)


def _from_captures(
    folder: Path, teams: list[Team], console: Console
) -> tuple[dict[str, Tally], int]:
    """Put what logs would say into `marts.messages`, and build the mart from that alone."""
    truths = _simulate(write_captures, folder, teams, console)
    warehouse = Warehouse(folder / "warehouse.duckdb")
    with warehouse.connect() as connection:
        connection.execute(
            f"""
            create table marts.messages as
            select
                'sequence' as origin,
                true as open_tracking_enabled,
                true as click_tracking_enabled,
                true as is_delivered,
                *
            from read_csv(
                '{folder}/*.csv',
                columns = {{
                    'sequence_id': 'varchar',
                    'mail_provider': 'varchar',
                    'recipient_email': 'varchar',
                    'human_open_count': 'bigint',
                    'human_click_count': 'bigint'
                }}
            )
            """
        )
    _dbt(warehouse, "run", "--select", "tracking_coverage")
    return _compare(warehouse, truths)


def _simulate(write: Write, folder: Path, teams: list[Team], console: Console) -> dict[str, Truth]:
    """Let the teams write what they leave behind, and return the truth by sequence."""
    folder.mkdir(parents=True)
    truths: dict[str, Truth] = {}
    # Spawned workers start clean, whatever threads this process runs.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        parts = [
            pool.submit(write, folder, teams[start : start + TEAMS_PER_PART])
            for start in range(0, len(teams), TEAMS_PER_PART)
        ]
        for part in track(parts, f"Simulating {len(teams)} teams", console=console):
            truths |= part.result()
    return truths


def _dbt(warehouse: Warehouse, *arguments: str) -> None:
    place = warehouse.path.parent
    done = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            *arguments,
            *("--target-path", str(place / "target"), "--log-path", str(place / "dbt")),
        ],
        cwd=ROOT / "dbt_project",
        env={**os.environ, "TOUCHLINE_WAREHOUSE": str(warehouse.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def _compare(warehouse: Warehouse, truths: dict[str, Truth]) -> tuple[dict[str, Tally], int]:
    """Return how each scenario fared, and how many sequences have other messages than in truth."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(
            "select stratum_value, tracked_count, estimated_open_rate, estimated_open_rate_low, "
            "estimated_open_rate_high from marts.tracking_coverage where stratum = 'sequence'"
        ).fetchall()
    sizes = {sequence: tracked for sequence, tracked, *_ in rows}
    miscounted = sum(sizes.get(sequence) != truth.tracked for sequence, truth in truths.items())
    for sequence, _, estimate, low, high in rows:
        truth = truths[sequence]
        tally = tallies[truth.scenario]
        if estimate is None:
            tally.too_few += 1
            continue
        rate = truth.read / truth.tracked
        tally.held += low <= rate <= high
        tally.below += high < rate
        tally.above += low > rate
        tally.errors.append(estimate / rate - 1)
        tally.widths.append((high - low) / estimate)
    return dict(tallies), miscounted


def _figures(tallies: dict[str, Tally]) -> Figures:
    rows = []
    for scenario in (INDEPENDENT, *DEPENDENT):
        tally = tallies[scenario.name]
        shares = (count / tally.shown for count in (tally.held, tally.below, tally.above))
        rows.append(
            (
                scenario.name,
                str(tally.shown),
                str(tally.too_few),
                *(f"{share:.1%}" for share in shares),
                f"{median(tally.errors):+.1%}",
                f"{median(tally.widths):.0%}",
            )
        )
    return Figures("Intervals held against the truth", HEADER, rows)


if __name__ == "__main__":
    sys.exit(main())
