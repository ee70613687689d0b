"""A writeback that is killed, or meets a fault, ends as planned: `make chaos-writeback` (K4-K7).

A process carries out a plan of updates and creations, partly by bulk job, or takes such a run back,
and is killed with SIGKILL at a random moment; so, now and then, is the process that goes on with
it. A killed plan is gone on with in two ways: by `apply --resume`, and by the next sync, with a
new snapshot and a new plan; a killed undo by the same undo again, or by `apply --resume`. Then the
local org shows each of its faults at each step, some with a wrong clock or rows that show late.

In the end the org must hold what the plan says, or after an undo what it held before, in every
field of every object, deleted records among them; its own log must show that nothing was written
twice; and the ledger must say of every record what that log says.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from tests.bench.writeback_faults import AFTER, SHOWN, Trial, all_trials
from tests.bench.writeback_kills import (
    AGAIN,
    KILLED,
    NEXT_SYNC,
    RESUMED,
    UNDO_RESUMED,
    UNDONE_AGAIN,
    Kills,
)
from tests.bench.writeback_scene import Outcome, prepared

KILLS, SEED, WORKERS = 300, 20261201, 2
#: Where nobody sees the bar move, so often a line says how far it is.
RUNS_PER_LINE = 50

_ALL = "in the end the org was"


def main() -> int:
    """Kill runs and show faults, a share of them in each worker; say what came of it."""
    arguments = _arguments()
    console, ends = Console(), Counter[tuple[str, str, str]]()
    started = time.monotonic()
    trials = _chosen(all_trials(), arguments.faults)
    shares = [
        Share(
            range(worker, arguments.kills, arguments.workers),
            trials[worker :: arguments.workers],
            arguments.seed,
        )
        for worker in range(arguments.workers)
    ]
    total, good = arguments.kills + len(trials), 0
    console.print(f"{arguments.kills} kills, {len(trials)} faults, seed {arguments.seed}")
    runs = track(outcomes(shares), "Killing runs", total=total, console=console)
    for done, run in enumerate(runs, start=1):
        ends.update((*end, run.way) for end in run.ends)
        ends[_ALL, "not as planned" if run.problems else "as planned", run.way] += 1
        good += not run.problems
        for problem in run.problems:
            console.print(f"{run.name}: {problem}", markup=False)
        if not console.is_terminal and done % RUNS_PER_LINE == 0:
            console.print(f"{done} of {total}, {good} of them as planned")
    console.print(_tally(ends))
    verdict = "ok" if good == total else "short"
    console.print(f"{time.monotonic() - started:.0f} s")
    console.print(
        f"chaos-writeback: {good} of {total} runs as planned (limit {total} of {total}) {verdict}"
    )
    return 0 if verdict == "ok" else 1


@dataclass(frozen=True)
class Share:
    """What one worker does, with an org of its own."""

    kills: Sequence[int]
    trials: Sequence[Trial]
    seed: int


def outcomes(shares: Sequence[Share]) -> Iterator[Outcome]:
    """Do the shares side by side and yield what comes of each run."""
    context = multiprocessing.get_context("spawn")
    workers: dict[Connection, BaseProcess] = {}
    for share in shares:
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=work, args=(share, sender))
        worker.start()
        sender.close()
        workers[receiver] = worker
    while workers:
        for ready in wait(list(workers)):
            if not isinstance(ready, Connection):
                continue
            try:
                yield ready.recv()
            except EOFError:
                ended = workers.pop(ready)
                ended.join()
                if ended.exitcode:
                    raise RuntimeError(f"a worker ended with status {ended.exitcode}") from None


def work(share: Share, sender: Connection) -> None:
    """Do a share in this process and send what comes of each run."""
    with tempfile.TemporaryDirectory() as name, prepared(Path(name)) as scene:
        kills = Kills(scene, share.seed)
        for number in share.kills:
            sender.send(kills.kill_one(number))
        for trial in share.trials:
            sender.send(trial.show(scene))


def _chosen(trials: Sequence[Trial], count: int | None) -> Sequence[Trial]:
    """Return so many of them, of all sorts; all of them where nobody says how many."""
    if count is None or count >= len(trials):
        return trials
    return [trials[place * len(trials) // count] for place in range(count)]


def _tally(ends: Counter[tuple[str, str, str]]) -> Table:
    """Return where kills fell and what faults did, by how the runs were gone on with."""
    ways = [way.name for way in (RESUMED, NEXT_SYNC, UNDONE_AGAIN, UNDO_RESUMED)]
    columns = [Column(way.replace(" ", "\n"), justify="right") for way in ways]
    table = Table("gone on with by", *columns, box=None)
    for heading in (KILLED, AGAIN, SHOWN, AFTER, _ALL):
        table.add_row(heading)
        for end in sorted({end for each, end, _ in ends if each == heading}):
            table.add_row(f"  {end}", *(str(ends[heading, end, way] or "") for way in ways))
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=KILLS, help="how many runs to kill")
    parser.add_argument("--faults", type=int, default=None, help="how many faults; all by default")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes, each with an org")
    parser.add_argument("--seed", type=int, default=SEED, help="of the moments of the kills")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
