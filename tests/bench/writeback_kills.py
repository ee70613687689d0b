"""Runs that are killed with SIGKILL, how each is gone on with, and where the kill fell (K4, K6)."""

import multiprocessing
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.warehouse import WarehouseDamagedError
from tests.bench.writeback_proof import End
from tests.bench.writeback_runs import (
    SECONDS_UNTIL_VISIBLE,
    Act,
    act_and_tell,
    apply,
    resume,
    resume_undo,
    sync,
    undo,
)
from tests.bench.writeback_scene import Left, Outcome, Scene, Start


@dataclass(frozen=True)
class Way:
    """What is killed, how it is gone on with, and what the org is to hold in the end."""

    name: str
    act: Act
    goes_on: Act
    end: End

    def start(self, scene: Scene) -> Start:
        """Return where it begins."""
        return scene.planned if self.end == "planned" else scene.written


RESUMED = Way("resume", apply, resume, "planned")
NEXT_SYNC = Way("next sync", apply, sync, "planned")
UNDONE_AGAIN = Way("undo again", undo, undo, "undone")
UNDO_RESUMED = Way("undo resumed", undo, resume_undo, "undone")

#: In turn: as many undos are killed as plans of either kind.
WAYS = (RESUMED, NEXT_SYNC, UNDONE_AGAIN, RESUMED, NEXT_SYNC, UNDO_RESUMED)

#: Headings of the tally; a first run that was too quick to be killed is repeated.
KILLED, AGAIN = "the first run was killed", "what went on with it was killed, too"
_TOO_QUICK = "(it was done before)"

#: So many of the processes that go on with a dead run are killed, too.
KILLED_AGAIN = 0.3
#: A process that has not begun by then is killed all the same.
SECONDS_TO_BEGIN = 60
#: The machine may be busier by and by: so often the length of a run is measured anew.
KILLS_PER_MEASUREMENT = 25
#: The next sync takes a snapshot and plans besides: of the time of a whole run, about so much.
SYNC_TAKES = 0.5
#: Not every run is as fast as the one that was measured, and the last steps are to be met, too.
LATEST_KILL = 1.25
#: One that goes on with another may look for what that one sent, in two rounds.
LONGEST_LOOK = 3 * SECONDS_UNTIL_VISIBLE

#: A request of a job, by method: what the job is once it is answered.
_JOB_STEPS: Mapping[str, str] = {
    "POST": "opened",
    "PUT": "uploaded",
    "PATCH": "started",
    "GET": "asked for",
}
_JOB_OPERATIONS: Mapping[str | None, str] = {
    "update": "an update job",
    "create": "a creating job",
    "delete": "a deleting job",
}


@dataclass(frozen=True)
class _Death:
    """When a run began and died, and what it left behind."""

    began: datetime
    died: datetime
    left: Left


@dataclass(frozen=True)
class _Pace:
    """Seconds until a run that nobody disturbs sends its first request, and until it is done."""

    first_request: float
    end: float


class _CrashedError(RuntimeError):
    """A run ended by itself, and badly."""


