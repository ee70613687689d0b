"""Runs of the writeback that are killed with SIGKILL, and the step at which each one fell (K4)."""

import multiprocessing
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.writeback_scene import Left, Outcome, Scene, begin_and_tell

#: So many of the processes that go on with a dead run are killed, too.
KILLED_AGAIN = 0.3
#: A process that has not begun by then is killed all the same.
SECONDS_TO_BEGIN = 60
#: The machine may be busier by and by: so often the length of a run is measured anew.
KILLS_PER_MEASUREMENT = 25

#: A request of a job, by method: what the job is once it is answered.
_JOB_STEPS: Mapping[str, str] = {
    "POST": "4 in a job: opened",
    "PUT": "4 in a job: uploaded",
    "PATCH": "4 in a job: started",
    "GET": "4 in a job: asked for",
}


@dataclass(frozen=True)
class _Death:
    """When a run began and died, and what it left behind."""

    began: datetime
    died: datetime
    left: Left


class Kills:
    """Runs that are killed, each at a moment of its own between its first request and its end.

    The processes are forked from one that has everything imported and never opened a warehouse:
    starting an interpreter takes longer than what is to be killed.
    """

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._seed = seed
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.bench.writeback_scene"])
        self._first_request = self._usual_end = 0.0
        self._kills = 0

    def kill_one(self, number: int) -> Outcome:
        """Start a run, kill it, perhaps kill what goes on with it, then finish and compare."""
        scene = self._scene
        chance = random.Random(f"{self._seed} {number}")
        if self._kills % KILLS_PER_MEASUREMENT == 0:
            self._measure()
        self._kills += 1
        ends = []
        while (first := self._start_and_kill("run", chance, self._usual_end)) is None:
            ends.append("ended before it was killed, and was repeated")
        deaths = {"killed": first}
        if chance.random() < KILLED_AGAIN:
            # It has less to do, but looks twice for what the first one sent.
            left = self._usual_end - (first.died - first.began).total_seconds()
            longest = self._first_request + left + scene.longest_look
            second = self._start_and_kill("second", chance, longest, goes_on=True)
            if second:
                deaths["killed again"] = second
            else:
                ends.append("went on, and ended before it was killed again")
        problems = scene.finish()
        log = scene.org.requests()
        ends += [f"{what}: {_step(log, death, scene)}" for what, death in deaths.items()]
        return Outcome(f"kill {number}", tuple(ends), problems)

    def _measure(self) -> None:
        """Let a run go undisturbed: when does it send its first request, and when is it done?"""
        self._scene.reset()
        began = self._start("undisturbed", None)
        seconds = (datetime.now(UTC) - began).total_seconds()
        first, *_ = self._scene.org.requests()
        self._first_request = (_at(first) - began).total_seconds()
        self._usual_end = seconds

    def _start_and_kill(
        self, run_id: str, chance: random.Random, longest: float, *, goes_on: bool = False
    ) -> _Death | None:
        """Return how it died, or None if it was too quick."""
        if not goes_on:
            self._scene.reset()
        began = self._start(run_id, chance.uniform(self._first_request, longest))
        died = datetime.now(UTC)
        return _Death(began, died, self._scene.left()) if self._was_killed else None

    def _start(self, run_id: str, seconds: float | None) -> datetime:
        """Run it for so long, or to its end; return when it began."""
        scene = self._scene
        begun = self._context.Event()
        place = (scene.warehouse.path, scene.org.login, scene.plan_id, run_id)
        process = self._context.Process(target=begin_and_tell, args=(begun, *place))
        process.start()
        begun.wait(SECONDS_TO_BEGIN)
        began = datetime.now(UTC)
        process.join(seconds)
        self._was_killed = process.is_alive()
        process.kill()
        process.join()
        return began


def _step(log: Sequence[Mapping[str, Any]], death: _Death, scene: Scene) -> str:
    """Say where a dead run was, by the org's log and by what it left in the ledger.

    The names begin with a number, so that they sort as a run goes.
    """
    mine = [each for each in log if death.began <= _at(each) <= death.died]
    if not mine:
        return "0 before the first request"
    last, left = mine[-1], death.left
    path = last["path"].rstrip("/").lower()
    if path.endswith(("/token", "/limits", "/describe")):
        return "1 after the login, while it asks first"
    jobs = [each for each in mine if "/jobs/" in each["path"]]
    if jobs and (left.open_jobs or (last is jobs[-1] and last["method"] == "POST")):
        return _job_step(jobs[-1])
    writes = last["is_write"] and "/composite/" in path
    if writes and death.died < _at(last) + timedelta(milliseconds=last["duration_ms"]):
        return "3 during a write"
    if left.sent_at:
        sent_before = max(left.sent_at) <= _at(last)
        return "3 after a write, before its outcome" if writes and sent_before else _INTENT
    if left.written >= scene.records:
        return "6 after the last outcome"
    return "2 between a read and its intent" if "/query" in path else "5 between two writes"


_INTENT = "2 between an intent and its write"


def _job_step(last: Mapping[str, Any]) -> str:
    path = last["path"].lower()
    if path.rstrip("/").endswith(("results", "unprocessedrecords")):
        return "4 in a job: answers fetched"
    return _JOB_STEPS[last["method"]]


def _at(request: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(request["at"])
