"""A8: a load holds what its limits say, whatever a file holds; measured from outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.landing.folder import Folder, event, events
from tests.landing.test_hostile_files import bomb

MEBIBYTE = 1 << 20

_LOAD = """
import sys
from pathlib import Path
from orchestration.landing.limits import Limits
from orchestration.landing.load import load
from orchestration.warehouse import Warehouse

warehouse, landing, said = map(Path, sys.argv[1:])
report = load(Warehouse(warehouse), landing, limits=Limits(document_bytes=4 << 20))
# Not ru_maxrss: that begins with what the process that started this one had.
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
said.write_text(f"{peak.split()[1]} {report.rows}")
"""


def loaded(folder: Folder) -> tuple[float, int]:
    """Return the peak memory of a load in MiB, and the rows that it took in."""
    # Into a file, not to the terminal: libraries may talk there, too, when a process ends.
    said = folder.path.with_name("said.txt")
    subprocess.run(
        [sys.executable, "-c", _LOAD, str(folder.warehouse.path), str(folder.path), str(said)],
        cwd=Path(__file__).parents[2],
        check=True,
    )
    peak, rows = said.read_text().split()
    return int(peak) / 1024, int(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """One whose warehouse this process leaves to the process that loads."""
    return Folder.at(tmp_path)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What a load of two events takes."""
    folder = Folder.at(tmp_path_factory.mktemp("few"))
    folder.write("sendgrid/a.ndjson", events(1, 2))
    peak, _ = loaded(folder)
    return peak


HOSTILE = {
    "a long first line": lambda: b'{"email": "' + b"x" * (100 * MEBIBYTE) + b'"}\n',
    "a long line": lambda: events(0).encode() + b"x" * (100 * MEBIBYTE) + b"\n",
    "a long value": lambda: b'[\n{"email": "' + b"x" * (100 * MEBIBYTE) + b'"},\n',
    "an array on one line": lambda: json.dumps([event(0, note="x" * 500)] * 150_000).encode(),
    "blank lines": lambda: b"\n" * (100 * MEBIBYTE),
    "blank lines among others": lambda: (b"\n" * MEBIBYTE + b"1\n") * 12,
    "zeroes, packed": lambda: bomb(b"\0", 200),
    "line ends, packed": lambda: bomb(b"\n", 200),
    "broken lines": lambda: b'{"event": "open"\n' * 100_000,
    "another encoding": lambda: b'{"email": "\xe9"}\n' * 200_000,
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
@pytest.mark.parametrize("name", HOSTILE)
def test_a8_a_hostile_file_takes_no_more_memory_than_its_limits(
    folder: Folder, few: float, name: str
) -> None:
    content = HOSTILE[name]()
    folder.write("sendgrid/a.json.gz" if content[:2] == b"\x1f\x8b" else "sendgrid/a.json", content)
    folder.write("sendgrid/good.ndjson", events(1))
    peak, rows = loaded(folder)
    assert rows >= 1
    assert peak < few + 250


def test_a8_a_file_that_the_database_cannot_hold_stops_no_other(folder: Folder) -> None:
    large = json.dumps(event(0, note="x" * 3 * MEBIBYTE)) + "\n"
    folder.write("sendgrid/a.ndjson", large * 40)
    folder.write("sendgrid/b.ndjson", events(1, 2))
    report = folder.load(database_bytes=48 * MEBIBYTE)
    assert folder.event_ids() == ["event-1", "event-2"]
    assert folder.rejects() == [(None, f"memory_exceeded: more than {48 << 20} bytes")]
    assert (report.rows, folder.load().files) == (2, 0)


def test_a8_what_the_database_cannot_hold_at_once_it_takes_in_small_frames(folder: Folder) -> None:
    """What comes behind an earlier load does so too, and nothing of either comes twice."""
    bulk = "[" + "1," * (32 << 10) + "1]"
    texts = [json.dumps(event(n))[:-1] + f', "x": {bulk}}}\n' for n in range(2, 130)]
    folder.write("sendgrid/a.ndjson", events(1))
    folder.load()
    folder.append("sendgrid/a.ndjson", "".join(texts) + events(130))
    report = folder.load(database_bytes=96 * MEBIBYTE)
    assert (report.rows, report.rejected) == (129, 0)
    assert [line for _, line, _ in folder.places()] == list(range(1, 131))
    assert folder.load().files == 0
