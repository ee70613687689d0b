"""A8, A9: files that are none, that lie, or that change while they are read, stop no load."""

import gzip
import os
import socket
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from orchestration.landing.content import CHUNK_BYTES, Content, FileChangedError
from orchestration.landing.limits import Limits
from orchestration.landing.load import load
from orchestration.landing.report import LoadProgress
from tests.landing.folder import Folder, event, events, lines


def bomb(text: bytes, megabytes: int) -> bytes:
    """Return a gzip file of so many megabytes of one text, over and over."""
    member = zlib.compressobj(9, wbits=31)
    block = text * ((1 << 20) // len(text))
    return b"".join(member.compress(block) for _ in range(megabytes)) + member.flush()


def test_a8_a_gzip_of_many_members_is_one_file(folder: Folder) -> None:
    members = b"".join(gzip.compress(events(n).encode()) for n in range(300))
    folder.write("sendgrid/a.json.gz", gzip.compress(b"") * 20_000 + members)
    folder.load()
    assert folder.event_ids() == [f"event-{n}" for n in range(300)]
    assert folder.rejects() == []


@pytest.mark.parametrize(
    ("behind", "rejects"), [(b"\0" * 700, []), (b"garbage", [(3, "corrupt_gzip")])]
)
def test_a8_what_lies_behind_a_gzip_costs_nothing_of_it(
    folder: Folder, behind: bytes, rejects: list[tuple[int, str]]
) -> None:
    folder.write("sendgrid/a.json.gz", gzip.compress(events(1, 2).encode()) + behind, is_old=True)
    folder.load()
    assert folder.event_ids() == ["event-1", "event-2"]
    assert folder.rejects() == rejects


def test_a8_a_gzip_gives_all_up_to_where_it_is_overwritten(folder: Folder) -> None:
    noise = Random(7)
    text = lines(event(n, noise=noise.randbytes(30).hex()) for n in range(2_000))
    whole = bytearray(gzip.compress(text.encode()))
    half = len(whole) // 2
    whole[half : half + 64] = bytes([255]) * 64
    folder.write("sendgrid/a.json.gz", bytes(whole), is_old=True)
    report = folder.load()
    assert report.rows > 900
    assert folder.event_ids()[:900] == [f"event-{n}" for n in range(900)]
    # Behind the fault, bytes may still look like text for a while.
    assert [reason for _, reason in folder.rejects()].count("corrupt_gzip") == 1


EMPTY = {
    "no bytes": b"",
    "a gzip of nothing": gzip.compress(b""),
    "a line end": b"\n",
    "white space": b" \r\n\t\n",
    "zeroes": b"\0" * 100,
}


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize("age", ["young", "old"])
def test_a8_an_empty_file_says_nothing(folder: Folder, name: str, age: str) -> None:
    folder.write("sendgrid/a.json", EMPTY[name], is_old=age == "old")
    report = folder.load()
    assert (report.rows, report.rejected) == (0, 0)
    assert folder.load().files == 0


@pytest.mark.parametrize(
    ("text", "rows"), [(b"\0", 0), (b"\n", 0), (b" \r\n", 0), (events(1).encode(), 76_000)]
)
def test_a8_a_gzip_bomb_is_given_up_and_what_came_before_it_is_loaded(
    folder: Folder, text: bytes, rows: int
) -> None:
    folder.write("sendgrid/bomb.json.gz", bomb(text, 64), is_old=True)
    folder.write("sendgrid/good.json", events(1))
    report = folder.load(inflated_bytes=8 << 20, inflation_ratio=10, document_bytes=4 << 20)
    assert report.rows > rows
    assert [reason for _, reason in folder.rejects()] == ["gzip_bomb"]
    assert ("sendgrid/good.json", 1, 0) in folder.places()
    assert folder.load().files == 0


def test_a8_what_is_no_file_is_left_alone(folder: Folder, tmp_path: Path) -> None:
    folder.write("sendgrid/good.json", events(1))
    folder.write("sendgrid/folder.json/inner.json", events(2))
    place = folder.path / "sendgrid"
    os.mkfifo(place / "pipe.json")
    if os.geteuid() == 0:
        os.mknod(place / "device.json", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    (place / "zero.json").symlink_to("/dev/zero")
    (place / "out").symlink_to(tmp_path)
    (place / "loop").symlink_to(place)
    # A socket's path may be but short.
    here = Path.cwd()
    os.chdir(place)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket.json")
            folder.load()
    finally:
        os.chdir(here)
    assert folder.event_ids() == ["event-2", "event-1"]
    assert folder.rejects() == []


def _vanish(path: Path) -> None:
    path.unlink()


def _shrink(path: Path) -> None:
    os.truncate(path, 150)


def _grow(path: Path) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(events(4)[:50])


def _rotate(path: Path) -> None:
    path.rename(path.with_name("z.json.1"))
    path.write_text(events(*range(50, 60)), encoding="utf-8")


def _become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[Callable[[Path], None], list[int]] = {
    _vanish: [],
    _shrink: [1],
    _grow: [1, 2, 3],
    _rotate: [1, 2, 3, *range(50, 60)],
    _become_a_pipe: [],
    _become_a_folder: [],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_known", [False, True])
def test_a9_a_file_that_changes_after_it_was_looked_at_is_never_mixed(
    folder: Folder, change: Callable[[Path], None], is_known: bool
) -> None:
    """Files of a batch are looked at together and read one after the other."""
    log = folder.write("sendgrid/z.json", events(1, 2, 3)[:-1] if is_known else "")
    folder.load()
    log.write_text(events(1, 2, 3), encoding="utf-8")
    folder.write("sendgrid/a.json", events(0))
    changed: list[str] = []

    def interfere(progress: LoadProgress) -> None:
        if not changed and progress.file.endswith("a.json"):
            changed.append(progress.file)
            change(log)

    load(folder.warehouse, folder.path, progress=interfere)
    assert changed
    folder.load()
    known = {1, 2, 3} if is_known else set()
    assert set(folder.event_ids()) == {f"event-{n}" for n in {0, *CHANGES[change], *known}}
    assert folder.rejects() == []
    folder.append("sendgrid/a.json", events(5))
    assert folder.load().rows == 1


def test_a9_a_content_is_of_one_file_or_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 3 * CHUNK_BYTES)
    content = Content(log, 3 * CHUNK_BYTES, Limits())
    chunks = content.chunks()
    assert next(chunks)
    os.truncate(log, 2 * CHUNK_BYTES)
    assert next(chunks)
    with pytest.raises(FileChangedError, match="shrank"):
        next(chunks)
    log.rename(tmp_path / "log.1")
    log.write_bytes(b"y" * 3 * CHUNK_BYTES)
    with pytest.raises(FileChangedError, match="replaced"):
        next(content.chunks())


NAMES = [
    "it's.json",
    '"; drop table raw.loads; --.json',
    "$(touch owned).json",
    "`touch owned`.json",
    "{file} %s {0}.json",
    "two\nlines.json",
    "-rf.json",
    "*?[a].json",
    "x\\..\\..\\y.json",
    "%2e%2e%2fx.json",
    "a" * 245 + ".json",
    "ünï☃.json",
    "\x1b[2J.json",
    "null\x01.json",
]


def test_a8_any_name_is_but_a_name(folder: Folder) -> None:
    for number, name in enumerate(NAMES):
        folder.write(f"sendgrid/{name}", events(number))
    folder.write("mailboxes/o'hara; --@mail.example.mbox", "")
    report = folder.load()
    assert report.rows == len(NAMES)
    assert {file for file, _, _ in folder.places()} == {f"sendgrid/{name}" for name in NAMES}
    assert (folder.load().files, folder.rejects()) == (0, [])
    assert not Path("owned").exists()


def test_a8_names_that_are_no_text_are_told_apart(folder: Folder) -> None:
    place = folder.path / "sendgrid"
    place.mkdir()
    for number, name in enumerate([b"\xff.json", b"\xfe.json", b"\xff\xfe\n.json"]):
        (place / os.fsdecode(name)).write_text(events(number), encoding="utf-8")
    assert folder.load().rows == 3
    assert len({file for file, _, _ in folder.places()}) == 3
    assert folder.load().files == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into anything")
def test_a8_what_nobody_may_look_into_is_said_once_and_read_when_one_may(folder: Folder) -> None:
    file = folder.write("sendgrid/file.json", events(1))
    shut = folder.write("sendgrid/shut/inner.json", events(2)).parent
    listed = folder.write("sendgrid/listed/inner.json", events(3)).parent
    folder.write("sendgrid/good.json", events(4))
    for path, mode in ((file, 0), (shut, 0), (listed, 0o444)):
        path.chmod(mode)
    try:
        assert (folder.load().rows, folder.load().rejected) == (1, 0)
        reasons = {reason for _, reason in folder.rejects()}
        assert (reasons, len(folder.rejects())) == ({"unreadable_file: Permission denied"}, 3)
    finally:
        for path in (file, shut, listed):
            path.chmod(0o700)
    assert folder.load().rows == 3
