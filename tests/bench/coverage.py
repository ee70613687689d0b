"""How often the interval of D6 holds the true open rate: `make evaluate-coverage` counts it.

200 simulated teams of all sizes and habits leave logs as they would in the real systems; the logs
land in one warehouse, dbt works out the marts, and each sequence's interval is held against the
truth that no log shows: how many of the messages were really read. In these teams opening and
clicking are independent, as the estimator assumes; the verdict is on them. What the logs would say
also goes straight into `marts.messages`, so that each team has mail providers of its own to be held
against the truth. There further teams join in whose people click less, or more, where nobody sees
their opens, or few of whom click most: the table shows by how much the model errs. `--write` puts
the table into docs/coverage.md.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import track

from orchestration.landing.load import load
from orchestration.warehouse import Warehouse
from tests.bench.coverage_teams import (
    Scenario,
    Stratum,
    Team,
    Truth,
    write_captures,
    write_logs,
)
from tests.bench.figures import Figures, write_between_marks
from tests.dbt_command import run_dbt

#: The issue's limits: below, the interval promises too much; above, it is wider than it need be.
FEWEST_HELD, MOST_HELD = 0.90, 0.98

#: The mart's strata that have a truth: the whole is all teams', and no team's.
STRATA = ("mail_provider", "sequence")
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

HEADER = ("clicking", "by", "figures", "too few", "hold", "below", "above", "error", "width")
PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"

Truths = dict[Stratum, Truth]
Write = Callable[[Path, list[Team]], Truths]
#: How the intervals fared, by scenario and kind of stratum.
Tallies = dict[tuple[str, str], "Tally"]


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
        tallies, miscounted = _from_captures(folder / "captures", independent + dependent, console)
        from_logs, miscounted_in_logs = _from_logs(folder / "logs", independent, console)
    tallies |= from_logs
    figures = _figures(tallies)
    console.print(figures.as_rich())
    if "--write" in sys.argv[1:]:
        write_between_marks(PAGE, [figures.as_markdown()])
    miscounted += miscounted_in_logs
    verdicts = [
        (f"strata of another size than in truth: {miscounted} (limit 0)", miscounted == 0),
        *(_verdict(stratum, tallies[INDEPENDENT.name, stratum]) for stratum in STRATA),
    ]
    # The last line is the verdict: what falls short comes last.
    for text, is_met in sorted(verdicts, key=lambda verdict: not verdict[1]):
        console.print(f"{text} {'ok' if is_met else 'short'}", soft_wrap=True)
    return 0 if all(is_met for _, is_met in verdicts) else 1


def _verdict(stratum: str, tally: Tally) -> tuple[str, bool]:
    share = tally.held / max(tally.shown, 1)
    held = f"{share:.1%} of {tally.shown} intervals hold the true open rate"
    limit = f"limit {FEWEST_HELD:.0%} to {MOST_HELD:.0%}"
    return (
        f"evaluate-coverage by {stratum.replace('_', ' ')}: {held} ({limit})",
        FEWEST_HELD <= share <= MOST_HELD,
    )


def _from_logs(folder: Path, teams: list[Team], console: Console) -> tuple[Tallies, int]:
    """Land the teams' logs and build everything that the mart needs."""
    truths = _simulate(write_logs, folder / "landing", teams, console)
    warehouse = Warehouse(folder / "warehouse.duckdb")
    console.print("Loading the logs …")
    rows = load(warehouse, folder / "landing").rows
    console.print(f"Working out the marts from {rows:,} records …")
    run_dbt(warehouse.path, "seed")
    run_dbt(warehouse.path, "run", "--select", "+tracking_coverage")
    return _compare(warehouse, truths)


def _from_captures(folder: Path, teams: list[Team], console: Console) -> tuple[Tallies, int]:
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
    run_dbt(warehouse.path, "run", "--select", "tracking_coverage")
    return _compare(warehouse, truths)


def _simulate(write: Write, folder: Path, teams: list[Team], console: Console) -> Truths:
    """Let the teams write what they leave behind, and return the truth by sequence."""
    folder.mkdir(parents=True)
    truths: Truths = {}
    # Spawned workers start clean, whatever threads this process runs.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        parts = [
            pool.submit(write, folder, teams[start : start + TEAMS_PER_PART])
            for start in range(0, len(teams), TEAMS_PER_PART)
        ]
        for part in track(parts, f"Simulating {len(teams)} teams", console=console):
            truths |= part.result()
    return truths


def _compare(warehouse: Warehouse, truths: Truths) -> tuple[Tallies, int]:
    """Return how each scenario fared, and how many strata have other messages than in truth."""
    tallies: Tallies = defaultdict(Tally)
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(
            "select stratum, stratum_value, tracked_count, estimated_open_rate, "
            "estimated_open_rate_low, estimated_open_rate_high from marts.tracking_coverage"
        ).fetchall()
    figures = {(stratum, value): row for stratum, value, *row in rows}
    miscounted = 0
    for (stratum, value), truth in truths.items():
        tracked, estimate, low, high = figures.get((stratum, value), [0, None, None, None])
        miscounted += tracked != truth.tracked
        tally = tallies[truth.scenario, stratum]
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


def _figures(tallies: Tallies) -> Figures:
    rows = []
    for scenario, stratum in product((INDEPENDENT, *DEPENDENT), STRATA):
        tally = tallies[scenario.name, stratum]
        shares = (count / tally.shown for count in (tally.held, tally.below, tally.above))
        rows.append(
            (
                scenario.name,
                stratum.removeprefix("mail_"),
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
