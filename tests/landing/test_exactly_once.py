"""A9: a file is known by its content, and a growing one gives its new complete lines only."""

import gzip
import json
import shutil

import duckdb
import pytest

from orchestration.landing.load import load
from orchestration.landing.report import LoadProgress
from orchestration.landing.tables import create_raw_tables
from tests.landing.folder import Folder, event, events, lines


def test_a9_a_second_pass_loads_nothing(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1, 2))
    assert folder.load().rows == 2
    again = folder.load()
    assert (again.rows, again.files, again.unchanged, again.load_id) == (0, 0, 1, None)


def test_a9_the_same_content_under_other_names_loads_once(folder: Folder) -> None:
    path = folder.write("sendgrid/a.ndjson", events(1, 2))
    shutil.copy(path, path.with_name("b.ndjson"))
    folder.write("sendgrid/a.ndjson.gz", gzip.compress(path.read_bytes()))
    report = folder.load()
    assert (report.rows, report.files, report.unchanged) == (2, 1, 2)


@pytest.mark.parametrize("count", [1, 40])
def test_a9_a_growing_file_gives_only_its_new_lines(folder: Folder, count: int) -> None:
    folder.write("sendgrid/log.ndjson", events(*range(count)))
    folder.load()
    folder.append("sendgrid/log.ndjson", events(100, 101))
    assert folder.load().rows == 2
    assert folder.places()[-1] == ("sendgrid/log.ndjson", count + 2, 0)
    loads = folder.query("select start_byte, bytes, rows from raw.loads order by load_id")
    assert loads[1][0] == loads[0][1]


@pytest.mark.parametrize("rotated", ["log.ndjson.1.gz", "log.ndjson-20261001.gz"])
def test_a9_a_log_that_grew_and_was_rotated_is_recognised(folder: Folder, rotated: str) -> None:
    path = folder.write("sendgrid/log.ndjson", events(*range(30)))
    folder.load()
    grown = path.read_bytes() + events(30, 31).encode()
    folder.write(f"sendgrid/{rotated}", gzip.compress(grown))
    folder.write("sendgrid/log.ndjson", events(40))
    assert folder.load().rows == 3
    assert sorted(folder.event_ids()) == sorted(f"event-{n}" for n in [*range(32), 40])


def test_a9_a_line_still_being_written_waits(folder: Folder) -> None:
    first, second = json.dumps(event(1)), json.dumps(event(2))
    folder.write("sendgrid/log.ndjson", first + "\n" + second[:30])
    folder.load()
    assert folder.query("select rows, rejected, pending_bytes from raw.loads") == [(1, 0, 30)]
    assert folder.load().files == 0
    folder.append("sendgrid/log.ndjson", second[30:])
    assert folder.load().rows == 1
    folder.append("sendgrid/log.ndjson", "\n" + events(3))
    assert folder.load().rows == 1
    assert folder.places() == [("sendgrid/log.ndjson", n, 0) for n in (1, 2, 3)]


def test_a9_a_line_that_was_never_finished_is_a_reject_in_the_end(folder: Folder) -> None:
    folder.write("sendgrid/log.ndjson", events(1) + '{"email": "cut')
    folder.load()
    assert folder.rejects() == []
    folder.age("sendgrid/log.ndjson")
    assert folder.load().rejected == 1
    assert folder.load().rejected == 0
    assert folder.rejects() == [(2, "truncated")]


def test_a9_a_pretty_array_may_grow_too(folder: Folder) -> None:
    text = json.dumps([event(number) for number in range(4)], indent=2)
    cut = text.index("event-2")
    folder.write("sendgrid/growing.json", text[:cut])
    folder.load()
    assert folder.event_ids() == ["event-0", "event-1"]
    folder.append("sendgrid/growing.json", text[cut:])
    folder.load()
    assert folder.event_ids() == [f"event-{n}" for n in range(4)]
    assert folder.rejects() == []


def test_a9_a_load_that_dies_between_two_files_goes_on_with_the_second(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1))
    folder.write("sendgrid/b.ndjson", events(2))

    def die(progress: LoadProgress) -> None:
        raise KeyboardInterrupt(progress.file)

    with pytest.raises(KeyboardInterrupt):
        load(folder.warehouse, folder.path, progress=die)
    assert folder.event_ids() == ["event-1"]
    assert folder.load().rows == 1
    assert folder.query("select count(distinct file) from raw.loads") == [(2,)]


def test_a9_load_ids_grow_with_each_pass(folder: Folder) -> None:
    for number in range(3):
        folder.write(f"sendgrid/{number}.ndjson", events(number))
        folder.load()
    assert folder.query("select load_id from raw.loads") == [(1,), (2,), (3,)]


def test_sources_can_be_chosen_and_must_exist(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1))
    folder.write("sequences/enrollments/a.ndjson", lines([{"id": "enr_1"}]))
    assert load(folder.warehouse, folder.path, sources=["enrollments"]).rows == 1
    with pytest.raises(ValueError, match="No source postbox"):
        load(folder.warehouse, folder.path, sources=["postbox"])


def test_an_absent_landing_folder_is_an_empty_one(folder: Folder) -> None:
    report = load(folder.warehouse, folder.path / "not there")
    assert report.as_dict() == {
        "load_id": None, "files": 0, "rows": 0, "rejected": 0, "skipped": 0, "unchanged": 0,
        "sources": {},
    }  # fmt: skip


def test_raw_tables_can_be_made_alone_and_twice() -> None:
    connection = duckdb.connect()
    create_raw_tables(connection)
    create_raw_tables(connection)
    names = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'raw'"
    ).fetchall()
    assert {"loads", "rejects", "sendgrid_events", "salesforce_contacts"} <= {n for (n,) in names}


@pytest.mark.parametrize("half", ['[{"email": "a", "eve', '{"email": "a", "eve'])
def test_a9_a_writer_that_died_within_a_line_spoils_that_line_only(
    folder: Folder, half: str
) -> None:
    arrays = lines([[event(1), event(2)]]), lines([[event(3)], [event(4), event(5)]])
    folder.write("sendgrid/grown.ndjson", arrays[0] + half)
    folder.load()
    folder.append("sendgrid/grown.ndjson", "\n" + arrays[1])
    folder.write("sendgrid/at_once.ndjson", half + "\n" + lines([[event(6)], event(7)]))
    folder.load()
    assert sorted(folder.event_ids()) == [f"event-{number}" for number in range(1, 8)]
    assert folder.rejects() == [(1, "broken_json"), (2, "broken_json")]
