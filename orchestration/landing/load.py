"""One pass over the landing folder: whatever is new goes into the raw tables, exactly once."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.landing.content import (
    Content,
    FileChangedError,
    Inspection,
    hash_prefix,
    head_hash,
    inspect,
    read_head,
)
from orchestration.landing.discovery import LandingFile, find_files
from orchestration.landing.formats import FORMATS, Format
from orchestration.landing.ledger import UNRECOGNISED, Ledger, Load, Sight, batches, source_of
from orchestration.landing.limits import Limits
from orchestration.landing.piece import Piece, Target
from orchestration.landing.records import TooLargeError
from orchestration.landing.report import LoadProgress, LoadReport
from orchestration.landing.tables import PAYLOAD_TABLES, create_raw_tables
from orchestration.warehouse import Warehouse

_DEFAULT_LIMITS = Limits()


def load(
    warehouse: Warehouse,
    landing: Path,
    *,
    sources: Collection[str] | None = None,
    progress: Callable[[LoadProgress], None] | None = None,
    limits: Limits = _DEFAULT_LIMITS,
) -> LoadReport:
    """Take new files, and what was added to known ones, into the raw tables.

    Each file is one transaction: its rows, its rejects and its line in `raw.loads` stand or fall
    together, so that a load may be killed at any moment and run again (A9). What cannot be read
    goes to `raw.rejects` (A8) and stops nothing else. `sources` limits the pass to some of
    `sendgrid, enrollments, messages, mailboxes`.

    Raises:
        ValueError: `sources` names one that does not exist.
        WarehouseLockedError: another process kept the warehouse to itself.
    """
    wanted = _wanted(sources)
    with warehouse.connect() as connection:
        create_raw_tables(connection)
        ledger = Ledger.read(connection)
    run = _Pass(warehouse, ledger, limits)
    files = []
    for found in find_files(landing):
        source = source_of(found)
        if source not in wanted:
            continue
        if ledger.is_seen(found, is_old=run.is_old(found)):
            run.report.of(source).skipped += 1
        else:
            files.append(found)
    total_bytes = sum(found.size for found in files)
    done_files = done_bytes = 0
    for batch in batches(files, limits.batch_files, limits.batch_bytes):
        for found in run.load_batch(batch):
            done_files, done_bytes = done_files + 1, done_bytes + found.size
            if progress:
                progress(LoadProgress(found.file, done_files, len(files), done_bytes, total_bytes))
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
class _Inspected:
    """A file and what inspecting it gave: an inspection, or the problem in its way."""

    found: LandingFile
    content: Content
    inspection: Inspection | None = None
    problem: str = ""


@dataclass
class _Pass:
    warehouse: Warehouse
    ledger: Ledger
    limits: Limits
    report: LoadReport = field(default_factory=LoadReport)
    load_id: int | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    def is_old(self, found: LandingFile) -> bool:
        """Tell whether nothing more is expected to come to a file."""
        return time.time() - found.modified_at >= self.limits.settle_seconds

    def load_batch(self, files: list[LandingFile]) -> Iterator[LandingFile]:
        """Inspect files without a connection, then load them over one; yield each when done."""
        inspected = [self._inspect(found) for found in files]
        # Drawn while the lock is held, so that a later id is never committed before an earlier one:
        # readers that go by the id (the incremental models) miss nothing.
        self.load_id = None
        with self.warehouse.connect() as connection:
            if not self.ledger.is_current(connection):
                self.ledger = Ledger.read(connection)
            for each in inspected:
                self._load(connection, each)
                yield each.found

    def _inspect(self, found: LandingFile) -> _Inspected:
        content = Content(found.path)
        if found.format is None:
            return _Inspected(found, content, problem="unrecognised_file")
        try:
            head = head_hash(read_head(content))
            loaded = self.ledger.may_begin(found.format, found.file, head)
            return _Inspected(found, content, inspect(content, head, loaded))
        except OSError as error:
            return _Inspected(found, content, problem=f"unreadable_file: {error.strerror}")

    def _load(self, connection: DuckDBPyConnection, each: _Inspected) -> None:
        found = each.found
        if each.inspection and found.format:
            head = each.inspection.head_hash
            if self.ledger.may_begin(found.format, found.file, head) != each.inspection.compared:
                # A file before it in this batch, or another process, may have brought the same.
                each = self._inspect(found)
        if not each.inspection or not found.format:
            self._load_problem(connection, found, each.problem)
            return
        try:
            self._load_new(connection, found, found.format, each.content, each.inspection)
        except FileChangedError:
            return  # it is being rewritten: the next pass finds it at rest
        except TooLargeError as error:
            self._load_problem(connection, found, f"too_large: {error}")
        except OSError as error:
            self._load_problem(connection, found, f"unreadable_file: {error.strerror}")

    def _load_new(
        self,
        connection: DuckDBPyConnection,
        found: LandingFile,
        form: Format,
        content: Content,
        inspection: Inspection,
    ) -> None:
        known, whole = inspection.known, inspection.whole
        counts = self.report.of(form.source)
        if known.length == whole.length and not inspection.damage:
            with _transaction(connection):
                self.ledger.see(connection, found, Sight.of(found, is_settled=True))
            counts.skipped += 1
            return
        cut = f"cut at {whole.length}"
        is_reported = self.ledger.is_reported(found, cut)
        is_old = self.is_old(found)
        piece = Piece(
            content,
            found.file,
            known,
            inspection.complete.length,
            whole.length,
            is_old and not is_reported,
            self.limits,
        )
        with _transaction(connection):
            target = self._target(connection, found)
            outcome = form.read(piece, target)
            taken = inspection.prefix(outcome.consumed) or hash_prefix(content, outcome.consumed)
            entry = Load(
                found.file,
                taken.length,
                outcome.rows,
                outcome.rejected,
                taken.content_hash,
                known.length,
                whole.length - taken.length,
                inspection.head_hash,
            )
            is_new = taken.length > known.length or outcome.rejected or not self._is_waiting(found)
            if is_new:
                self.ledger.record(connection, form.source, target.load_id, self.started_at, entry)
            sight = Sight.of(
                found,
                is_settled=is_old or (taken.length == whole.length and not inspection.damage),
                problem=cut if outcome.is_cut or is_reported else None,
            )
            self.ledger.see(connection, found, sight)
        if is_new:
            self.ledger.remember(form.source, entry)
            self._count(form.source, entry)
        else:
            counts.skipped += 1

    def _load_problem(
        self, connection: DuckDBPyConnection, found: LandingFile, problem: str
    ) -> None:
        """Keep a file that cannot be read as one reject, said once as long as it stays so."""
        source = source_of(found)
        if self.ledger.is_reported(found, problem):
            self.report.of(source).skipped += 1
            return
        entry = Load(found.file, 0, 0, 1, None, 0, found.size, None)
        with _transaction(connection):
            target = self._target(connection, found)
            target.reject(None, problem, None)
            self.ledger.record(connection, source, target.load_id, self.started_at, entry)
            # Permissions and disks get mended without the file's looks changing.
            is_settled = not problem.startswith("unreadable_file")
            sight = Sight.of(found, is_settled=is_settled, problem=problem)
            self.ledger.see(connection, found, sight)
        self.ledger.remember(source, entry)
        self._count(source, entry)

    def _is_waiting(self, found: LandingFile) -> bool:
        """Tell whether a file was seen like this before and had something left at its end."""
        sight = self.ledger.sights.get((source_of(found), found.file))
        return sight is not None and sight.looks_like(found)

    def _target(self, connection: DuckDBPyConnection, found: LandingFile) -> Target:
        if self.load_id is None:
            ((load_id,),) = connection.execute("select nextval('raw.load_ids')").fetchall()
            self.load_id = int(load_id)
            self.report.load_id = self.load_id
        source = source_of(found)
        return Target(
            connection,
            self.load_id,
            self.started_at,
            source,
            PAYLOAD_TABLES.get(source, ""),
            found.file,
            self.limits.reject_characters,
        )

    def _count(self, source: str, entry: Load) -> None:
        counts = self.report.of(source)
        counts.files += 1
        counts.rows += entry.rows
        counts.rejected += entry.rejected


@contextmanager
def _transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
