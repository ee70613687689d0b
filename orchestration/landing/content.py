"""A file's content as a stream of bytes, decompressed, and how much of it is known (A9)."""

import hashlib
import os
import stat
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from orchestration.landing.limits import Limits

#: Larger pieces cost time: each is new memory, which the system must clear first.
CHUNK_BYTES = 4 << 20
HEAD_BYTES = 256

_SNIFFED_BYTES = 64 << 10
#: A gzip file may hold thousands of tiny members in a few kilobytes, and what is behind a member
#: is copied for each of them.
_COMPRESSED_BYTES = 64 << 10
_STEP_BYTES = 16
_GZIP_MAGIC = b"\x1f\x8b"


class FileChangedError(RuntimeError):
    """The file is not the one that it was a moment ago: somebody is rewriting it."""


@dataclass
class Content:
    """The decompressed bytes of one file; compression is told by its first bytes, not its name.

    `size` is the file's length on disk when it was listed: what is appended later is for the next
    pass. `damage` names what stopped a compressed file from being read to its end, once it has
    been read: `truncated_gzip`, `corrupt_gzip` or `gzip_bomb`. What came before it counts.
    """

    path: Path
    size: int
    limits: Limits
    damage: str | None = field(default=None, init=False)
    _identity: tuple[int, int] | None = field(default=None, init=False)

    @cached_property
    def head(self) -> bytes:
        """The first bytes, enough to tell what kind of text it is.

        Raises:
            OSError, FileChangedError: as `chunks` does.
        """
        head = b""
        for chunk in self.chunks():
            head += chunk[:_SNIFFED_BYTES]
            if len(head) >= _SNIFFED_BYTES:
                break
        return head[:_SNIFFED_BYTES]

    @property
    def head_hash(self) -> str:
        """The hash of the first `HEAD_BYTES` bytes."""
        return hashlib.sha256(self.head[:HEAD_BYTES]).hexdigest()

    @property
    def line_end(self) -> bytes:
        """What ends a line: a line feed, unless there are only carriage returns (old Macs)."""
        # Behind a carriage return that comes last there may be a line feed.
        return b"\r" if b"\r" in self.head[:-1] and b"\n" not in self.head else b"\n"

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from offset `start` on.

        Raises:
            OSError: the file cannot be opened or read.
            FileChangedError: a plain file ends before the size that it was listed with, or
                another file has taken its place.
        """
        with self._open() as raw:
            if raw.read(2) == _GZIP_MAGIC:
                raw.seek(0)
                members = iter(lambda: raw.read(_COMPRESSED_BYTES), b"")
                yield from _behind(_joined(self._inflate(members)), start)
                return
            offset = raw.seek(start)
            while offset < self.size:
                chunk = raw.read(min(CHUNK_BYTES, self.size - offset))
                if not chunk:
                    raise FileChangedError(f"{self.path.name} shrank while it was being read.")
                offset += len(chunk)
                yield chunk

    def _open(self) -> BinaryIO:
        # Not waiting: a pipe that took the file's place has no writer to wait for.
        file = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(file)
        identity = (status.st_dev, status.st_ino)
        if not stat.S_ISREG(status.st_mode) or self._identity not in {None, identity}:
            os.close(file)
            raise FileChangedError(f"{self.path.name} has been replaced while it was being read.")
        self._identity = identity
        return os.fdopen(file, "rb")

    def _inflate(self, source: Iterator[bytes]) -> Iterator[bytes]:
        self.damage = None
        member = zlib.decompressobj(wbits=31)
        read = inflated = 0
        for chunk in source:
            data = chunk
            read += len(chunk)
            while data:
                if member.eof:
                    # Zeroes may pad a gzip file; anything else must be the next member.
                    data = data.lstrip(b"\x00")
                    if not data:
                        break
                    member = zlib.decompressobj(wbits=31)
                begun, before, given = data, member.copy(), 0
                try:
                    while piece := member.decompress(data, CHUNK_BYTES):
                        given += len(piece)
                        if self._is_bomb(read, inflated + given):
                            self.damage = "gzip_bomb"
                            return
                        yield piece
                        data = member.unconsumed_tail
                except zlib.error:
                    self.damage = "corrupt_gzip"
                    yield _readable(before, begun)[given:]
                    return
                inflated += given
                data = member.unused_data
        if not member.eof:
            self.damage = "truncated_gzip"

    def _is_bomb(self, read: int, inflated: int) -> bool:
        limits = self.limits
        return inflated > max(limits.inflated_bytes, read * limits.inflation_ratio)


def _readable(member: "zlib._Decompress", data: bytes) -> bytes:
    """Return what compressed bytes hold up to their first error, which costs all given with it."""
    found = bytearray()
    with suppress(zlib.error):
        for start in range(0, len(data), _STEP_BYTES):
            found += member.decompress(data[start : start + _STEP_BYTES])
    return bytes(found)


def _joined(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join small chunks, each of which would cost as much as a large one."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _behind(chunks: Iterator[bytes], start: int) -> Iterator[bytes]:
    """Leave out the first `start` bytes."""
    left = start
    for chunk in chunks:
        if left < len(chunk):
            yield chunk[left:]
        left = max(left - len(chunk), 0)


@dataclass(frozen=True)
class Prefix:
    """The first `length` bytes of a content, known by their hash; `lines` counts line ends."""

    length: int
    content_hash: str
    lines: int


@dataclass
class Reading:
    """The part of a content that has gone by: its length, its line ends, its running hash."""

    line_end: bytes
    length: int = 0
    lines: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def take(self, data: bytes) -> None:
        """Let the next bytes go by."""
        self.digest.update(data)
        self.length += len(data)
        self.lines += data.count(self.line_end)

    def prefix(self) -> Prefix:
        """Return what has gone by."""
        return Prefix(self.length, self.digest.hexdigest(), self.lines)

    def copy(self) -> "Reading":
        """Return a reading that goes on from here by itself."""
        return Reading(self.line_end, self.length, self.lines, self.digest.copy())


@dataclass(frozen=True)
class Recognition:
    """The longest beginning of a content that was loaded before, found among `compared`.

    `contents` are the hashes of all its beginnings that were.
    """

    known: Reading
    compared: frozenset[tuple[int, str]]
    contents: frozenset[str]


def recognise(content: Content, loaded: Collection[tuple[int, str]]) -> Recognition:
    """Find how much of a content was loaded before; `loaded` are (length, hash) of candidates.

    Reads no further than the longest candidate, so that a new file is not read twice.

    Raises:
        OSError, FileChangedError: the content cannot be read.
    """
    candidates = frozenset(loaded)
    reading = Reading(content.line_end)
    known = reading.copy()
    marks = sorted({length for length, _ in candidates})
    chunks = content.chunks() if marks else iter(())
    contents = set()
    rest = b""
    for mark in marks:
        while reading.length + len(rest) < mark and (chunk := next(chunks, b"")):
            reading.take(rest)
            rest = chunk
        part, rest = rest[: mark - reading.length], rest[mark - reading.length :]
        reading.take(part)
        if reading.length < mark:
            break
        if (mark, reading.digest.hexdigest()) in candidates:
            known = reading.copy()
            contents.add(reading.digest.hexdigest())
    return Recognition(known, candidates, frozenset(contents))