class Kills:
    """Runs that are killed, each at a moment of its own between its first request and its end.

    The processes are forked from one that has everything imported and never opened a warehouse:
    starting an interpreter takes longer than what is to be killed.
    """

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._seed = seed
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.bench.writeback_runs"])
        self._paces: dict[Act, _Pace] = {}
        self._kills = 0

    def kill_one(self, number: int) -> Outcome:
        """Start a run, kill it, perhaps kill what goes on with it, then finish and compare."""
        scene, way = self._scene, WAYS[number % len(WAYS)]
        chance = random.Random(f"{self._seed} {number}")
        if self._kills % KILLS_PER_MEASUREMENT == 0:
            self._paces.clear()
        self._kills += 1
        name = f"kill {number}, {way.name}"
        try:
            deaths = list(self._kill(way, chance))
            problems = scene.finish(way.goes_on, way.end)
        except (_CrashedError, WarehouseDamagedError) as error:
            kept = scene.keep_warehouse()
            return Outcome(name, way.name, (), (f"{error} (the warehouse is kept in {kept})",))
        log = scene.org.requests()
        ends = [(what, self._step(log, death) if death else _TOO_QUICK) for what, death in deaths]
        return Outcome(name, way.name, tuple(ends), problems)

    def _kill(self, way: Way, chance: random.Random) -> Iterator[tuple[str, _Death | None]]:
        """Kill a run, and perhaps what goes on with it; yield how each died, if not too quick."""
        while (first := self._kill_first(way, chance)) is None:
            yield KILLED, None
        yield KILLED, first
        if chance.random() < KILLED_AGAIN:
            yield AGAIN, self._kill_second(way, chance, first)

    def _kill_first(self, way: Way, chance: random.Random) -> _Death | None:
        start = way.start(self._scene)
        pace = self._pace(way.act, start)
        self._scene.reset(start)
        latest = LATEST_KILL * pace.end
        death, seconds = self._let_live(way.act, "run", chance.uniform(pace.first_request, latest))
        if death is None:
            # Half-way: one quick run does not mean that all of them are.
            self._paces[way.act] = replace(pace, end=(pace.end + seconds) / 2)
        return death

    def _kill_second(self, way: Way, chance: random.Random, first: _Death) -> _Death | None:
        """Kill what goes on: it does what is left, but looks for what the first one sent."""
        usual, left = self._paces[way.act], first.left
        seconds = (usual.end - usual.first_request) * (
            1 - left.written / self._scene.wanted.records
        )
        seconds += LONGEST_LOOK if left.sent_at else 0
        seconds += SYNC_TAKES * usual.end if way.goes_on is sync else 0
        death, _ = self._let_live(
            way.goes_on, "second", usual.first_request + chance.uniform(0, seconds)
        )
        return death

    def _pace(self, act: Act, start: Start) -> _Pace:
        """Let a run go undisturbed, now and then."""
        if act not in self._paces:
            self._scene.reset(start)
            began, seconds, _ = self._start(act, "undisturbed", None)
            first, *_ = self._scene.org.requests()
            self._paces[act] = _Pace((_at(first) - began).total_seconds(), seconds)
        return self._paces[act]

    def _let_live(self, act: Act, run_id: str, after: float) -> tuple[_Death | None, float]:
        """Kill it then; return how it died, or None if it was too quick, and how long it lived."""
        began, seconds, was_killed = self._start(act, run_id, after)
        died = began + timedelta(seconds=seconds)
        return (_Death(began, died, self._scene.left()) if was_killed else None), seconds

    def _start(self, act: Act, run_id: str, after: float | None) -> tuple[datetime, float, bool]:
        """Run it for so long, or to its end; return when it began, how long it ran, if killed."""
        begun = self._context.Event()
        arguments = (begun, act, self._scene.place, run_id)
        process = self._context.Process(target=act_and_tell, args=arguments)
        process.start()
        begun.wait(SECONDS_TO_BEGIN)
        began = datetime.now(UTC)
        process.join(after)
        was_killed = process.is_alive()
        process.kill()
        process.join()
        if not was_killed and process.exitcode:
            raise _CrashedError(f"{run_id}: nobody killed it, and its status is {process.exitcode}")
        return began, (datetime.now(UTC) - began).total_seconds(), was_killed

    def _step(self, log: Sequence[Mapping[str, Any]], death: _Death) -> str:
        """Say where a dead run was, by the org's log and by what it left in the ledger.

        The names begin with a number, so that they sort as a run goes.
        """
        mine = [each for each in log if death.began <= _at(each) <= death.died]
        left = death.left
        if not mine:
            return "0 before the first request"
        if not any(each["is_write"] or "/jobs/" in each["path"] for each in mine):
            return "1 before its first write"
        last = mine[-1]
        jobs = [each for each in mine if "/jobs/" in each["path"]]
        if jobs and (left.has_open_job or (last is jobs[-1] and last["method"] == "POST")):
            operation = _JOB_OPERATIONS.get(left.job_operation, "a job")
            return f"4 in {operation}: {_job_step(jobs[-1])}"
        writes = last["is_write"] and "/composite/" in last["path"].lower()
        if writes and death.died < _at(last) + timedelta(milliseconds=last["duration_ms"]):
            return "3 during a write"
        if left.sent_at:
            sent_before = max(left.sent_at) <= _at(last)
            return "3 after a write, before its outcome" if writes and sent_before else _INTENT
        if left.written >= self._scene.wanted.records:
            return "6 after the last outcome"
        return "2 between a read and its intent" if "/query" in last["path"] else _BETWEEN


_INTENT, _BETWEEN = "2 between an intent and its write", "5 between two writes"


def _job_step(last: Mapping[str, Any]) -> str:
    path = last["path"].lower()
    if path.rstrip("/").endswith(("results", "unprocessedrecords")):
        return "answers fetched"
    return _JOB_STEPS[last["method"]]


def _at(request: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(request["at"])
