"""A writeback that is killed, or meets a fault, ends as planned: `make chaos-writeback` (K4, K7).

A process carries out a plan of updates, creations and relations, partly by bulk job, and is killed
with SIGKILL at a random moment; so, now and then, is the process that goes on with it. Then the
local org shows each of its faults at each step. In the end the org must hold what a quiet run
leaves in it, its own log must show that nothing was written twice, and the ledger must know what
became of every attempt.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.bench.writeback_kills import Kills
from tests.bench.writeback_scene import Outcome, Scene, prepared

KILLS, SEED, WORKERS = 300, 20261201, 2
#: Where nobody sees the bar move, so often a line says how far it is.
RUNS_PER_LINE = 50

WRITES: Mapping[str, Mapping[str, str]] = {
    "an update by Collections": {"method": "PATCH", "path": "/composite/sobjects"},
    "a creation by Collections": {"method": "POST", "path": "/composite/sobjects"},
    "starting a job": {"method": "PATCH", "path": "/jobs/ingest/*"},
}
#: So many of them a fault meets, one after the other: all of the jobs, and the first requests.
WRITES_MADE: Mapping[str, int] = {
    "an update by Collections": 3,
    "a creation by Collections": 3,
    "starting a job": 2,
}
STEPS: Mapping[str, Mapping[str, str]] = {
    "the limits": {"path": "/limits*"},
    "the re-read": {"path": "/query*"},
    "opening a job": {"method": "POST", "path": "/jobs/ingest"},
    "an upload": {"method": "PUT"},
    **WRITES,
    "asking for a job": {"method": "GET", "path": "/jobs/ingest/*"},
    "a job's results": {"method": "GET", "path": "/jobs/ingest/*/successfulResults*"},
}
ANYWHERE: Mapping[str, Mapping[str, Any]] = {
    "dropped before": {"kind": "drop_before"},
    "dropped after": {"kind": "drop_after"},
    "dropped for long": {"kind": "drop_before", "times": 6},
    "503 twice": {"kind": "status", "status": 503, "times": 2},
    "500 after": {"kind": "status", "status": 500, "when": "after"},
    "slow answer": {"kind": "slow", "seconds": 1.6, "when": "after"},
    "session expired": {"kind": "expire_session"},
    "daily limit": {"kind": "limit_exceeded", "limit": "daily"},
    "concurrent limit": {"kind": "limit_exceeded", "limit": "concurrent"},
    "a page of HTML": {"kind": "html_page"},
}
AT_WRITES: Mapping[str, Mapping[str, Any]] = {
    "rows locked": {"kind": "lock_rows", "share": 0.5},
}
AT_JOBS: Mapping[str, Mapping[str, Any]] = {
    "job fails": {"kind": "job_fails"},
    "job stays": {"kind": "job_stays"},
    "job ends half-way": {"kind": "job_partly", "after_rows": 5},
}


def main() -> int:
    """Kill runs and show faults, a share of them in each worker; say what came of it."""
    arguments = _arguments()
    console, ends = Console(), Counter[str]()
    started = time.monotonic()
    faults = list(all_faults())[: arguments.faults]
    shares = [
        Share(
            range(worker, arguments.kills, arguments.workers),
            faults[worker :: arguments.workers],
            arguments.seed,
        )
        for worker in range(arguments.workers)
    ]
    total, good = arguments.kills + len(faults), 0
    console.print(f"{arguments.kills} kills, {len(faults)} faults, seed {arguments.seed}")
    runs = track(outcomes(shares), "Killing runs", total=total, console=console)
    for done, run in enumerate(runs, start=1):
        ends.update(run.ends)
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
    faults: Sequence[tuple[str, Mapping[str, Any]]]
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
        for what, fault in share.faults:
            sender.send(show(scene, what, fault))


def show(scene: Scene, what: str, fault: Mapping[str, Any]) -> Outcome:
    """Carry the plan out while the org shows a fault, then go on once it is well again."""
    scene.reset()
    scene.arm(fault)
    with scene.held_open():
        stopped = scene.apply("run").stopped_because
    has_fired = scene.fired()
    scene.clear_faults()
    problems = scene.finish()
    if not has_fired:
        return Outcome(what, ["fault: did not show"], [*problems, "the fault did not show"])
    end = "fault: the run ended early" if stopped else "fault: the run got over it"
    return Outcome(what, [end], problems)


def all_faults() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every fault at every step where it can show, at its first requests."""
    for step, request in STEPS.items():
        kinds = dict(ANYWHERE)
        if step in WRITES:
            kinds |= AT_WRITES
        if step == "starting a job":
            kinds |= AT_JOBS
        for kind, fault in kinds.items():
            for nth in range(1, WRITES_MADE.get(step, 1) + 1):
                yield f"{kind} at {step} no. {nth}", {**request, **fault, "nth": nth}


def _tally(ends: Counter[str]) -> Table:
    table = Table("of the runs", "", box=None)
    for end, count in sorted(ends.items()):
        table.add_row(end, str(count))
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
