"""Where files arrive: a folder on this machine or the prefix of a bucket, read the same way."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

import psutil

from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.discovery import LandingFile, find_files, is_hidden
from orchestration.landing.formats import format_of
from orchestration.landing.storage_errors import (
    ObjectGoneError,
    StorageError,
    UnreadableObjectError,
)

if TYPE_CHECKING:
    from orchestration.landing.bucket import Bucket

#: In the data folder: what is brought from a bucket lies here while it is read.
SPOOL = "spool"

#: At a time: most objects are small, and each costs a round trip.
DOWNLOADS = 8


class Place(Protocol):
    """What a load knows of the landing folder."""

    def files(self) -> Iterator[LandingFile]:
        """Yield every file that is there now.

        Raises:
            StorageError: nobody can tell.
        """

    def at_hand(self, files: Sequence[LandingFile]) -> AbstractContextManager[Mapping[str, str]]:
        """Have the files where their paths say while the block runs.

        Yields what keeps files from being read, by file. One that has gone, or was replaced, since
        it was listed is no problem: its path leads nowhere, and the next pass finds what is there.

        Raises:
            StorageError: none of them can be read for now.
        """


def place_of(landing: Path | BucketUrl, data: Path) -> Place:
    """Return the place of a landing folder; `data` has room for what must be brought from there.

    Raises:
        StorageError: a URL, and what reads it is not installed.
    """
    if isinstance(landing, Path):
        return Folder(landing)
    try:
        from orchestration.landing.bucket import Bucket
    except ModuleNotFoundError as error:
        if error.name != "botocore":
            raise
        raise StorageError(
            f"{landing} needs botocore, which is not installed: install the extra `touchline[s3]` "
            f"(docs/operations.md, Landing from object storage)."
        ) from error
    return Prefix(Bucket(landing), data / SPOOL / str(os.getpid()))


@dataclass(frozen=True)
class Folder:
    """A folder on this machine: its files are read where they lie."""

    path: Path

    def files(self) -> Iterator[LandingFile]:
        """Yield every file below the folder."""
        return find_files(self.path)

    def at_hand(self, _files: Sequence[LandingFile]) -> AbstractContextManager[Mapping[str, str]]:
        """Do nothing."""
        return nullcontext({})


@dataclass(frozen=True)
class Prefix:
    """The objects below a prefix of a bucket. Those to be read are brought into the spool first.

    So no connection to the warehouse waits for the network, and a load reads what cannot break
    off or change under it.
    """

    bucket: "Bucket"
    spool: Path

    def files(self) -> Iterator[LandingFile]:
        """Yield every object but for hidden ones; empty folders are none."""
        prefix = self.bucket.url.key_prefix
        for each in self.bucket.objects():
            file = each.key.removeprefix(prefix)
            is_folder = each.size == 0 and (not file or file.endswith("/"))
            if is_folder or is_hidden(PurePosixPath(file)):
                continue
            path = self.spool / hashlib.sha256(each.key.encode()).hexdigest()
            form = format_of(Path(file))
            yield LandingFile(path, file, each.size, each.modified_ns, form, each.tag)

    @contextmanager
    def at_hand(self, files: Sequence[LandingFile]) -> Iterator[Mapping[str, str]]:
        """Keep objects in the spool while the block runs; those of no format stay where they are.

        Raises:
            StorageError: the bucket, or the spool, is of no use for now.
        """
        self._clear_up_after_the_dead()
        try:
            yield self._bring([found for found in files if found.format])
        finally:
            shutil.rmtree(self.spool, ignore_errors=True)

    def _bring(self, files: Sequence[LandingFile]) -> dict[str, str]:
        try:
            self.spool.mkdir(parents=True, exist_ok=True)
            problems = self._bring_each(files)
        except OSError as error:
            raise StorageError(
                f"Objects could not be copied into {self.spool.parent}: {error.strerror}. Make "
                f"room there for the largest of them, and run again."
            ) from error
        return {found.file: text for found, text in zip(files, problems, strict=True) if text}

    def _bring_each(self, files: Sequence[LandingFile]) -> list[str]:
        if len(files) == 1:
            # A large one comes alone, and in this thread Ctrl-C ends it at once.
            return [self._bring_one(files[0])]
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            try:
                return list(pool.map(self._bring_one, files))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _bring_one(self, found: LandingFile) -> str:
        """Return what keeps an object from being read."""
        key = self.bucket.url.key_prefix + found.file
        try:
            self.bucket.fetch(key, found.version, found.path)
        except ObjectGoneError:
            found.path.unlink(missing_ok=True)
        except UnreadableObjectError as error:
            return f"unreadable_file: {error}"
        return ""

    def _clear_up_after_the_dead(self) -> None:
        """Remove what processes left that were killed while they read."""
        for left in self.spool.parent.glob("*"):
            if not (left.name.isdigit() and psutil.pid_exists(int(left.name))):
                shutil.rmtree(left, ignore_errors=True)
