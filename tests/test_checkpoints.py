"""Checkpoints of the warehouse: few, and whoever is killed in the midst of one loses nothing."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.standby import NoStandbyError, door, log_of, standby_of, standing_by
from orchestration.warehouse import (
    LOG_BYTES,
    LOG_SHARE,
    Warehouse,
    WarehouseDamagedError,
    WarehouseLockedError,
)

TABLES, MODE = 5, 0o660
#: Makes a log that is too long, of a table of too few rows to be written to the file at once.
LARGE = "create table raw.large as select repeat('x', 300) as x from range(70_000)"
ROOT = Path(__file__).parents[1]

#: Writes a row and makes a checkpoint, anew for each line of its input: in a child that dies at the
#: change of a file that the line numbers. Tells whether the row was in by then, and how it ended.
WRITER = """
import os, sys
from pathlib import Path
from orchestration.warehouse import Warehouse

del os.environ["LD_PRELOAD"]  # `cp` counts no changes
warehouse = Warehouse(Path(sys.argv[1]))
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.environ["TORN_AT"] = line.strip()
        with warehouse.connect() as connection:
            connection.execute("insert into marts.facts values (2)")
        os.write(1, b"committed ")
        warehouse.checkpoint()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse with tables enough to share blocks, all of them in the file."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb", lock_wait_seconds=10)
    with warehouse.connect() as connection:
        connection.execute("create table marts.facts as select 1 as fact")
        for number in range(TABLES):
            connection.execute(f"create table raw.t{number} as select range as i from range(100)")
    warehouse.checkpoint()
    return warehouse


def names(warehouse: Warehouse) -> set[str]:
    """Return what lies in the folder, the lock of the door aside."""
    return {path.name for path in warehouse.path.parent.iterdir()} - {".warehouse.duckdb.lock"}


def facts(warehouse: Warehouse) -> list[int]:
    """Read every table, and return the facts."""
    with warehouse.connect(read_only=True) as connection:
        for number in range(TABLES):
            counted = connection.execute(f"select count(*) from raw.t{number}").fetchone()
            assert counted == (100,)
        return [row[0] for row in connection.execute("from marts.facts").fetchall()]


