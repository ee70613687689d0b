"""An org and a plan to be carried out, or taken back, again and again: `make chaos-writeback`."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from orchestration.crm.client import CrmError
from orchestration.local_org import process
from tests.bench.writeback_proof import End, State, Wanted, learn, problems, read_state
from tests.bench.writeback_records import compute, write_seed
from tests.bench.writeback_runs import (
    QUIET,
    Act,
    Done,
    Place,
    apply,
    go_on,
    hurry,
    plan,
)
from tests.crm.live_org import LiveOrg

#: The org shows what it took so much later.
LATE_SECONDS = 0.1
#: So often a dead run is gone on with, at most, until nothing is left to do.
ROUNDS = 4


@dataclass(frozen=True)
class Left:
    """What a run left in the warehouse: requests without an outcome, its job, records written."""

    sent_at: Sequence[datetime]
    job_operation: str | None
    has_open_job: bool
    written: int


@dataclass(frozen=True)
class Outcome:
    """How a run ended that was killed or met a fault, and what was wrong once it was finished.

    `way`: how it was gone on with. `ends`: rows of the tally, each under its heading.
    """

    name: str
    way: str
    ends: Sequence[tuple[str, str]]
    problems: Sequence[str]


@dataclass(frozen=True)
class Start:
    """What runs begin with: the org's records, how far its clock is off, and a warehouse."""

    seed: Path
    template: Path
    clock_skew_seconds: float = 0.0


@dataclass
class Scene:
    """A running org, where runs may begin, what is wanted in the end, and the warehouse at work.

    `planned`: before the plan is carried out. `written`: after a quiet run, which is undone.
    """

    org: LiveOrg
    folder: Path
    planned: Start
    written: Start
    wanted: Wanted
    _skewed: dict[float, Start] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where runs are at work."""
        return Place(self.folder / "run.duckdb", self.org.login)

    def reset(self, start: Start, late_seconds: float = LATE_SECONDS) -> None:
        """Bring org and warehouse to where runs begin."""
        replace(self.org, seed=start.seed).reset()
        self.org.rule(late_seconds=late_seconds, clock_skew_seconds=start.clock_skew_seconds)
        path = self.place.path
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()
        shutil.copyfile(start.template, path)

    def skewed(self, seconds: float) -> Start:
        """Return where runs begin in an org whose clock is off: its snapshot is by that clock."""
        if seconds not in self._skewed:
            template = self.folder / f"skewed {seconds:+.0f}.duckdb"
            self._skewed[seconds] = _prepare(self.org, self.planned.seed, template, seconds)
        return self._skewed[seconds]

    def clear_faults(self) -> None:
        """Have the org be healthy again."""
        self.org.admin.delete("/__admin/faults").raise_for_status()

    def fired(self) -> int:
        """Return how often the armed faults showed."""
        listed = self.org.admin.get("/__admin/faults").raise_for_status().json()
        return sum(each["fired"] for each in listed)

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """Hold the warehouse open in this process, which spares it most of its time.

        For what is not killed only: those that are open and close it as people's runs do.
        """
        with self.place.warehouse.connect():
            yield

    def run(self, act: Act) -> Done:
        """Have a first go in this process."""
        with self.held_open():
            return act(self.place, "run")

    def finish(self, act: Act, end: End) -> tuple[str, ...]:
        """Do what somebody does who finds a run dead: go on with it. Say what is wrong then."""
        with self.held_open():
            try:
                is_finished = go_on(act, self.place, "last", ROUNDS, LATE_SECONDS)
            except CrmError as error:
                return (f"not finished, {error}",)
            left = () if is_finished else (f"something is left to do after {ROUNDS} goes",)
            with self.place.warehouse.connect() as connection:
                return (*left, *problems(self.org, connection, self.wanted, end))

    def keep_warehouse(self) -> Path:
        """Copy the warehouse and what lies beside it to where it outlives this process."""
        kept = Path(tempfile.mkdtemp(prefix="chaos-writeback-"))
        for file in self.folder.glob(f"{self.place.path.name}*"):
            shutil.copy(file, kept)
        return kept

    def left(self) -> Left:
        """Return what a dead run left in the warehouse."""
        with self.place.warehouse.connect() as connection:
            sent = connection.execute(
                "select sent_at from writeback.ledger where outcome is null and job_id is null"
            ).fetchall()
            operation, has_open_job = connection.execute(
                "select operation, closed_at is null from writeback.jobs where run_id <> ? "
                "order by opened_at desc limit 1",
                [QUIET],
            ).fetchone() or (None, False)
            ((written,),) = connection.execute(
                "select count(*) from writeback.ledger where outcome = 'written' and run_id <> ?",
                [QUIET],
            ).fetchall()
            sent_at = tuple(at.replace(tzinfo=UTC) for (at,) in sent)
            return Left(sent_at, operation, has_open_job, written)


@contextmanager
def prepared(folder: Path) -> Iterator[Scene]:
    """Start an org with a few dozen people, and plan updates, tasks, mails and memberships."""
    hurry()
    seed = folder / "seed"
    write_seed(seed)
    started = process.start(folder / "org", port=0, seed=seed)
    try:
        with httpx.Client(base_url=started.url, trust_env=False, timeout=30) as admin:
            yield _scene(LiveOrg(started.url, seed, admin), folder)
    finally:
        process.stop(folder / "org")


def _scene(org: LiveOrg, folder: Path) -> Scene:
    planned = _prepare(org, _freeze(read_state(org), folder / "before"), folder / "planned.duckdb")
    before = read_state(org)
    template = folder / "written.duckdb"
    shutil.copyfile(planned.template, template)
    place = Place(template, org.login)
    with place.warehouse.connect() as connection:
        report = apply(place, QUIET).report
        after = read_state(org)
        plan_id = report.plan_id if report else ""
        wanted = learn(connection, plan_id, before, after)
    place.warehouse.checkpoint()
    written = Start(_freeze(after, folder / "after"), template)
    return Scene(org, folder, planned, written, wanted)


def _prepare(org: LiveOrg, seed: Path, template: Path, skew: float = 0.0) -> Start:
    """Plan from these records, and leave org and warehouse as they are then."""
    replace(org, seed=seed).reset()
    org.rule(clock_skew_seconds=skew)
    place = Place(template, org.login)
    with place.warehouse.connect():
        compute(place.warehouse)
        plan(place, place.crm())
    place.warehouse.checkpoint()
    return Start(seed, template, skew)


def _freeze(state: State, folder: Path) -> Path:
    """Write all that the org holds as a seed, so that it can be brought back as it is."""
    folder.mkdir()
    for name, records in state.items():
        if records:
            lines = "".join(json.dumps(each) + "\n" for each in records.values())
            (folder / f"{name}.ndjson").write_text(lines, encoding="utf-8")
    return folder
