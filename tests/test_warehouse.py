"""The door to the warehouse: turns are waited for, copies are whole, nothing stays open."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse import (
    SCHEMAS,
    Warehouse,
    WarehouseDamagedError,
    WarehouseLockedError,
)

#: Holds the file given as an argument until its standard input is closed.
HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("held", flush=True)
sys.stdin.read()
"""


#: What lies beside each other once something was written and published: no drafts.
LEFT = {"warehouse.duckdb", "warehouse.duckdb.wal", ".warehouse.duckdb.lock", "published.duckdb"}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse with one table of one row."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb", lock_wait_seconds=10)
    with warehouse.connect() as connection:
        connection.execute("create table marts.facts as select 1 as fact")
    return warehouse


@contextmanager
def held_elsewhere(path: Path, access: str = "write") -> Iterator["subprocess.Popen[str]"]:
    """Let another process hold the file while the block runs."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), access],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def names(warehouse: Warehouse) -> set[str]:
    return {path.name for path in warehouse.path.parent.iterdir()}


def facts(warehouse: Warehouse) -> list[int]:
    with warehouse.connect(read_only=True) as connection:
        return [row[0] for row in connection.execute("from marts.facts").fetchall()]


@pytest.mark.parametrize("access", ["write", "read"])
def test_a_writer_waits_for_another_process_and_goes_on(warehouse: Warehouse, access: str) -> None:
    with held_elsewhere(warehouse.path, access) as holder:
        threading.Timer(0.4, holder.kill).start()
        started = time.monotonic()
        with warehouse.connect() as connection:
            connection.execute("insert into marts.facts values (2)")
        assert time.monotonic() - started >= 0.3
    assert facts(warehouse) == [1, 2]


def test_readers_do_not_wait_for_each_other(warehouse: Warehouse) -> None:
    impatient = Warehouse(warehouse.path, lock_wait_seconds=0)
    with held_elsewhere(warehouse.path, "read"):
        assert facts(impatient) == [1]


def test_who_waited_in_vain_learns_which_process_holds_the_lock(warehouse: Warehouse) -> None:
    impatient = Warehouse(warehouse.path, lock_wait_seconds=0.3)
    with (
        held_elsewhere(warehouse.path) as holder,
        pytest.raises(WarehouseLockedError) as refusal,
        impatient.connect(),
    ):
        pytest.fail("nobody gets in while another process writes")
    message = str(refusal.value)
    assert f"process {holder.pid}" in message
    assert "python" in message, "the process is named by its command as well"
    assert "published copy" in message, "and there is a way out"


def test_an_error_that_is_no_lock_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"this is no database" * 1000)
    started = time.monotonic()
    with pytest.raises(duckdb.Error), Warehouse(path).connect():
        pytest.fail("what is no database does not open")
    assert time.monotonic() - started < 5


def test_reading_before_anything_was_loaded_says_what_to_run(tmp_path: Path) -> None:
    path = tmp_path / "none" / "warehouse.duckdb"
    with (
        pytest.raises(FileNotFoundError, match="touchline run"),
        Warehouse(path).connect(read_only=True),
    ):
        pytest.fail("there is nothing to read")
    assert not path.parent.exists()


def test_a_writer_finds_every_schema_in_place(tmp_path: Path) -> None:
    with Warehouse(tmp_path / "new" / "warehouse.duckdb").connect() as connection:
        names = connection.execute("select schema_name from information_schema.schemata")
        assert set(SCHEMAS) <= {row[0] for row in names.fetchall()}


def test_a_failing_body_leaves_nothing_open(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.CatalogException), warehouse.connect() as connection:
        connection.execute("insert into marts.facts values (2); from marts.nothing")
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("select 1")
    with held_elsewhere(warehouse.path):
        pass
    assert facts(warehouse) == [1, 2], "statements before the failure were committed"


def test_publishing_replaces_the_copy_under_its_readers(warehouse: Warehouse) -> None:
    target = warehouse.path.with_name("published.duckdb")
    warehouse.publish(target)
    with duckdb.connect(str(target), read_only=True) as reader:
        with warehouse.connect() as connection:
            connection.execute("insert into marts.facts values (2)")
        with held_elsewhere(target, "read"):
            warehouse.publish(target)
        assert reader.execute("from marts.facts").fetchall() == [(1,)]
    assert facts(Warehouse(target)) == [1, 2]


def test_a_published_copy_is_whole_and_leaves_no_draft(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("create table raw.records (payload json)")
        connection.execute("""insert into raw.records values ('{"a": [1, null]}')""")
        connection.execute("create view staging.view_of_facts as from marts.facts")
        connection.execute("create sequence raw.load_ids start 7")
        connection.execute("create table crm.keyed (id varchar primary key, seen_at timestamp)")
        connection.execute("insert into crm.keyed values ('a', timestamp '2026-10-01 08:00:00')")
    target = warehouse.path.with_name("published.duckdb")
    warehouse.publish(target)
    with duckdb.connect(str(target), read_only=True) as copy:
        assert copy.execute("from raw.records").fetchall() == [('{"a": [1, null]}',)]
        assert copy.execute("from staging.view_of_facts").fetchall() == [(1,)]
        assert copy.execute("select id, year(seen_at) from crm.keyed").fetchall() == [("a", 2026)]
    assert names(warehouse) == LEFT


def test_a_draft_that_a_killed_run_left_is_no_hindrance(warehouse: Warehouse) -> None:
    target = warehouse.path.with_name("published.duckdb")
    with held_elsewhere(warehouse.path, "read") as gone:
        pass
    for name in (f".published.duckdb.{gone.pid}.draft", f".published.duckdb.{gone.pid}.draft.wal"):
        target.with_name(name).write_bytes(b"half a copy")
    warehouse.publish(target)
    assert facts(Warehouse(target)) == [1]
    assert names(warehouse) == LEFT


def test_two_processes_may_publish_at_once(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("create table marts.many as from range(300_000)")
    target = warehouse.path.with_name("published.duckdb")
    publish = (
        "import sys; from pathlib import Path; from orchestration.warehouse import Warehouse\n"
        "for _ in range(5): Warehouse(Path(sys.argv[1])).publish(Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", publish, str(warehouse.path), str(target)]
    publishers = [subprocess.Popen(command, cwd=Path(__file__).parents[1]) for _ in range(2)]
    assert [publisher.wait(30) for publisher in publishers] == [0, 0]
    with duckdb.connect(str(target), read_only=True) as copy:
        assert copy.execute("select count(*) from marts.many").fetchone() == (300_000,)
    assert names(warehouse) == LEFT


def test_a_publish_that_fails_leaves_the_old_copy(warehouse: Warehouse) -> None:
    target = warehouse.path.with_name("published.duckdb")
    warehouse.publish(target)
    locked_out = Warehouse(warehouse.path, lock_wait_seconds=0)
    with held_elsewhere(warehouse.path), pytest.raises(WarehouseLockedError):
        locked_out.publish(target)
    assert facts(Warehouse(target)) == [1]


def test_names_with_quotes_and_spaces_are_no_trap(tmp_path: Path) -> None:
    folder = tmp_path / "Ann's data"
    warehouse = Warehouse(folder / 'the "ware house".duckdb')
    with warehouse.connect() as connection:
        connection.execute("create table marts.facts as select 1 as fact")
    warehouse.publish(folder / "Ann's copy.duckdb")
    assert facts(Warehouse(folder / "Ann's copy.duckdb")) == [1]


#: Leaves what it wrote in the write-ahead log: it dies before that goes into the file.
DIE = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("insert into marts.facts select range from range(2, 500)")
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("damaged", ["file", "write-ahead log"])
def test_a_damaged_warehouse_is_told_and_the_published_copy_takes_its_place(
    warehouse: Warehouse, damaged: str
) -> None:
    published = warehouse.path.with_name("published.duckdb")
    warehouse.publish(published)
    file = warehouse.path
    if damaged == "write-ahead log":
        subprocess.run([sys.executable, "-c", DIE, str(warehouse.path)], check=False)
        file = warehouse.path.with_name(f"{warehouse.path.name}.wal")
    _damage(file)
    with (
        pytest.raises(WarehouseDamagedError, match=r"is damaged .* copy the published copy"),
        warehouse.connect(),
    ):
        pass
    for left in warehouse.path.parent.glob("warehouse.duckdb*"):
        left.unlink()
    published.rename(warehouse.path)
    assert facts(warehouse) == [1]


def _damage(file: Path) -> None:
    """Turn some bytes of a log's middle, or of a file's first block, into others."""
    content = bytearray(file.read_bytes())
    middle = min(len(content) // 2, 13_000)
    content[middle : middle + 100] = (byte ^ 0xFF for byte in content[middle : middle + 100])
    file.write_bytes(content)
