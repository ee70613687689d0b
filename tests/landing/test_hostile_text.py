"""A8: text that nobody should send stops no load, and costs no good record beside it."""

import json

import pytest

from orchestration.landing.content import CHUNK_BYTES
from tests.landing import test_ses as ses
from tests.landing.folder import Folder, event, events, lines


def one(number: int, **others: object) -> str:
    return json.dumps(event(number, **others))


GOOD = one(1)


def refused(record: str) -> dict[str, tuple[bytes, str]]:
    """Return what follows a good record on its own line, and the reason that it is refused for."""
    begun = record[:-1].encode() + b', "n": '
    return {
        "another encoding": (b'{"email": "\xe9@visitor.example"}', "invalid_utf8"),
        "a cut-off character": ('{"email": "ø'.encode()[:-1] + b'"}', "invalid_utf8"),
        "a zero within": (record.replace("@", "\0").encode(), "broken_json"),
        "a control character": (record.replace("@", "\x07").encode(), "broken_json"),
        "10,000 levels, cut off": (begun + b"[" * 10_000, "broken_json"),
        "1,000,000 levels, cut off": (b"[" * 1_000_000, "broken_json"),
        "nothing but quotes": (b'{"' * 40_000, "broken_json"),
        "a million digits": (b"9" * 1_000_000, "not_an_object"),
        "a comment": (b"// nothing", "broken_json"),
        "single quotes": (b"{'email': 'x'}", "broken_json"),
    }


def taken(record: str) -> dict[str, bytes]:
    """Return what is unusual, and an event all the same."""
    whole = record.encode()
    begun = whole[:-1] + b', "n": '

    def others(**values: object) -> bytes:
        return whole[:-1] + b", " + json.dumps(values)[1:].encode()

    return {
        "a zero as an escape": others(note="a\0b"),
        "10,000 levels": begun + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "1,000,000 levels": begun + b"[" * 10**6 + b"]" * 10**6 + b"}",
        "1,000,000 objects": begun + b'{"a":' * 10**6 + b"1" + b"}" * (10**6 + 1),
        "400 digits": begun + b"9" * 400 + b"}",
        "5,000 digits": begun + b"9" * 5_000 + b"}",
        "an exponent": begun + b"1e400}",
        "no number": others(n=float("nan")),
        "10,000 keys": others(**{f"k{n}'\".; --": n for n in range(10_000)}),
        "1 MB of escapes": others(note='"\\\n' * 350_000),
        "keys that SQL knows": others(**{"select": 1, "load_id": 2, "$.a": 3, "": 4}),
        "white space before": b" \t" + whole,
        "zeroes before": b"\0" * 5_000 + whole,
        "zeroes behind": whole + b"\0" * 5_000,
        "a byte order mark before": "\ufeff".encode() + whole,
        "half an emoji": whole[:-1] + b', "note": "\\ud83d", "\\ude00": "\\ud83d\\ude00"}',
    }


REFUSED = refused(one(2))
TAKEN = taken(one(2))

#: The same of a format whose records come wrapped.
REFUSED_OF_SES = refused(json.dumps(ses.event(2)))
TAKEN_OF_SES = taken(json.dumps(ses.event(2)))


@pytest.mark.parametrize("name", REFUSED)
def test_a8_a_hostile_line_is_one_reject(folder: Folder, name: str) -> None:
    text, reason = REFUSED[name]
    folder.write("sendgrid/a.ndjson", f"{GOOD}\n".encode() + text + f"\n{one(3)}\n".encode())
    folder.load()
    assert folder.event_ids() == ["event-1", "event-3"]
    assert folder.rejects() == [(2, reason)]
    assert [line for _, line, _ in folder.places()] == [1, 3]


@pytest.mark.parametrize("name", REFUSED)
def test_a8_a_hostile_first_line_costs_only_itself(folder: Folder, name: str) -> None:
    text, reason = REFUSED[name]
    folder.write("sendgrid/a.ndjson", text + f"\n{one(2)}\n{one(3)}\n".encode())
    folder.load()
    assert folder.event_ids() == ["event-2", "event-3"]
    assert folder.rejects() == [(1, reason)]


@pytest.mark.parametrize("name", REFUSED_OF_SES)
def test_a8_a_hostile_line_costs_no_wrapped_record_beside_it(folder: Folder, name: str) -> None:
    text, reason = REFUSED_OF_SES[name]
    first, last = (lines([ses.notification(ses.event(number))]).encode() for number in (1, 3))
    folder.write("ses/a.ndjson", first + text + b"\n" + last)
    folder.load()
    assert folder.payloads(ses.TABLE) == [ses.event(1), ses.event(3)]
    assert folder.rejects() == [(2, reason)]


