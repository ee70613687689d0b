"""One pass over the landing folder: whatever is new goes into the raw tables, exactly once."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from duckdb import OutOfMemoryException, TransactionException

from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.content import (
    Content,
    FileChangedError,
    Reading,
    Recognition,
    recognise,
)
from orchestration.landing.discovery import LandingFile
from orchestration.landing.formats import FORMATS, Format
from orchestration.landing.ledger import (
    CUT,
    UNRECOGNISED,
    Ledger,
    Load,
    Sight,
    batches,
    source_of,
)
from orchestration.landing.limits import Limits
from orchestration.landing.piece import Frames, Outcome, Piece, Target, UnreadableFileError
from orchestration.landing.place import Place, place_of
from orchestration.landing.reload import EarlierLoads
from orchestration.landing.report import LoadProgress, LoadReport
from orchestration.landing.settling import settle_problems, settle_replaced
from orchestration.landing.tables import create_raw_tables
from orchestration.warehouse import Warehouse

_DEFAULT_LIMITS = Limits()
#: What is loaded at a time once the database could not hold more.
_SMALL_FRAME_BYTES = 1 << 20


def load(
    warehouse: Warehouse,
    landing: Path | BucketUrl,
    *,
    sources: Collection[str] | None = None,
    progress: Callable[[LoadProgress], None] | None = None,
    limits: Limits = _DEFAULT_LIMITS,
) -> LoadReport:
    """Take new files, and what was added to known ones, into the raw tables.

    Each file is one transaction: its rows, its rejects and its line in `raw.loads` stand or fall
    together, so that a load may be killed at any moment and run again (A9). What cannot be read
    goes to `raw.rejects` (A8) and stops nothing else. `sources` limits the pass to some of
    the registry's.

    Raises:
        ValueError: `sources` names one that does not exist.
        StorageError: the bucket cannot be read for now; what was loaded before stays.
        WarehouseLockedError: another process kept the warehouse to itself.
    """
    wanted = _wanted(sources)
    place = place_of(landing, warehouse.path.parent)
    with warehouse.connect() as connection:
        create_raw_tables(connection)
        ledger = Ledger.read(connection)
    run = _Pass(warehouse, place, ledger, limits)
    files = []
    listed = set()
    for found in place.files():
        source = source_of(found)
        listed.add((source, found.file))
        if source not in wanted:
            continue
        if ledger.is_seen(found, is_old=run.is_old(found)):
            run.report.of(source).unchanged += 1
        else:
            files.append(found)
    total_bytes = sum(found.size for found in files)
    done_files = done_bytes = 0
    for batch in batches(files, limits.batch_files, limits.batch_bytes):
        for found in run.load_batch(batch):
            done_files, done_bytes = done_files + 1, done_bytes + found.size
            if progress:
                progress(LoadProgress(found.file, done_files, len(files), done_bytes, total_bytes))
    run.forget_gone(listed)
    return run.report


def _wanted(sources: Collection[str] | None) -> set[str]:
    known = {each.source for each in FORMATS}
    if sources is None:
        return known | {UNRECOGNISED}
    if unknown := set(sources) - known:
        raise ValueError(
            f"No source {', '.join(sorted(unknown))}. There are: {', '.join(sorted(known))}."
        )
    return set(sources)


@dataclass(frozen=True)
class _Sighted:
    """A file, and how much of it is known; or the problem in its way."""

    found: LandingFile
    content: Content
    recognition: Recognition | None = None
    problem: str = ""


@dataclass
class _Pass:
    warehouse: Warehouse
    place: Place
    ledger: Ledger
    limits: Limits
    report: LoadReport = field(default_factory=LoadReport)
    load_id: int | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    def is_old(self, found: LandingFile) -> bool:
        """Tell whether nothing more is expected to come to a file."""
        return time.time() - found.modified_at >= self.limits.settle_seconds

    def load_batch(self, files: list[LandingFile]) -> Iterator[LandingFile]:
        """Recognise files without a connection, then load them over one; yield each when done."""
        with self.place.at_hand(files) as problems:
            yield from self._load_at_hand(
                [self._sight(found, problems.get(found.file, found.problem)) for found in files]
            )

    def _load_at_hand(self, sighted: list[_Sighted]) -> Iterator[LandingFile]:
        # Drawn while the lock is held, so that a later id is never committed before an earlier one:
        # readers that go by the id (the incremental models) miss nothing.
        self.load_id = None
        with self.warehouse.connect() as connection:
            # A record knows its line: keeping their order would cost a third of the time.
            connection.execute("set preserve_insertion_order = false")
            connection.execute(f"set memory_limit = '{self.limits.database_bytes}B'")
            frames = Frames(connection)
            if not self.ledger.is_current(connection):
                self.ledger = Ledger.read(connection)
            for each in sighted:
                self._load(frames, each)
                yield each.found

    def _sight(self, found: LandingFile, problem: str = "") -> _Sighted:
        content = Content(found.path, found.size, self.limits)
        if problem or found.format is None:
            return _Sighted(found, content, problem=problem or "unrecognised_file")
        try:
            loaded = self.ledger.may_begin(found.format, found.file, content.head)
            return _Sighted(found, content, recognise(content, loaded))
        except (FileChangedError, FileNotFoundError):
            return _Sighted(found, content)
        except OSError as error:
            return _Sighted(found, content, problem=f"unreadable_file: {error.strerror}")

    def _load(self, frames: Frames, sighted: _Sighted) -> None:
        each, found = sighted, sighted.found
        if each.recognition and found.format:
            loaded = self.ledger.may_begin(found.format, found.file, each.content.head)
            if loaded != each.recognition.compared:
                # A file before it in this batch, or another process, may have brought the same.
                each = self._sight(found)
        if each.problem:
            self._load_problem(frames, found, each.problem)
        if not each.recognition or not found.format:
            return  # it is being rewritten, or has gone: the next pass finds what is there
        try:
            self._load_in_memory(frames, found, found.format, each.content, each.recognition)
        except (FileChangedError, FileNotFoundError):
            return
        except UnreadableFileError as error:
            self._load_problem(frames, found, str(error))
        except OSError as error:
            self._load_problem(frames, found, f"unreadable_file: {error.strerror}")

    def _load_in_memory(
        self,
        frames: Frames,
        found: LandingFile,
        form: Format,
        content: Content,
        recognition: Recognition,
    ) -> None:
        """Load a file; in small frames, if the database can hold no large ones of it.

        Raises:
            UnreadableFileError: it cannot hold those either.
        """
        most = self.limits.database_bytes
        small = min(self.limits.frame_bytes, _SMALL_FRAME_BYTES)
        for limits in (self.limits, replace(self.limits, frame_bytes=small)):
            try:
                self._load_new(frames, found, form, content, recognition, limits)
            except (OutOfMemoryException, TransactionException) as error:
                if not _is_out_of_memory(error):
                    raise
            else:
                return
        raise UnreadableFileError(f"memory_exceeded: more than {most} bytes")

    def _load_new(
        self,
        frames: Frames,
        found: LandingFile,
        form: Format,
        content: Content,
        recognition: Recognition,
        limits: Limits,
    ) -> None:
        counts = self.report.of(form.source)
        is_old = self.is_old(found)
        is_reload = self.ledger.is_wanted_again(found)
        known = Reading(content.line_end) if is_reload else recognition.known.copy()
        is_reported = self.ledger.is_reported(found, CUT) and not is_reload
        piece = Piece(
            content, found.file, known.prefix(), is_old and not is_reported, limits, known
        )
        target = self._target(frames, found)
        with _transaction(frames):
            outcome = form.read(piece, target)
            if is_reload:
                earlier = EarlierLoads.of(target, form, recognition.contents)
                earlier.subtract(target, outcome)
                self.ledger.end_reload(frames.connection, found, target.load_id)
            entry = _entry(piece, outcome)
            is_new = entry.is_news or (piece.pending_bytes > 0 and not self._is_waiting(found))
            if is_new:
                self._record(target, entry)
            if found.file in self.ledger.rejecting:
                has_gone_on = is_new and not is_reload
                settle_replaced(target, recognition.contents, has_gone_on=has_gone_on)
            sight = Sight.of(
                found,
                is_settled=is_old or not (piece.pending_bytes or content.damage),
                problem=CUT if outcome.is_cut or is_reported else None,
            )
            self.ledger.see(frames.connection, found, sight)
        self.ledger.sights[form.source, found.file] = sight
        self.ledger.reloads.discard((form.source, found.file))
        if is_new:
            self.ledger.remember(form.source, entry)
            counts.add(entry)
        else:
            counts.unchanged += 1

    def _load_problem(self, frames: Frames, found: LandingFile, problem: str) -> None:
        """Keep a file that cannot be read as one reject, said once as long as it stays so."""
        counts = self.report.of(source_of(found))
        # Permissions and disks get mended without the file's looks changing.
        is_lasting = not problem.startswith("unreadable_file")
        is_reload = is_lasting and self.ledger.is_wanted_again(found)
        if self.ledger.is_reported(found, problem) and not is_reload:
            counts.unchanged += 1
            return
        entry = Load(found.file, 0, 0, 1, None, 0, found.size, None)
        target = self._target(frames, found)
        with _transaction(frames):
            settle_problems(target.connection, found.file, target.loaded_at)
            target.reject(None, problem, None)
            self._record(target, entry)
            sight = Sight.of(found, is_settled=is_lasting, problem=problem)
            self.ledger.see(frames.connection, found, sight)
            if is_reload:
                self.ledger.end_reload(frames.connection, found, target.load_id)
        self.ledger.sights[target.source, found.file] = sight
        if is_reload:
            self.ledger.reloads.discard((target.source, found.file))
        self.ledger.remember(target.source, entry)
        counts.add(entry)

    def forget_gone(self, listed: Collection[tuple[str, str]]) -> None:
        """Let go of files that could not be read and have been taken away; `listed` are there."""
        gone = self.ledger.kept_out_and_gone(listed)
        if gone:
            with self.warehouse.connect() as connection, _transaction(Frames(connection)):
                self.ledger.forget(connection, gone, self.started_at)

    def _record(self, target: Target, entry: Load) -> None:
        self.report.load_id = target.load_id
        self.ledger.record(target.connection, target.source, target.load_id, self.started_at, entry)

    def _is_waiting(self, found: LandingFile) -> bool:
        """Tell whether a file was seen like this before and had something left at its end."""
        sight = self.ledger.sights.get((source_of(found), found.file))
        return sight is not None and sight.looks_like(found)

    def _target(self, frames: Frames, found: LandingFile) -> Target:
        """Return where a file's records go; to be called outside of its transaction.

        A number that is drawn within a transaction comes again if that is rolled back.
        """
        if self.load_id is None:
            drawn = frames.connection.execute("select nextval('raw.load_ids')").fetchall()
            self.load_id = int(drawn[0][0])
        return Target(
            frames.connection,
            frames,
            self.load_id,
            self.started_at,
            source_of(found),
            found.format.table if found.format else "",
            found.file,
            self.limits.reject_characters,
        )


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, OutOfMemoryException) or "failed to pin block" in str(error)


def _entry(piece: Piece, outcome: Outcome) -> Load:
    taken = piece.taken.prefix()
    return Load(
        piece.file,
        taken.length,
        outcome.rows,
        outcome.rejected,
        taken.content_hash,
        piece.start.length,
        piece.pending_bytes,
        piece.content.head_hash,
        outcome.skipped,
    )


@contextmanager
def _transaction(frames: Frames) -> Iterator[None]:
    frames.connection.begin()
    try:
        yield
    except BaseException:
        frames.connection.rollback()
        frames.forget()
        raise
    try:
        frames.connection.commit()
    except TransactionException:
        frames.forget()
        raise