def add_fact(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("insert into marts.facts values (2)")


def tear(file: Path) -> None:
    """Leave the first block of a file half written."""
    content = bytearray(file.read_bytes())
    content[13_000:140_000] = bytes(127_000)
    file.write_bytes(content)


def test_what_is_written_is_in_the_log_and_the_file_is_left_alone(warehouse: Warehouse) -> None:
    before = warehouse.path.read_bytes()
    for _ in range(3):
        add_fact(warehouse)
    assert warehouse.path.read_bytes() == before
    assert facts(warehouse) == [1, 2, 2, 2]


def test_a_long_log_is_brought_into_the_file_when_its_writer_has_ended(
    warehouse: Warehouse,
) -> None:
    log, before = log_of(warehouse.path), warehouse.path.read_bytes()
    with warehouse.connect() as connection:
        connection.execute(LARGE)
        assert log.stat().st_size > 5 * LOG_BYTES
        assert warehouse.path.read_bytes() == before
    assert names(warehouse) == {"warehouse.duckdb"}
    assert facts(warehouse) == [1]


def test_the_log_of_a_large_file_may_be_longer(warehouse: Warehouse) -> None:
    with warehouse.path.open("ab") as file:
        file.truncate(int(20 * LOG_BYTES / LOG_SHARE))
    with warehouse.connect() as connection:
        connection.execute(LARGE)
    assert log_of(warehouse.path).exists()


def test_a_checkpoint_brings_a_short_log_into_the_file(warehouse: Warehouse) -> None:
    add_fact(warehouse)
    warehouse.checkpoint()
    assert names(warehouse) == {"warehouse.duckdb"}
    assert facts(warehouse) == [1, 2]
    before = warehouse.path.stat().st_mtime_ns
    warehouse.checkpoint()
    assert warehouse.path.stat().st_mtime_ns == before, "there is nothing to bring into it"


def test_a_warehouse_under_another_name_has_its_log_brought_in(warehouse: Warehouse) -> None:
    link = warehouse.path.parent.parent / "link.duckdb"
    link.symlink_to(warehouse.path)
    add_fact(Warehouse(link))
    Warehouse(link).checkpoint()
    assert link.is_symlink()
    assert names(warehouse) == {"warehouse.duckdb"}
    assert facts(warehouse) == [1, 2]


def test_while_others_of_the_process_have_it_open_the_log_stays(warehouse: Warehouse) -> None:
    with warehouse.connect() as outer:
        with warehouse.connect() as inner:
            inner.execute(LARGE)
            outer.execute("begin")
            outer.execute("insert into marts.facts values (2)")
        warehouse.checkpoint()
        outer.execute("commit")
        assert log_of(warehouse.path).exists()
    assert names(warehouse) == {"warehouse.duckdb"}
    assert facts(warehouse) == [1, 2]


def test_a_transaction_that_was_left_open_is_undone_and_hinders_no_checkpoint(
    warehouse: Warehouse,
) -> None:
    with warehouse.connect() as connection:
        connection.execute(LARGE)
        connection.execute("begin")
        connection.execute("insert into marts.facts values (2)")
    assert names(warehouse) == {"warehouse.duckdb"}
    assert facts(warehouse) == [1]


def test_many_threads_that_write_long_logs_are_in_nobodys_way(warehouse: Warehouse) -> None:
    def write(number: int) -> None:
        for turn in range(3):
            with warehouse.connect() as connection:
                connection.execute(LARGE.replace("large", f"large_{number}_{turn}"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert facts(warehouse) == [1]
    with warehouse.connect(read_only=True) as connection:
        large = connection.execute(
            "select count(*) from duckdb_tables() where table_name like 'large%'"
        ).fetchall()
    assert large == [(12,)]


def leave_standing(warehouse: Warehouse) -> None:
    """Leave what a process leaves that is killed in the midst of a checkpoint."""
    shutil.copyfile(warehouse.path, standby_of(warehouse.path))
    shutil.copyfile(log_of(warehouse.path), log_of(standby_of(warehouse.path)))
    tear(warehouse.path)


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("killed_again", [True, False])
def test_a_copy_that_was_left_standing_by_takes_the_place_of_a_torn_file(
    warehouse: Warehouse, read_only: bool, killed_again: bool
) -> None:
    add_fact(warehouse)
    leave_standing(warehouse)
    if killed_again:
        log_of(standby_of(warehouse.path)).replace(log_of(warehouse.path))
    else:
        log_of(warehouse.path).unlink()
    with warehouse.connect(read_only=read_only) as connection:
        assert connection.execute("from marts.facts").fetchall() == [(1,), (2,)]
    warehouse.checkpoint()
    assert names(warehouse) == {"warehouse.duckdb"}
    assert facts(warehouse) == [1, 2]


def test_of_many_who_find_a_copy_left_one_puts_it_into_place(warehouse: Warehouse) -> None:
    add_fact(warehouse)
    leave_standing(warehouse)
    code = (
        "import sys; from tests.test_checkpoints import *; add_fact(Warehouse(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(warehouse.path)]
    writers = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [each.wait(timeout=60) for each in writers] == [0] * 4
    assert facts(warehouse) == [1, 2, 2, 2, 2, 2]


def test_a_copy_is_not_put_over_a_file_that_somebody_has_open(warehouse: Warehouse) -> None:
    add_fact(warehouse)
    shutil.copyfile(warehouse.path, standby_of(warehouse.path))
    impatient = Warehouse(warehouse.path, lock_wait_seconds=0.3)
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print(1); input()"
    with subprocess.Popen(
        [sys.executable, "-uc", hold, str(warehouse.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as notebook:  # fmt: skip
        assert notebook.stdout
        notebook.stdout.readline()
        with pytest.raises(WarehouseLockedError), impatient.connect(read_only=True):
            pytest.fail("the copy has to take its place first")
        notebook.kill()
    assert facts(warehouse) == [1, 2]


def test_a_copy_of_a_warehouse_that_was_removed_is_removed_too(warehouse: Warehouse) -> None:
    add_fact(warehouse)
    leave_standing(warehouse)
    warehouse.path.unlink()
    log_of(warehouse.path).unlink()
    with warehouse.connect() as connection:
        assert connection.execute("from duckdb_tables()").fetchall() == []
    assert not standby_of(warehouse.path).exists()


def test_without_a_copy_standing_by_a_torn_file_is_told(warehouse: Warehouse) -> None:
    tear(warehouse.path)
    with pytest.raises(WarehouseDamagedError), warehouse.connect():
        pytest.fail("half a block is no block")


@pytest.mark.parametrize("read_only", [True, False])
def test_while_a_checkpoint_is_made_others_wait(warehouse: Warehouse, read_only: bool) -> None:
    add_fact(warehouse)
    impatient = Warehouse(warehouse.path, lock_wait_seconds=0.3)
    waiting = threading.Thread(target=add_fact, args=[warehouse])
    before = warehouse.path.stat().st_ino
    with door(warehouse.path), standing_by(warehouse.path):
        with pytest.raises(WarehouseLockedError), impatient.connect(read_only=read_only):
            pytest.fail("the file is being rewritten")
        waiting.start()
        time.sleep(0.3)
        assert waiting.is_alive()
    waiting.join(timeout=10)
    assert warehouse.path.stat().st_ino == before, "nothing has taken its place"
    assert facts(warehouse) == [1, 2, 2]


def test_a_checkpoint_that_fails_leaves_the_copy_standing_by(warehouse: Warehouse) -> None:
    add_fact(warehouse)

    def fail() -> None:
        with door(warehouse.path), standing_by(warehouse.path):
            tear(warehouse.path)
            raise OSError("no space left on the device")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert facts(warehouse) == [1, 2]


@pytest.fixture
def on_full_disk(
    warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Warehouse]:
    """The warehouse on a disk that takes the log's copy, and not the file's."""
    cp = tmp_path_factory.mktemp("bin") / "cp"
    cp.write_text(
        '#!/bin/sh\n[ "${3%.wal}" = "$3" ] || exec ' + f'{shutil.which("cp")} "$@"\n'
        f'exec {shutil.which("cp")} "$3" /dev/full\n'
    )
    cp.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(cp.parent))
        yield warehouse


def test_without_room_for_the_copy_who_asks_is_told_and_who_writes_goes_on(
    on_full_disk: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = on_full_disk
    before = warehouse.path.read_bytes()
    add_fact(warehouse)
    with pytest.raises(NoStandbyError, match=r"could not be copied beside it.* No space left"):
        warehouse.checkpoint()
    with warehouse.connect() as connection:
        connection.execute(LARGE)
    assert "No space left" in caplog.text
    assert names(warehouse) == {"warehouse.duckdb", "warehouse.duckdb.wal"}, "half a copy went"
    assert warehouse.path.read_bytes() == before
    assert facts(warehouse) == [1, 2]


@contextmanager
def writer(warehouse: Warehouse, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start the process whose children die at a change of a file under the warehouse's folder."""
    library = folder / "torn_write.so"
    source = ROOT / "tests" / "torn_write.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(warehouse.path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"LD_PRELOAD": str(library), "TORN_FOLDER": f"{warehouse.path.parent}/"},
    ) as process:  # fmt: skip
        yield process
        process.kill()


@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc"), reason="a write is torn by a C library"
)
def test_a_writer_that_dies_at_any_change_of_any_file_loses_nothing(
    warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    warehouse.path.chmod(MODE)
    kept = tmp_path_factory.mktemp("kept")
    shutil.copytree(warehouse.path.parent, kept, dirs_exist_ok=True)
    deaths = saved = 0
    with writer(warehouse, tmp_path_factory.mktemp("library")) as process:
        assert process.stdin
        assert process.stdout
        for number in range(1, 100):
            for file in warehouse.path.parent.iterdir():
                file.unlink()
            shutil.copytree(kept, warehouse.path.parent, dirs_exist_ok=True)
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
            *committed, status = process.stdout.readline().split()
            assert status in {"-9", "0"}
            saved += standby_of(warehouse.path).exists()
            left = facts(warehouse)
            assert left == [1, 2] if committed else left in ([1], [1, 2])
            add_fact(warehouse)
            warehouse.checkpoint()
            assert facts(warehouse) == [*left, 2]
            assert names(warehouse) == {"warehouse.duckdb"}
            assert warehouse.path.stat().st_mode & 0o777 == MODE
            if status == "0":
                break
            deaths += 1
    assert deaths >= 9
    assert saved >= 4, "log, data, the block in its place, the header: the copy took over"