@pytest.mark.parametrize("name", TAKEN_OF_SES)
def test_a8_an_unusual_record_of_wrapped_ones_is_an_event(folder: Folder, name: str) -> None:
    first, last = (lines([ses.notification(ses.event(number))]).encode() for number in (1, 3))
    folder.write("ses/a.ndjson", first + TAKEN_OF_SES[name] + b"\n" + last)
    folder.load()
    found = folder.query(f"select payload ->> '$.mail.messageId' from {ses.TABLE} order by line")
    assert found == [(ses.event(number)["mail"]["messageId"],) for number in (1, 2, 3)]
    assert folder.rejects() == []


@pytest.mark.parametrize("name", TAKEN)
def test_a8_an_unusual_line_is_an_event(folder: Folder, name: str) -> None:
    folder.write("sendgrid/a.ndjson", f"{GOOD}\n".encode() + TAKEN[name] + f"\n{one(3)}\n".encode())
    folder.load()
    emails = folder.query("select payload ->> 'email' from raw.sendgrid_events order by line")
    assert emails == [(f"person{n}@visitor.example",) for n in (1, 2, 3)]
    assert folder.rejects() == []


@pytest.mark.parametrize("name", TAKEN)
def test_a8_an_unusual_record_of_a_pretty_array_is_an_event(folder: Folder, name: str) -> None:
    parts = [GOOD.encode(), TAKEN[name], one(3).encode()]
    folder.write("sendgrid/a.json", b"[\n  " + b",\n  ".join(parts) + b"\n]\n")
    folder.load()
    emails = folder.query("select payload ->> 'email' from raw.sendgrid_events order by line")
    assert emails == [(f"person{n}@visitor.example",) for n in (1, 2, 3)]
    assert folder.rejects() == []


def test_a8_half_an_emoji_is_left_out_and_whole_ones_stay(folder: Folder) -> None:
    text = one(1)[:-1] + r', "a": "x\ud83d", "b": "\ud83d\ude00", "c": "\\ud83d", "\ude00d": 1}'
    folder.write("sendgrid/a.ndjson", text + "\n")
    folder.load()
    (payload,) = folder.payloads()
    assert {key: payload[key] for key in "abcd"} == {"a": "x", "b": "😀", "c": "\\ud83d", "d": 1}


def test_a8_a_deep_record_spread_over_lines_is_an_event(folder: Folder) -> None:
    deep = "[\n" * 10_000 + "]\n" * 10_000
    text = json.dumps([event(1), event(2, n="deep"), event(3)], indent=1).replace('"deep"', deep)
    folder.write("sendgrid/a.json", text)
    folder.load()
    assert [line for _, line, _ in folder.places()] == [2, 8, 20_015]
    assert folder.rejects() == []


@pytest.mark.parametrize("text", ["[" * 10**6, '{"a":' * 10**6, '[{"a":"', '{"' * 10**5, "\x1f"])
def test_a8_a_file_that_is_but_a_beginning_is_one_reject_in_the_end(
    folder: Folder, text: str
) -> None:
    folder.write("sendgrid/a.json", text)
    assert folder.load().rejected == 0
    folder.age("sendgrid/a.json")
    folder.load()
    assert folder.rejects() == [(1, "truncated")]
    assert folder.load().files == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a8_lines_are_counted_by_whatever_ends_them(folder: Folder, start: str, end: str) -> None:
    texts = [one(1), "", "nonsense", one(2), "[" + one(3) + "," + one(4) + "]", '{"a']
    folder.write("sendgrid/a.ndjson", start + end.join(texts), is_old=True)
    folder.load()
    places = [(line, position) for _, line, position in folder.places()]
    assert places == [(1, 0), (4, 0), (5, 0), (5, 1)]
    assert folder.rejects() == [(3, "broken_json"), (6, "truncated")]


def test_a8_a_line_end_behind_what_was_looked_at_is_seen(folder: Folder) -> None:
    """The carriage return is the last byte by which the kind of line end is told."""
    short = one(1, note="")
    first = one(1, note="x" * (65_535 - len(short)))
    folder.write("sendgrid/a.ndjson", f"{first}\r\n{one(2)}\r\n")
    folder.load()
    assert [line for _, line, _ in folder.places()] == [1, 2]


