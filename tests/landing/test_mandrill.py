"""A6: Mandrill's form posts, a body to a line, and the arrays of events that they hold."""

import gzip
import json
from urllib.parse import urlencode

import pytest

from orchestration.landing import mandrill
from tests.landing.folder import Folder, lines

TABLE = "raw.mandrill_events"


def event(kind: str, number: int = 1, **others: object) -> dict[str, object]:
    """Return an event as it stands in the array that Mandrill posts."""
    message_id = f"{number:032x}"
    return {
        "event": kind,
        "ts": 1_791_331_200 + number,
        "_id": message_id,
        "msg": {
            "_id": message_id,
            "ts": 1_791_331_100,
            "email": f"person{number}@visitor.example",
            "subject": "50 % off & more + a ☃",
            "metadata": {"enrollment_id": "enr_1", "step_number": 2},
            "opens": [{"ts": 1_791_331_150}, {"ts": 1_791_331_160}],
            "clicks": None,
        },
        **others,
    }


def body(*events: object) -> str:
    """Return the body of a form post, as a receiver logs it."""
    return urlencode({"mandrill_events": json.dumps(events)})


BATCHES = [[event("send", 1), event("open", 1)], [event("click", 2)]]
EVENTS = [each for batch in BATCHES for each in batch]

LAYOUTS = {
    "form_bodies": "".join(body(*batch) + "\n" for batch in BATCHES),
    "form_bodies_without_a_last_line_end": "\n".join(body(*batch) for batch in BATCHES),
    "form_bodies_between_blank_lines": "".join("\n" + body(*batch) + "\r\n" for batch in BATCHES),
    "form_bodies_with_a_second_field": "".join(body(*batch) + "&x=1\n" for batch in BATCHES),
    "arrays": lines(BATCHES),
    "one_array": json.dumps(EVENTS, indent=1),
    "both": body(*BATCHES[0]) + "\n" + json.dumps(BATCHES[1]) + "\n",
    "both_the_other_way_round": json.dumps(BATCHES[0]) + "\n" + body(*BATCHES[1]) + "\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a6_form_bodies_and_arrays_give_the_same_events(folder: Folder, layout: str) -> None:
    folder.write("mandrill/posts.ndjson", LAYOUTS[layout], is_old=True)
    report = folder.load()
    assert folder.payloads(TABLE) == EVENTS
    assert (report.rows, report.rejected, report.skipped) == (3, 0, 0)


def test_a9_a_growing_log_of_form_bodies_gives_only_what_is_new(folder: Folder) -> None:
    first, second = (body(*batch) + "\n" for batch in BATCHES)
    folder.write("mandrill/posts.ndjson", first + second[:40])
    assert folder.load().rows == 2
    folder.append("mandrill/posts.ndjson", second[40:])
    assert folder.load().rows == 1
    folder.write("mandrill/posts.ndjson.1.json.gz", gzip.compress((first + second).encode()))
    assert folder.load().rows == 0
    assert folder.payloads(TABLE) == EVENTS


def test_a6_an_event_is_one_row_however_many_opens_its_message_has_had(folder: Folder) -> None:
    folder.write("mandrill/posts.ndjson", body(event("open")) + "\n")
    assert folder.load().rows == 1


def test_a6_every_message_event_loads(folder: Folder) -> None:
    events = [event(kind, number) for number, kind in enumerate(mandrill.EVENT_TYPES)]
    folder.write("mandrill/posts.ndjson", body(*events) + "\n")
    assert folder.load().rows == 10


def test_a6_sync_events_inbound_mail_and_empty_posts_are_no_events(folder: Folder) -> None:
    sync = {"type": "blacklist", "action": "add", "reject": {"email": "ada@visitor.example"}}
    posts = [body(), body(sync, {**sync, "type": "whitelist"}), body(event("inbound"))]
    folder.write("mandrill/posts.ndjson", "\n".join(posts) + "\n")
    report = folder.load()
    assert (report.rows, report.rejected, report.skipped) == (0, 0, 3)
    assert folder.query("select reason, records from raw.skipped order by reason") == [
        ("inbound_mail", 1),
        ("suppression_list_change", 2),
    ]


def test_a8_what_is_no_event_of_mandrills_is_rejected_with_its_reason(folder: Folder) -> None:
    broken = [
        body(event("teleport")),
        body(event("open", ts="soon")),
        body(event("open", ts=0)),
        body(event("open", msg={"_id": "x"})),
        body({"action": "add"}),
        "mandrill_events=%5B%7B",
        "another_field=%5B%5D",
    ]
    folder.write("mandrill/posts.ndjson", "\n".join([*broken, body(event("click"))]) + "\n")
    folder.load()
    assert folder.payloads(TABLE) == [event("click")]
    assert folder.rejects() == [
        (1, "unknown_event_type: teleport"),
        (2, "invalid_timestamp"),
        (3, "implausible_timestamp: 0"),
        (4, "missing_key: msg.email"),
        (5, "missing_key: event"),
        (6, "broken_json"),
        (7, "broken_json"),
    ]
