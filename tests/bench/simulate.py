"""How fast the simulator writes: `make bench` prints the figures and one verdict."""

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.simulator.simulate import simulate

#: Issue 2 asks for this many SendGrid events a second, everything else written along with them.
LIMIT = 100_000

PEOPLE, WEEKS, SEED, RUNS = 40_000, 6, 7, 3


def main() -> int:
    """Write a team of 40,000 people three times; the best run counts, the others show the noise."""
    console = Console()
    table = Table("run", "events", "files", "MB", "seconds", "events/s", box=None)
    best = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for run in range(1, RUNS + 1):
            report = simulate(PEOPLE, WEEKS, SEED, Path(folder))
            speed = report.events / report.seconds
            best = max(best, speed)
            table.add_row(
                str(run),
                f"{report.events:,}",
                f"{report.files:,}",
                f"{report.bytes / 1e6:,.0f}",
                f"{report.seconds:.1f}",
                f"{speed:,.0f}",
            )
    console.print(table)
    is_fast = best >= LIMIT
    verdict = "ok" if is_fast else "short"
    console.print(f"simulate: {best:,.0f} events/s (limit {LIMIT:,} events/s) {verdict}")
    return 0 if is_fast else 1


if __name__ == "__main__":
    sys.exit(main())
