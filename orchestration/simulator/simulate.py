"""The simulator's front door: people in, folders of raw logs, an org and the truth out."""

import gc
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import orjson

from orchestration.simulator.habits import TYPICAL, Habits
from orchestration.simulator.mailbox_export import MailboxExport, empty_mailboxes
from orchestration.simulator.org_seed import OrgSeed, users
from orchestration.simulator.platform_export import PlatformExport
from orchestration.simulator.sendgrid_log import SendgridLog
from orchestration.simulator.storyteller import tell
from orchestration.simulator.team import Team, assemble
from orchestration.simulator.truth import Truth

END = date(2026, 11, 15)
PEOPLE_PER_PART = 2_000
_RARE_COLLECTIONS = (100_000, 20, 20)
_FOLDERS = ("landing", "org", "truth")


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What was written, how much of it, and in how many seconds.

    `events` counts SendGrid events as written: repeats included, broken lines not.
    """

    out: Path
    people: int
    enrollments: int
    messages: int
    events: int
    letters: int
    records: int
    files: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Part:
    """A share of the people, written by one worker on its own."""

    number: int
    first: int
    last: int
    weeks: int
    seed: int
    end: date
    out: Path
    habits: Habits


@dataclass(frozen=True, slots=True)
class _Written:
    """What a worker hands back: counts, and text for files that all parts share."""

    counts: Counter[str]
    shared: dict[str, bytes]


def simulate(
    people: int,
    weeks: int,
    seed: int,
    out: Path,
    *,
    end: date = END,
    workers: int | None = None,
    people_per_part: int = PEOPLE_PER_PART,
    habits: Habits = TYPICAL,
    progress: Callable[[int], None] | None = None,
) -> SimulationReport:
    """Write the raw logs, the org and the truth of a made-up sales team to `out`.

    The same arguments give the same bytes, however many workers write them. Memory is bounded by
    `people_per_part` and the number of workers, not by `people`. Whatever an earlier simulation
    left in `out` is replaced; other files there are kept.

    Args:
        people: how many people the sequences write to.
        weeks: how many weeks the team works; the last one ends with the day `end`.
        seed: any integer.
        out: the folder to write to; made if missing.
        end: the last day (UTC) on which anything happens.
        workers: processes to share the work; by default one per core.
        people_per_part: how many people share a set of files.
        habits: how people read and scanners behave; by default as in the committed sample.
        progress: told, part by part, how many people are written so far.

    Raises:
        ValueError: if `people` or `weeks` is less than 1.
    """
    if people < 1 or weeks < 1:
        raise ValueError("A simulation needs at least one person and one week.")
    begun = time.perf_counter()
    team = assemble(weeks, seed, end, habits)
    _prepare(out, team)
    parts = [
        _Part(number, first, min(first + people_per_part, people), weeks, seed, end, out, habits)
        for number, first in enumerate(range(0, people, people_per_part))
    ]
    counts: Counter[str] = Counter()
    for part, written in zip(parts, _write_parts(parts, workers), strict=True):
        counts += written.counts
        for name, content in written.shared.items():
            with (out / name).open("ab") as file:
                file.write(content)
        if progress is not None:
            progress(part.last)
    _write_counts(out, people, counts)
    files = [path for folder in _FOLDERS for path in (out / folder).rglob("*") if path.is_file()]
    return SimulationReport(
        out=out,
        people=people,
        enrollments=counts["platform_enrollments"],
        messages=counts["platform_messages"],
        events=counts["sendgrid_lines"],
        letters=sum(n for name, n in counts.items() if name.startswith("mailboxes_letters")),
        records=sum(n for name, n in counts.items() if name.startswith("org_")),
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
        seconds=time.perf_counter() - begun,
    )


def _prepare(out: Path, team: Team) -> None:
    """Clear what an earlier simulation wrote, and begin the files that all parts share."""
    for folder in _FOLDERS:
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
    (out / "landing" / "mailboxes").mkdir()
    for name, content in empty_mailboxes(team.mailboxes).items():
        (out / name).write_bytes(content)
    (out / "org" / "User.ndjson").write_bytes(users(team))


def _write_parts(parts: list[_Part], workers: int | None) -> Iterator[_Written]:
    """Write the parts, in order; with several workers only a few parts are ever under way."""
    if len(parts) == 1 or workers == 1:
        yield from map(_write_part, parts)
        return
    # Spawned workers start clean, whatever threads the caller runs.
    # They make many short-lived objects and few cycles: looking for those so often is waste.
    with ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=gc.set_threshold,
        initargs=_RARE_COLLECTIONS,
    ) as pool:
        waiting: deque[Future[_Written]] = deque()
        ahead = 2 * (workers or 2)
        for part in parts:
            waiting.append(pool.submit(_write_part, part))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_part(part: _Part) -> _Written:
    """Tell the stories of a share of the people and write what they leave behind."""
    team = assemble(part.weeks, part.seed, part.end, part.habits)
    sendgrid = SendgridLog(team, part.number)
    platform = PlatformExport(team, part.number)
    mailboxes = MailboxExport()
    org = OrgSeed(team)
    truth = Truth(team)
    for index in range(part.first, part.last):
        story = tell(index, team)
        sendgrid.add(story)
        platform.add(story)
        mailboxes.add(story)
        org.add(story)
        truth.add(story)
    is_first = part.number == 0
    if is_first:
        sendgrid.add_strays()
    landing = part.out / "landing"
    sendgrid.close(landing / "sendgrid", with_rejects=is_first)
    platform.close(landing / "sequences")
    shared = mailboxes.close() | org.close() | truth.close()
    counts: Counter[str] = Counter()
    for name, counted in (
        ("sendgrid", sendgrid.counts),
        ("platform", platform.counts),
        ("mailboxes", mailboxes.counts),
        ("org", org.counts),
        ("truth", truth.counts),
    ):
        counts.update({f"{name}_{key}": number for key, number in counted.items()})
    return _Written(counts, shared)


def _write_counts(out: Path, people: int, counts: Counter[str]) -> None:
    """Write how much of everything there is, for the pipeline's own counts to be held against."""
    content = orjson.dumps(
        {"people": people, **dict(sorted(counts.items()))},
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )
    (out / "truth" / "counts.json").write_bytes(content)
