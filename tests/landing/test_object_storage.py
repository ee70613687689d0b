"""A landing folder in a bucket gives what one on disk gives, object by object (A11, A9)."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from orchestration.automation import landing_state
from orchestration.landing.formats import FORMATS
from orchestration.landing.limits import Limits
from orchestration.landing.load import load
from orchestration.landing.reload import request_reload
from orchestration.landing.report import LoadProgress
from orchestration.settings import PROJECT_ROOT
from tests.landing.folder import Folder, event, events, lines
from tests.landing.stored import Store

SAMPLE = PROJECT_ROOT / "data" / "sample" / "landing"


def everything(folder: Folder) -> dict[str, list[tuple[object, ...]]]:
    """Return what a load left, but for the times."""
    tables = {each.table for each in FORMATS}
    kept = {
        table: folder.query(f"select * exclude (loaded_at) from {table} order by all")
        for table in tables | {"raw.loads"}
    }
    rejects = "select load_id, source, file, line, reason, payload from raw.rejects order by all"
    return kept | {"raw.rejects": folder.query(rejects)}


def test_a11_a_bucket_gives_the_same_raw_tables_as_a_folder(store: Store, folder: Folder) -> None:
    files = {path: path.relative_to(SAMPLE) for path in SAMPLE.rglob("*") if path.is_file()}
    for path, file in files.items():
        store.put(file.as_posix(), path.read_bytes())
        folder.write(file.as_posix(), path.read_bytes())
    from_folder = folder.load(settle_seconds=0)
    from_bucket = store.load(settle_seconds=0)
    assert from_bucket.as_dict() == from_folder.as_dict()
    assert from_bucket.rows > 3_000
    assert from_bucket.rejected > 0
    assert everything(store.tables) == everything(folder)
    assert store.spooled() == []


def test_a9_a_second_pass_loads_nothing_and_costs_one_listing(store: Store) -> None:
    for number in range(3):
        store.put(f"sendgrid/{number}.ndjson", events(number))
    store.load()
    before = len(store.wire.asked)
    again = store.load()
    assert (again.rows, again.files, again.unchanged, again.load_id) == (0, 0, 3, None)
    assert store.wire.asked_since(before) == [f"GET /{store.url.bucket}"]


def test_a_new_object_costs_one_request(store: Store) -> None:
    store.put("sendgrid/a.ndjson", events(1))
    store.put("unheard-of.bin", b"stays where it is")
    store.load()
    bucket = f"GET /{store.url.bucket}"
    assert store.wire.asked_since(0) == [bucket, f"{bucket}/landing/sendgrid/a.ndjson"]
    assert store.tables.rejects() == [(None, "unrecognised_file")]


def test_a9_an_object_replaced_by_a_longer_log_gives_only_the_new_lines(store: Store) -> None:
    store.put("sendgrid/log.ndjson", events(1, 2))
    store.load()
    store.put("sendgrid/log.ndjson", events(1, 2, 3, 4))
    assert store.load().rows == 2
    assert store.tables.places() == [("sendgrid/log.ndjson", n, 0) for n in (1, 2, 3, 4)]
    store.put("sendgrid/log.1.json.gz", gzip.compress(events(1, 2, 3, 4, 5).encode()))
    assert store.load().rows == 1


def test_an_object_replaced_at_once_by_one_of_the_same_length_is_noticed(store: Store) -> None:
    """S3 tells times in whole seconds; the entity tag tells contents apart."""
    store.put("sendgrid/a.ndjson", events(1))
    store.load()
    before = landing_state(store.place())
    store.put("sendgrid/a.ndjson", events(2))
    assert landing_state(store.place()) != before
    store.load()
    assert store.tables.event_ids() == ["event-1", "event-2"]


def test_a_line_cut_short_waits_for_the_next_version_of_its_object(store: Store) -> None:
    store.put("sendgrid/log.ndjson", events(1) + '{"email": "cut')
    store.load()
    assert (store.load().files, store.tables.rejects()) == (0, [])
    store.put("sendgrid/log.ndjson", events(1, 2))
    assert store.load().rows == 1
    assert store.tables.event_ids() == ["event-1", "event-2"]


def test_a_compressed_object_is_known_by_its_bytes(store: Store) -> None:
    compressed = gzip.compress(events(1, 2).encode())
    store.put("sendgrid/a.ndjson", compressed, ContentEncoding="gzip")
    store.put("sendgrid/b.ndjson", gzip.compress(events(3).encode())[:-10])
    assert store.load(settle_seconds=0).rows == 3
    assert [reason for _, reason in store.tables.rejects()] == ["truncated_gzip"]


def test_drafts_folders_and_neighbours_of_the_prefix_are_left_alone(store: Store) -> None:
    store.put("sendgrid/a.ndjson", events(1))
    store.put("sendgrid/", b"")
    store.put("", b"")
    store.put("sendgrid/.b.ndjson", events(2))
    store.put(".trash/sendgrid/c.ndjson", events(3))
    store.put("../landing2/sendgrid/d.ndjson", events(4))
    for key in ("landing2/sendgrid/e.ndjson", "landing.ndjson", "landing", "sendgrid/f.ndjson"):
        store.client.put_object(Bucket=store.url.bucket, Key=key, Body=events(5).encode())
    assert [found.file for found in store.place().files()] == ["sendgrid/a.ndjson"]
    assert store.load().rows == 1


@pytest.mark.parametrize("store", ["ein Präfix +%20&=#/[x]*'\";--", ""], indirect=True)
def test_any_prefix_and_name_will_do(store: Store) -> None:
    names = ["sendgrid/'; drop table raw.loads; --.json", "sendgrid/ü +%2F&?#\\.json.gz"]
    for number, name in enumerate(names):
        store.put(name, events(number))
    assert store.load().rows == 2
    assert sorted(file for file, _, _ in store.tables.places()) == names


def test_more_objects_than_a_listing_tells_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for number in range(7):
        store.put(f"sendgrid/{number}.json", b"")
    assert len(list(store.place().files())) == 7
    assert len(store.wire.asked) == 3


def test_no_prefix_yet_is_an_empty_landing_folder(store: Store) -> None:
    assert landing_state(store.place()) is None
    assert store.load().as_dict()["load_id"] is None


def test_an_object_that_goes_before_it_is_read_was_never_there(store: Store) -> None:
    for name in ("a", "b"):
        store.put(f"sendgrid/{name}.ndjson", events(ord(name)))

    def delete_the_next(_: LoadProgress) -> None:
        store.delete("sendgrid/b.ndjson")

    one_by_one = Limits(batch_files=1)
    load(store.tables.warehouse, store.url, progress=delete_the_next, limits=one_by_one)
    assert store.tables.event_ids() == ["event-97"]
    assert (store.load().files, store.tables.rejects()) == (0, [])


def test_an_object_deleted_after_it_was_listed_is_passed_over(store: Store) -> None:
    store.put("sendgrid/a.ndjson", events(1))
    store.wire.meanwhile = lambda: store.delete("sendgrid/a.ndjson")
    assert store.load().as_dict()["load_id"] is None
    assert store.load().files == 0


def test_an_object_replaced_after_it_was_listed_is_for_the_next_pass(store: Store) -> None:
    store.put("sendgrid/a.ndjson", events(1))
    store.wire.meanwhile = lambda: store.put("sendgrid/a.ndjson", events(1, 2))
    assert store.load().files == 0
    store.wire.meanwhile = lambda: None
    assert store.load().rows == 2
    assert store.tables.rejects() == []


def test_no_connection_to_the_warehouse_is_held_over_a_request(store: Store) -> None:
    warehouse = store.tables.warehouse.path
    held: list[bool] = []

    def look() -> None:
        files = [Path(file.path) for file in psutil.Process().open_files()]
        held.append(warehouse in files)

    store.wire.meanwhile = look
    for number in range(4):
        store.put(f"sendgrid/{number}.ndjson", lines([event(number)]))
    assert store.load(batch_files=1).rows == 4
    assert held == [False] * 4


def test_what_killed_loads_left_in_the_spool_goes(store: Store) -> None:
    spool = store.tables.warehouse.path.parent / "spool"
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    for name in (dead, str(os.getppid())):
        (spool / name).mkdir(parents=True)
        (spool / name / "half an object").touch()
    store.put("sendgrid/a.ndjson", events(1))
    store.load()
    assert store.spooled() == [str(os.getppid())]


def test_a_known_object_can_be_loaded_again(store: Store) -> None:
    store.put("sendgrid/a.ndjson", events(1))
    store.load()
    assert request_reload(store.tables.warehouse, store.url, ["sendgrid/*"]) == [
        "sendgrid/a.ndjson"
    ]
    before = len(store.wire.asked)
    assert (store.load().rows, len(store.wire.asked)) == (0, before + 2)
    assert store.tables.event_ids() == ["event-1"]
