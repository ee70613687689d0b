"""Every fault of the local org at every step of a writeback where it can show (K7)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from tests.bench.writeback_kills import NEXT_SYNC, RESUMED, UNDO_RESUMED, UNDONE_AGAIN, Way
from tests.bench.writeback_runs import VERY_LATE_SECONDS, apply, sync_too_early
from tests.bench.writeback_scene import LATE_SECONDS, Outcome, Scene

Fault = Mapping[str, Any]

#: The next sync, of which the snapshot does not have yet what was written last.
TOO_EARLY = Way(NEXT_SYNC.name, apply, sync_too_early, NEXT_SYNC.end)
#: The org's clock and ours may differ by so much.
CLOCK_IS_OFF_BY = (300.0, -300.0)

#: The requests of a step, and at which of them, one after the other, a fault shows: at those of
#: each object, and of each job.
STEPS: Mapping[str, tuple[Fault, tuple[int, ...]]] = {
    "the login": ({"path": "*/oauth2/token"}, (1,)),
    "the limits": ({"path": "/limits*"}, (1,)),
    "a describe": ({"path": "/sobjects/*/describe*"}, (1,)),
    "the re-read": ({"path": "/query*"}, (1,)),
    "opening a job": ({"method": "POST", "path": "/jobs/ingest"}, (1,)),
    "an upload": ({"method": "PUT"}, (1, 2)),
    "asking for a job": ({"method": "GET", "path": "/jobs/ingest/*"}, (1,)),
    "a job's results": ({"method": "GET", "path": "/jobs/ingest/*/successfulResults*"}, (1, 2)),
}
_UPDATES: Fault = {"method": "PATCH", "path": "/composite/sobjects"}
_JOB_STARTS: Fault = {"method": "PATCH", "path": "/jobs/ingest/*"}
WRITES: Mapping[str, tuple[Fault, tuple[int, ...]]] = {
    "an update by Collections": (_UPDATES, (1, 2, 3)),
    "a creation by Collections": ({"method": "POST", "path": "/composite/sobjects"}, (1, 3, 6)),
    "starting a job": (_JOB_STARTS, (1, 2, 3)),
}
WRITES_OF_AN_UNDO: Mapping[str, tuple[Fault, tuple[int, ...]]] = {
    "an undo's update by Collections": (_UPDATES, (1, 3)),
    "an undo's deletion by Collections": ({"method": "DELETE"}, (1, 2, 5)),
    "starting an undo's job": (_JOB_STARTS, (1, 2, 3)),
}

_LOST: Fault = {"kind": "drop_after"}
_LATE, _MISSED = "dropped after, rows late", "dropped after, snapshot too early"
ANYWHERE: Mapping[str, Fault] = {
    "dropped before": {"kind": "drop_before"},
    "dropped after": _LOST,
    "dropped for long": {"kind": "drop_before", "times": 6},
    "503 twice": {"kind": "status", "status": 503, "times": 2},
    "500 after": {"kind": "status", "status": 500, "when": "after"},
    "429 twice": {"kind": "status", "status": 429, "times": 2},
    "429 with Retry-After": {"kind": "status", "status": 429, "retry_after": 1},
    "slow answer": {"kind": "slow", "seconds": 1.6, "when": "after"},
    "session expired": {"kind": "expire_session"},
    "daily limit": {"kind": "limit_exceeded", "limit": "daily"},
    "concurrent limit": {"kind": "limit_exceeded", "limit": "concurrent"},
    "a page of HTML": {"kind": "html_page"},
}
IN_AN_UNDO = (
    "dropped before",
    "dropped after",
    "dropped for long",
    "503 twice",
    "500 after",
    "slow answer",
    "session expired",
)
AT_WRITES: Mapping[str, Fault] = {
    "rows locked": {"kind": "lock_rows", "share": 0.5},
    # Nobody waits for the answer any more when the work is done.
    "slow to begin": {"kind": "slow", "seconds": 1.6},
}
AT_JOBS: Mapping[str, Fault] = {
    "job fails": {"kind": "job_fails"},
    "job stays": {"kind": "job_stays"},
    "job ends half-way": {"kind": "job_partly", "after_rows": 2},
}


#: Headings of the tally.
SHOWN, AFTER = "the org showed a fault", "after the fault"


@dataclass(frozen=True)
class Trial:
    """A kind of fault at a step, in what org, and how the run is gone on with after it."""

    kind: str
    step: str
    way: Way
    fault: Fault
    late_seconds: float = LATE_SECONDS
    clock_skew_seconds: float = 0.0

    def show(self, scene: Scene) -> Outcome:
        """Have a run meet the fault, then go on with it once the org is well again."""
        skew = self.clock_skew_seconds
        scene.reset(scene.skewed(skew) if skew else self.way.start(scene), self.late_seconds)
        scene.org.arm(self.fault)
        report = scene.run(self.way.act).report
        has_shown = scene.fired() > 0
        scene.clear_faults()
        problems = scene.finish(self.way.goes_on, self.way.end)
        if not has_shown:
            problems = (*problems, "the fault did not show")
        ended_early = report is None or report.stopped_because is not None
        end = "the run ended early" if ended_early else "the run got over it"
        ends = ((SHOWN, self.kind), (AFTER, end))
        return Outcome(self.name, self.way.name, ends, problems)

    @property
    def name(self) -> str:
        """What shows where."""
        return f"{self.kind} at {self.step}"


def all_trials() -> list[Trial]:
    """Return every fault at every step where it can show, gone on with by each way in turn."""
    return [*_of_plans(), *_of_undos(), *_of_clocks_and_late_rows()]


def _of_plans() -> Iterator[Trial]:
    steps = {
        step: (*at, {**ANYWHERE, **_beside(step, WRITES, "starting a job")})
        for step, at in {**STEPS, **WRITES}.items()
    }
    return _shown(steps, (RESUMED, NEXT_SYNC))


def _of_undos() -> Iterator[Trial]:
    kinds = {kind: ANYWHERE[kind] for kind in IN_AN_UNDO}
    steps = {
        step: (*at, {**kinds, **_beside(step, WRITES_OF_AN_UNDO, "starting an undo's job")})
        for step, at in WRITES_OF_AN_UNDO.items()
    }
    return _shown(steps, (UNDONE_AGAIN, UNDO_RESUMED))


def _beside(step: str, writes: Collection[str], job_start: str) -> Mapping[str, Fault]:
    """Return the faults that only a write, or only the start of a job, can meet."""
    return {
        **(AT_WRITES if step in writes else {}),
        **(AT_JOBS if step == job_start else {}),
    }


def _shown(
    steps: Mapping[str, tuple[Fault, tuple[int, ...], Mapping[str, Fault]]], ways: tuple[Way, Way]
) -> Iterator[Trial]:
    """Yield each kind of fault at each request of its step, gone on with by each way in turn."""
    turns = cycle(ways)
    for step, (request, requests, kinds) in steps.items():
        for kind, fault in kinds.items():
            for nth in requests:
                at = f"{step} no. {nth}"
                yield Trial(kind, at, next(turns), {**request, **fault, "nth": nth})


def _of_clocks_and_late_rows() -> Iterator[Trial]:
    """Yield lost answers where that makes it hard to tell what became of a write."""
    for step, (request, requests) in WRITES.items():
        for nth in requests:
            lost, at = {**request, **_LOST, "nth": nth}, f"{step} no. {nth}"
            yield Trial(_LATE, at, RESUMED, lost, late_seconds=VERY_LATE_SECONDS)
            if step == "a creation by Collections":
                yield Trial(_MISSED, at, TOO_EARLY, lost, late_seconds=VERY_LATE_SECONDS)
            for number, skew in enumerate(CLOCK_IS_OFF_BY):
                way = (RESUMED, NEXT_SYNC)[(number + nth) % 2]
                kind = f"dropped after, clock {skew:+.0f} s"
                yield Trial(kind, at, way, lost, clock_skew_seconds=skew)
    for step, (request, requests) in WRITES_OF_AN_UNDO.items():
        for number, nth in enumerate(requests):
            way = (UNDONE_AGAIN, UNDO_RESUMED)[number % 2]
            lost, at = {**request, **_LOST, "nth": nth}, f"{step} no. {nth}"
            yield Trial(_LATE, at, way, lost, late_seconds=VERY_LATE_SECONDS)
