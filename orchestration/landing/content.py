"""A file's content as a stream of bytes, decompressed, and what its hashes say about it (A9)."""

import hashlib
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 256

_GZIP_MAGIC = b"\x1f\x8b"


class FileChangedError(RuntimeError):
    """The file is shorter than it was a moment ago: somebody is rewriting it."""


@dataclass
class Content:
    """The decompressed bytes of one file; compression is told by its first bytes, not its name.

    `damage` names what stopped a compressed file from being read to its end, once it has been
    read: `truncated_gzip` or `corrupt_gzip`. What came before it counts.
    """

    path: Path
    damage: str | None = None

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from offset `start` up to `stop` (or the end).

        Raises:
            OSError: the file cannot be opened or read.
            FileChangedError: the content ends before `stop`.
        """
        offset = 0
        with self.path.open("rb") as raw:
            if raw.read(2) == _GZIP_MAGIC:
                raw.seek(0)
                source = self._inflate(iter(lambda: raw.read(CHUNK_BYTES), b""))
            else:
                offset = raw.seek(start)
                source = iter(lambda: raw.read(CHUNK_BYTES), b"")
            for chunk in source:
                part = chunk[max(start - offset, 0) : None if stop is None else stop - offset]
                offset += len(chunk)
                if part:
                    yield part
                if stop is not None and offset >= stop:
                    return
        if stop is not None and offset < stop:
            raise FileChangedError(f"{self.path.name} shrank while it was being read.")

    def _inflate(self, source: Iterator[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        for chunk in source:
            data = chunk
            while data:
                if member.eof:
                    # Zeroes may pad a gzip file; anything else must be the next member.
                    data = data.lstrip(b"\x00")
                    if not data:
                        break
                    member = zlib.decompressobj(wbits=31)
                try:
                    piece = member.decompress(data, CHUNK_BYTES)
                    while piece:
                        yield piece
                        piece = member.decompress(member.unconsumed_tail, CHUNK_BYTES)
                except zlib.error:
                    self.damage = "corrupt_gzip"
                    return
                data = member.unused_data
        if not member.eof:
            self.damage = "truncated_gzip"


@dataclass(frozen=True)
class Prefix:
    """The first `length` bytes of a content, known by their hash; `lines` counts line ends."""

    length: int
    content_hash: str
    lines: int


@dataclass(frozen=True)
class Inspection:
    """What one pass over a content found out.

    `known` is the longest beginning that was loaded before, `whole` everything there is, and
    `complete` everything up to the last line end.
    """

    known: Prefix
    complete: Prefix
    whole: Prefix
    head_hash: str
    damage: str | None
    compared: frozenset[tuple[int, str]]

    def prefix(self, length: int) -> Prefix | None:
        """Return one of the prefixes found, if one has this length."""
        each = (self.whole, self.complete, self.known)
        return next((prefix for prefix in each if prefix.length == length), None)


@dataclass
class _Reading:
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    length: int = 0
    lines: int = 0

    def take(self, part: bytes) -> None:
        self.digest.update(part)
        self.length += len(part)
        self.lines += part.count(b"\n")

    def prefix(self) -> Prefix:
        return Prefix(self.length, self.digest.copy().hexdigest(), self.lines)


def head_hash(head: bytes) -> str:
    """Return the hash of a content's first `HEAD_BYTES` bytes."""
    return hashlib.sha256(head[:HEAD_BYTES]).hexdigest()


def hash_prefix(content: Content, length: int) -> Prefix:
    """Hash the first `length` bytes of a content."""
    reading = _Reading()
    for chunk in content.chunks(stop=length) if length else ():
        reading.take(chunk)
    return reading.prefix()


def read_head(content: Content) -> bytes:
    """Return the first `HEAD_BYTES` bytes of a content, or fewer where there are no more."""
    head = b""
    for chunk in content.chunks():
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return head[:HEAD_BYTES]


def inspect(content: Content, head: str, loaded: Collection[tuple[int, str]]) -> Inspection:
    """Read a content once and find what of it is known, complete and there.

    `head` is the hash of its head; `loaded` are (length, hash) of contents that were loaded
    earlier and may be its beginning.
    """
    hashes = set(loaded)
    marks = iter(sorted({length for length, _ in loaded}))
    mark = next(marks, None)
    reading = _Reading()
    known = complete = reading.prefix()
    for chunk in content.chunks():
        rest = chunk
        while rest:
            ends = [len(rest), rest.rfind(b"\n") + 1 or len(rest)]
            if mark is not None:
                ends.append(mark - reading.length)
            end = min(e for e in ends if e > 0)
            part, rest = rest[:end], rest[end:]
            reading.take(part)
            if part.endswith(b"\n"):
                complete = reading.prefix()
            if reading.length == mark:
                prefix = reading.prefix()
                known = prefix if (mark, prefix.content_hash) in hashes else known
                mark = next(marks, None)
    whole = reading.prefix()
    return Inspection(known, complete, whole, head, content.damage, frozenset(hashes))
