"""A writeback that is killed, or meets a fault, ends as planned: `make chaos-writeback` (K4, K7).

A process carries out a plan of updates, creations and relations, partly by bulk job, and is killed
with SIGKILL at a random moment; so, now and then, is the process that goes on with it. Then the
local org shows each of its faults at each step. In the end the org must hold what a quiet run
leaves in it, its own log must show that nothing was written twice, and the ledger must know what
became of every attempt.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from orchestration.crm.client import CrmError
from tests.bench.writeback_scene import Scene, begin_and_tell, moments, prepared

KILLS, SEED = 300, 20261201
#: So many of the processes that go on with a dead run are killed, too.
KILLED_AGAIN = 0.3
#: A process that has not begun by then is killed all the same.
SECONDS_TO_BEGIN = 60

WRITES: Mapping[str, Mapping[str, str]] = {
    "an update by Collections": {"method": "PATCH", "path": "/composite/sobjects"},
    "a creation by Collections": {"method": "POST", "path": "/composite/sobjects"},
    "starting a job": {"method": "PATCH", "path": "/jobs/ingest/*"},
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
    """Kill runs, then show faults; finish each and compare."""
    arguments = _arguments()
    console, failures = Console(), list[str]()
    ends: Counter[str] = Counter()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name, prepared(Path(name)) as scene:
        console.print(f"{scene.records} records in the plan, seed {arguments.seed}")
        before = time.perf_counter()
        _ = scene.wanted  # a quiet run says what the org is to hold
        kills = Kills(scene, random.Random(arguments.seed), time.perf_counter() - before)
        for number in track(range(arguments.kills), "Killing runs", console=console):
            ends[kills.kill_one()] += 1
            failures += [f"kill {number}: {problem}" for problem in scene.problems()]
        faults = list(all_faults())[: arguments.faults]
        for what, fault in track(faults, "Showing faults", console=console):
            ends[show(scene, fault)] += 1
            failures += [f"{what}: {problem}" for problem in scene.problems()]
    for failure in failures:
        console.print(failure, markup=False)
    console.print(_tally(ends))
    total = arguments.kills + len(faults)
    good = total - len({failure.split(": ")[0] for failure in failures})
    verdict = "ok" if good == total else "short"
    console.print(f"{time.monotonic() - started:.0f} s")
    console.print(
        f"chaos-writeback: {good} of {total} runs as planned (limit {total} of {total}) {verdict}"
    )
    return 0 if verdict == "ok" else 1


class Kills:
    """Runs that are killed, each at a moment of its own."""

    def __init__(self, scene: Scene, chance: random.Random, usual_seconds: float) -> None:
        self._scene = scene
        self._chance = chance
        self._usual_seconds = usual_seconds
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.bench.writeback_scene"])

    def kill_one(self) -> str:
        """Start a run, kill it, perhaps kill what goes on with it, and finish; say where it was."""
        self._scene.reset()
        end = self._start_and_kill("run")
        if self._chance.random() < KILLED_AGAIN:
            self._start_and_kill("second")
        self._scene.finish("last")
        return end

    def _start_and_kill(self, run_id: str) -> str:
        scene = self._scene
        begun = self._context.Event()
        place = (scene.warehouse.path, scene.org.login, scene.plan_id, run_id)
        process = self._context.Process(target=begin_and_tell, args=(begun, *place))
        process.start()
        begun.wait(SECONDS_TO_BEGIN)
        started = time.perf_counter()
        process.join(self._chance.uniform(0, self._usual_seconds))
        was_running = process.is_alive()
        process.kill()
        process.join()
        if was_running:
            self._usual_seconds *= 1.02
            return f"killed: {', '.join(moments(scene))}"
        self._usual_seconds = time.perf_counter() - started
        return "ended before it was killed"


def show(scene: Scene, fault: Mapping[str, Any]) -> str:
    """Carry the plan out while the org shows a fault, then go on once it is well again."""
    scene.reset()
    scene.arm(fault)
    stopped = scene.apply("run").stopped_because
    has_fired = scene.fired()
    scene.clear_faults()
    try:
        scene.finish("last")
    except CrmError as error:
        return f"fault: not finished, {error}"
    if not has_fired:
        return "fault: did not show"
    return "fault: the run ended early" if stopped else "fault: the run got over it"


def all_faults() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every fault at every step where it can show, at its first requests."""
    for step, request in STEPS.items():
        kinds = dict(ANYWHERE)
        if step in WRITES:
            kinds |= AT_WRITES
        if step == "starting a job":
            kinds |= AT_JOBS
        for kind, fault in kinds.items():
            for nth in (1, 2, 3) if step in WRITES else (1,):
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
    parser.add_argument("--seed", type=int, default=SEED, help="of the moments of the kills")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