def test_a8_a_carriage_return_whose_line_feed_is_yet_to_come_is_no_old_mac(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", f"{one(1)}\r")
    folder.load()
    folder.append("sendgrid/a.ndjson", f"\n{one(2)}\r\n")
    folder.load()
    assert [line for _, line, _ in folder.places()] == [1, 2]


def test_a8_files_put_one_behind_the_other_load_like_one(folder: Folder) -> None:
    text = "\ufeff" + lines([event(1)]) + "\ufeff" + lines([event(2)]) + f"{one(3)}\r{one(4)}\n"
    folder.write("sendgrid/a.ndjson", text)
    folder.write("sendgrid/b.json", "\ufeff" + json.dumps([event(5)], indent=1))
    folder.load()
    assert folder.event_ids() == [f"event-{n}" for n in range(1, 6)]
    assert folder.rejects() == []


def test_a8_a_broken_line_gives_the_whole_records_before_and_behind_the_break(
    folder: Folder,
) -> None:
    """A writer died in mid-line and the next one went on; one forgot the line end; and so on."""
    broken = [
        one(1),
        one(2)[:40] + one(3),
        one(4) + one(5) + one(6)[:30],
        f"[{one(7)}, {one(8)}, {one(9)[:50]}",
        "<13>Nov 21 10:00:00 host app[12]: " + one(10),
        one(11)[:-20] + f"[{one(12)}]",
        '{"email": "nothing to save", "event": {"event": "open"}, "x',
    ]
    folder.write("sendgrid/a.ndjson", "\n".join(broken) + "\n")
    folder.load()
    assert folder.event_ids() == [f"event-{n}" for n in (1, 3, 4, 5, 7, 8, 10, 12)]
    assert folder.rejects() == [(n, "broken_json") for n in (2, 3, 4, 5, 6, 7)]
    ((kept,),) = folder.query("select payload from raw.rejects where line = 2")
    assert kept == one(2)[:40]


@pytest.mark.parametrize(
    ("whole", "broken"), [('"event-2"\n },', '"event-2"\n ,'), ('"event-2"\n', '"event-2\n')]
)
def test_a8_a_pretty_record_that_is_not_closed_costs_only_itself(
    folder: Folder, whole: str, broken: str
) -> None:
    pretty = json.dumps([event(n) for n in range(1, 5)], indent=1)
    folder.write("sendgrid/a.json", pretty.replace(whole, broken))
    folder.load()
    assert folder.event_ids() == ["event-1", "event-3", "event-4"]
    assert folder.rejects() == [(8, "broken_json")]


@pytest.mark.parametrize("indent", [None, 1])
def test_a8_a_value_too_long_to_hold_is_a_reject_and_its_neighbours_load(
    folder: Folder, indent: int | None
) -> None:
    large = event(2, note="x" * (5 * CHUNK_BYTES // 2))
    folder.write("sendgrid/a.json", json.dumps([event(1), large, event(3)], indent=indent))
    folder.load(document_bytes=CHUNK_BYTES)
    # On one line nobody can tell where the next record begins.
    assert folder.event_ids() == (["event-1", "event-3"] if indent else ["event-1"])
    assert folder.rejects() == [
        (8 if indent else 1, f"too_large: more than {CHUNK_BYTES} bytes in one value")
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a8_a_line_too_long_to_hold_costs_itself_wherever_it_stands(
    folder: Folder, place: int
) -> None:
    texts = [one(1), one(2)]
    texts.insert(place, '{"email": "' + "x" * (5 * CHUNK_BYTES // 2) + '"}')
    folder.write("sendgrid/a.ndjson", "\n".join(texts) + "\n")
    folder.load(document_bytes=CHUNK_BYTES)
    assert folder.event_ids() == ["event-1", "event-2"]
    assert [(line, reason[:9]) for line, reason in folder.rejects()] == [(place + 1, "too_large")]


def test_a8_the_hole_before_a_log_that_was_emptied_under_its_writer_is_no_line(
    folder: Folder,
) -> None:
    """As `copytruncate` leaves it: the writer goes on at its old offset."""
    log = folder.write("sendgrid/a.ndjson", "")
    with log.open("r+b") as hole:
        hole.seek(3 * CHUNK_BYTES)
        hole.write(events(1, 2).encode())
    folder.load(document_bytes=CHUNK_BYTES)
    assert folder.event_ids() == ["event-1", "event-2"]
    assert (folder.rejects(), folder.load().files) == ([], 0)


def test_a1_an_array_longer_than_a_window_keeps_lines_and_positions(folder: Folder) -> None:
    records = [event(n, note="x" * 100_000) for n in range(400)]
    folder.write("sendgrid/line.json", json.dumps(records))
    folder.write("sendgrid/pretty.json", json.dumps([event(n) for n in range(400)], indent=1))
    folder.load(document_bytes=1 << 20)
    places = folder.places()
    assert places[:400] == [("sendgrid/line.json", 1, n) for n in range(400)]
    assert places[400:] == [("sendgrid/pretty.json", 2 + 6 * n, n) for n in range(400)]
    assert folder.rejects() == []
