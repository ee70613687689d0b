"""A8: nothing is dropped silently; what cannot be read is kept with its reason."""

import gzip
import json
from pathlib import Path

import pytest

from orchestration.landing.content import CHUNK_BYTES
from orchestration.landing.limits import Limits
from tests.landing.folder import Folder, event, events, lines


def test_a8_each_bad_line_is_a_reject_and_the_rest_loads(folder: Folder) -> None:
    folder.write(
        "sendgrid/mixed.ndjson",
        events(1).encode()
        + b'{"email": "broken\n'
        + b'{"email": "\xff\xfe@visitor.example"}\n'
        + b"upstream connect error\n"
        + b"42\n"
        + lines(
            [
                {"event": "account_status_change", "timestamp": 1},  # known, and about no mail
                event(2, event="teleported"),
                event(3, email=None),
                event(4, timestamp="soon"),
                event(5, timestamp="1791331200"),
            ]
        ).encode(),
    )
    report = folder.load()
    assert folder.event_ids() == ["event-1", "event-5"]
    assert folder.rejects() == [
        (2, "broken_json"),
        (3, "invalid_utf8"),
        (4, "broken_json"),
        (5, "not_an_object"),
        (7, "unknown_event_type: teleported"),
        (8, "missing_key: email"),
        (9, "invalid_timestamp"),
    ]
    assert (report.rows, report.rejected, report.skipped) == (2, 7, 1)
    assert folder.query("select rows, rejected, skipped from raw.loads") == [(2, 7, 1)]


def test_a8_a_bad_record_in_an_array_rejects_that_record_only(folder: Folder) -> None:
    folder.write("sendgrid/batch.json", json.dumps([event(1), "text", None, [event(9)], event(2)]))
    folder.load()
    assert folder.event_ids() == ["event-1", "event-2"]
    assert folder.rejects() == [(1, "not_an_object")] * 3


def test_a8_a_broken_record_in_a_pretty_file_rejects_that_record_only(folder: Folder) -> None:
    pretty = json.dumps([event(1), event(2), event(3)], indent=2)
    folder.write("sendgrid/pretty.json", pretty.replace('"event-2"', '"event-2" oops'))
    folder.load()
    assert folder.event_ids() == ["event-1", "event-3"]
    assert folder.rejects() == [(8, "broken_json")]


def test_a8_a_broken_first_line_does_not_cost_the_others(folder: Folder) -> None:
    folder.write("sendgrid/first.ndjson", '{"email": \n' + events(1, 2))
    folder.load()
    assert folder.event_ids() == ["event-1", "event-2"]
    assert folder.rejects() == [(1, "broken_json")]


def test_a8_long_rejects_are_capped(folder: Folder) -> None:
    folder.write("sendgrid/long.ndjson", "x" * 50_000 + "\n")
    folder.load()
    assert folder.query("select length(payload) from raw.rejects") == [(10_000,)]


def test_a8_a_truncated_gzip_loads_what_is_readable(folder: Folder) -> None:
    whole = gzip.compress(lines(event(n, noise=str(hash(str(n)))) for n in range(500)).encode())
    folder.write("sendgrid/cut.ndjson.gz", whole[: len(whole) // 2], is_old=True)
    report = folder.load()
    assert 0 < report.rows < 500
    assert [reason for _, reason in folder.rejects()] == ["truncated_gzip"]
    folder.write("sendgrid/cut.ndjson.gz", whole)
    folder.load()
    assert folder.event_ids() == [f"event-{n}" for n in range(500)]


def test_a8_garbage_named_gzip_is_a_reject(folder: Folder) -> None:
    folder.write("sendgrid/fake.json.gz", b"\x1f\x8bnothing of the kind", is_old=True)
    folder.write("sendgrid/good.ndjson", events(1))
    folder.load()
    assert folder.event_ids() == ["event-1"]
    assert [reason for _, reason in folder.rejects()] == ["corrupt_gzip"]


def test_a8_unrecognised_files_are_reported_once(folder: Folder) -> None:
    folder.write("sendgrid/read me.txt", "hello")
    folder.write("elsewhere/it's; drop table raw.loads.json", "[]")
    folder.write(".drafts/hidden.json", "[]")
    assert folder.load().of("unrecognised").rejected == 2
    assert folder.load().rejected == 0
    assert folder.rejects() == [(None, "unrecognised_file")] * 2


def test_a8_a_file_that_cannot_be_read_stops_no_other(folder: Folder) -> None:
    folder.write("sendgrid/foreign.json", lines([event(1)]).encode("utf-16"))
    folder.write("sendgrid/small.ndjson", events(2))
    folder.load()
    assert folder.event_ids() == ["event-2"]
    assert folder.rejects()[0][1].startswith("wrong_encoding")


@pytest.mark.parametrize("last", ["", "\n", "\n" + events(5)])
def test_a8_a_line_too_long_to_hold_is_a_reject_and_its_neighbours_load(
    folder: Folder, last: str
) -> None:
    long_line = json.dumps(event(4, note="x" * (3 * CHUNK_BYTES)))
    folder.write("sendgrid/a.ndjson", events(1, 2, 3) + long_line + last)
    report = folder.load(document_bytes=CHUNK_BYTES)
    assert folder.event_ids() == [f"event-{n}" for n in (1, 2, 3, *([5] if "5" in last else []))]
    assert folder.rejects() == [(4, f"too_large: more than {CHUNK_BYTES} bytes in one line")]
    ((kept,),) = folder.query("select payload from raw.rejects")
    assert kept == long_line[: Limits().reject_characters]
    assert (report.rejected, folder.load().rows) == (1, 0)


def test_a8_names_with_quotes_are_safe(folder: Folder) -> None:
    name = 'sendgrid/it\'s; "drop" $1 {x} *.ndjson'
    folder.write(name, events(1))
    folder.load()
    assert folder.places() == [(name, 1, 0)]


def test_a8_links_out_of_the_folder_are_not_followed(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "secrets.ndjson"
    outside.write_text(events(1))
    (folder.path / "sendgrid").mkdir()
    (folder.path / "sendgrid" / "link.ndjson").symlink_to(outside)
    assert folder.load().files == 0
