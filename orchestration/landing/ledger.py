"""What was loaded before (A9), read from and written to `raw.loads` and `raw.landing_files`."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from duckdb import DuckDBPyConnection

from orchestration.landing.content import HEAD_BYTES
from orchestration.landing.discovery import LandingFile
from orchestration.landing.formats import FORMATS, Format
from orchestration.landing.settling import settle_problems

#: Source of files that no format claims.
UNRECOGNISED = "unrecognised"
#: Problem of a file of which something is cut off at the end; any other keeps it out as a whole.
CUT = "cut"

_SCOPES = {each.source: each.scope for each in FORMATS}


@dataclass(frozen=True)
class Load:
    """One line of `raw.loads`: what one pass took from one file."""

    file: str
    bytes: int
    rows: int
    rejected: int
    content_hash: str | None
    start_byte: int
    pending_bytes: int
    head_hash: str | None
    skipped: int = 0

    @property
    def is_news(self) -> bool:
        """Whether the pass took anything, if only blank lines, or had something to say of it."""
        return self.bytes > self.start_byte or self.rejected > 0


@dataclass(frozen=True)
class Sight:
    """How a file looked when it was last read; unsettled ones are read again all the same."""

    size: int
    modified_ns: int
    is_settled: bool
    problem: str | None
    version: str = ""

    @classmethod
    def of(cls, found: LandingFile, *, is_settled: bool, problem: str | None = None) -> "Sight":
        """Note how a file looks now."""
        return cls(found.size, found.modified_ns, is_settled, problem, found.version)

    def looks_like(self, found: LandingFile) -> bool:
        """Tell whether a file has not been touched since."""
        looks = (found.size, found.modified_ns, found.version)
        return (self.size, self.modified_ns, self.version) == looks


@dataclass
class Ledger:
    """The loads so far. `version` changes when another process loads something.

    `reloads` are files (source, path) that somebody wants loaded again; `rejecting` are those
    with open rejects.
    """

    version: int = 0
    sights: dict[tuple[str, str], Sight] = field(default_factory=dict)
    reloads: set[tuple[str, str]] = field(default_factory=set)
    rejecting: set[str] = field(default_factory=set)
    _loaded: dict[tuple[str, str], dict[str, set[tuple[int, str]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    #: The hashes of contents shorter than a head, by their length.
    _short: dict[tuple[str, str], dict[int, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )

    @classmethod
    def read(cls, connection: DuckDBPyConnection) -> "Ledger":
        """Read what is known from the warehouse."""
        ledger = cls(version=_version(connection))
        for source, file, *sight in connection.execute(
            "select source, file, size, modified_ns, is_settled, problem, coalesce(version, '') "
            "from raw.landing_files"
        ).fetchall():
            ledger.sights[source, file] = Sight(*sight)
        for source, file, size, content_hash, head in connection.execute(
            "select distinct source, file, bytes, content_hash, head_hash from raw.loads "
            "where content_hash is not null and bytes > 0"
        ).fetchall():
            ledger._remember(source, file, size, content_hash, head)
        ledger.reloads.update(
            connection.execute(
                "select source, file from raw.reloads where load_id is null"
            ).fetchall()
        )
        rejecting = "select distinct file from raw.rejects where settled_at is null"
        ledger.rejecting.update(file for (file,) in connection.execute(rejecting).fetchall())
        return ledger

    def is_current(self, connection: DuckDBPyConnection) -> bool:
        """Tell whether nobody else has loaded anything since this ledger was read."""
        return self.version == _version(connection)

    def is_seen(self, found: LandingFile, *, is_old: bool) -> bool:
        """Tell whether reading a file again would teach nothing.

        It is as it was when it was last read; and if something was cut off at its end then, it
        is too young (not `is_old`) to be given up.
        """
        if self.is_wanted_again(found):
            return False
        sight = self.sights.get((source_of(found), found.file))
        if sight is None or not sight.looks_like(found):
            return False
        return sight.is_settled or (sight.problem is None and not is_old)

    def is_wanted_again(self, found: LandingFile) -> bool:
        """Tell whether somebody asked for a file to be loaded again."""
        return (source_of(found), found.file) in self.reloads

    def kept_out_and_gone(self, listed: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return (source, path) of files that could not be read and are not `listed` any more."""
        return [
            key
            for key, sight in self.sights.items()
            if sight.problem not in {None, CUT} and key not in listed
        ]

    def is_reported(self, found: LandingFile, problem: str) -> bool:
        """Tell whether a file's problem is known, and the file still as it was."""
        sight = self.sights.get((source_of(found), found.file))
        return sight is not None and sight.problem == problem and sight.looks_like(found)

    def may_begin(self, form: Format, file: str, head: bytes) -> set[tuple[int, str]]:
        """Return length and hash of each earlier content that may be the beginning of this one.

        `head` are its first bytes. Whether a content shorter than a head begins it shows at once:
        of tiny files there may be any number, and each would be compared with all before it.
        """
        scope = form.source, form.scope(file)
        heads = self._loaded[scope]
        found = heads[_hash(head[:HEAD_BYTES])] | heads[""]
        for length, hashes in self._short[scope].items():
            if length <= len(head) and (short := _hash(head[:length])) in hashes:
                found.add((length, short))
        return found

    def record(
        self, connection: DuckDBPyConnection, source: str, load_id: int, at: datetime, load: Load
    ) -> None:
        """Add a line to `raw.loads`, within the caller's transaction."""
        connection.execute(
            "insert into raw.loads (load_id, source, file, bytes, rows, rejected, loaded_at, "
            "content_hash, start_byte, pending_bytes, head_hash, skipped) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(load_id, source, load.file, load.bytes, load.rows, load.rejected, at),
                *(load.content_hash, load.start_byte, load.pending_bytes, load.head_hash),
                load.skipped,
            ],
        )

    def remember(self, source: str, load: Load) -> None:
        """Know a load from now on; to be called once it is committed."""
        self.version += 1
        if load.rejected:
            self.rejecting.add(load.file)
        if load.content_hash and load.bytes:
            self._remember(source, load.file, load.bytes, load.content_hash, load.head_hash)

    def see(self, connection: DuckDBPyConnection, found: LandingFile, sight: Sight) -> None:
        """Note how a file looked, within the caller's transaction; once it stands, in `sights`."""
        key = (source_of(found), found.file)
        connection.execute(
            "insert or replace into raw.landing_files values (?, ?, ?, ?, ?, ?, ?)",
            [
                *(*key, sight.size, sight.modified_ns),
                *(sight.is_settled, sight.problem, sight.version),
            ],
        )

    def end_reload(self, connection: DuckDBPyConnection, found: LandingFile, load_id: int) -> None:
        """Note that a file was loaded again, within the caller's transaction."""
        connection.execute(
            "update raw.reloads set load_id = ? where source = ? and file = ? and load_id is null",
            [load_id, source_of(found), found.file],
        )

    def forget(
        self, connection: DuckDBPyConnection, gone: Collection[tuple[str, str]], at: datetime
    ) -> None:
        """Forget files that have gone, within the caller's transaction."""
        for source, file in gone:
            settle_problems(connection, file, at)
            connection.execute(
                "delete from raw.landing_files where source = ? and file = ?", [source, file]
            )

    def _remember(
        self, source: str, file: str, size: int, content_hash: str, head: str | None
    ) -> None:
        if source not in _SCOPES:
            return
        scope = source, _SCOPES[source](file)
        if size < HEAD_BYTES:
            self._short[scope][size].add(content_hash)
        else:
            # Loads of old versions are known without their heads.
            self._loaded[scope][head or ""].add((size, content_hash))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _version(connection: DuckDBPyConnection) -> int:
    sources = ", ".join(f"'{source}'" for source in (*_SCOPES, UNRECOGNISED))
    ((count,),) = connection.execute(
        f"select count(*) from raw.loads where source in ({sources})"
    ).fetchall()
    return int(count)


def source_of(found: LandingFile) -> str:
    """Return the source that a file belongs to, `unrecognised` where no format claims it."""
    return found.format.source if found.format else UNRECOGNISED


def batches(
    files: list[LandingFile], most_files: int, most_bytes: int
) -> Iterator[list[LandingFile]]:
    """Group files so that many small ones share a connection and a large one has its own."""
    batch: list[LandingFile] = []
    size = 0
    for found in files:
        if batch and (len(batch) >= most_files or size + found.size > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(found)
        size += found.size
    if batch:
        yield batch
