"""A1, A5: every layout in which providers deliver JSON records loads the same records."""

import gzip
import json

import pytest

from tests.landing.folder import Folder, event, events, lines

EVENTS = [event(number) for number in range(6)]

LAYOUTS = {
    "ndjson": lines(EVENTS),
    "array_per_line": lines([EVENTS[:2], EVENTS[2:]]),
    "array_per_file": json.dumps(EVENTS),
    "pretty_array": json.dumps(EVENTS, indent=2) + "\n",
    "array_with_an_object_per_line": "[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]\n",
    "pretty_objects": "\n".join(json.dumps(each, indent=2) for each in EVENTS),
    "no_line_ends": "".join(map(json.dumps, EVENTS)),
    "no_last_line_end": lines(EVENTS).rstrip("\n"),
    "windows_line_ends": lines(EVENTS).replace("\n", "\r\n"),
    "blank_lines": "\n\n" + lines(EVENTS).replace("\n", "\n \t\n"),
    "byte_order_mark": "\ufeff" + lines(EVENTS),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", ["json", "json.gz"])
def test_a1_layouts_give_the_same_records(folder: Folder, layout: str, suffix: str) -> None:
    content = LAYOUTS[layout].encode()
    compressed = gzip.compress(content) if suffix.endswith("gz") else content
    folder.write(f"sendgrid/events.{suffix}", compressed)
    report = folder.load()
    assert folder.payloads() == EVENTS
    assert (report.rows, report.rejected) == (6, 0)
    assert folder.load().rows == 0


def test_a8_line_and_position_say_where_a_record_begins(folder: Folder) -> None:
    folder.write("sendgrid/lines.ndjson", "\n" + lines([event(1), [event(2), event(3)]]))
    folder.write("sendgrid/pretty.json", json.dumps([event(4), event(5)], indent=1))
    folder.load()
    assert folder.places() == [
        ("sendgrid/lines.ndjson", 2, 0),
        ("sendgrid/lines.ndjson", 3, 0),
        ("sendgrid/lines.ndjson", 3, 1),
        ("sendgrid/pretty.json", 2, 0),
        ("sendgrid/pretty.json", 8, 1),
    ]


def test_a1_a_payload_keeps_every_key_as_it_was(folder: Folder) -> None:
    odd = event(1, category=["a", "b"], attempt="1", tls=1, large=12345678901234567890, ünï="ø☃")
    folder.write("sendgrid/odd.ndjson", lines([odd]))
    folder.load()
    assert folder.payloads() == [odd]


@pytest.mark.parametrize("indent", [None, 2])
def test_a5_enrollments_come_as_pages(folder: Folder, indent: int | None) -> None:
    page = {"enrollments": [{"id": "enr_1"}, {"id": "enr_2"}], "next_cursor": None}
    folder.write("sequences/enrollments/page.json", json.dumps(page, indent=indent))
    folder.write("sequences/enrollments/more.ndjson", lines([{"id": "enr_3"}, [{"id": "enr_4"}]]))
    folder.load()
    ids = {payload["id"] for payload in folder.payloads("raw.enrollments")}
    assert ids == {"enr_1", "enr_2", "enr_3", "enr_4"}


def test_a5_messages_come_with_their_times(folder: Folder) -> None:
    message = {"id": "msg_1", "message_id": "a@mail.example", "sent_at": "2026-10-01T14:03:22Z"}
    folder.write(
        "sequences/messages/sent.ndjson", lines([message, {**message, "sent_at": "yesterday"}])
    )
    folder.load()
    assert folder.payloads("raw.messages") == [message]
    assert folder.rejects() == [(2, "invalid_sent_at")]


def test_a1_records_split_over_many_slices_keep_their_lines(folder: Folder) -> None:
    folder.write("sendgrid/long.ndjson", events(*range(500)))
    folder.load(frame_bytes=4096)
    assert [line for _, line, _ in folder.places()] == list(range(1, 501))
    assert folder.payloads() == [event(number) for number in range(500)]
