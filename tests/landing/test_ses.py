"""A2: Amazon SES events, out of everything that AWS wraps them in."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestration.landing.reasons import kind_of
from tests.landing.folder import Folder, lines

Json = dict[str, Any]

TABLE = "raw.ses_events"
MEBIBYTE = 1 << 20
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail-events"
VALIDATED = "Successfully validated SNS topic for Amazon SES event publishing."


def event(number: int, name: str = "Open", **others: object) -> Json:
    """Return an event of a configuration set, as SES writes it."""
    return {
        "eventType": name,
        "mail": {
            "timestamp": "2026-10-05T08:00:00.000Z",
            "messageId": f"010701a2b3c4d5e{number}-0000-000000",
            "destination": [f"person{number}@visitor.example"],
            "tags": {"ses:configuration-set": ["sales"], "enrollment_id": [f"e{number}"]},
        },
        name.lower(): {"timestamp": "2026-10-05T08:09:10.110Z"},
        **others,
    }


def notification(message: object) -> Json:
    """Return what SNS posts: the event is a string within."""
    return {
        "Type": "Notification",
        "MessageId": "2c1e0e1a-0000-5555-9999-d0c0ffee0000",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message) + "\n",
        "Timestamp": "2026-10-05T08:09:10.250Z",
        "SignatureVersion": "1",
    }


def without_message(number: int) -> Json:
    """Return the envelope that is left of a notification."""
    return {key: value for key, value in notification(event(number)).items() if key != "Message"}


def queued(*bodies: object) -> Json:
    """Return a batch of a queue, as a function is handed it."""
    return {
        "Records": [
            {"messageId": f"q{number}", "body": json.dumps(body), "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


def envelopes(folder: Folder) -> list[Any]:
    """Return the envelopes of the events in order of arrival."""
    rows = folder.query(f"select envelope from {TABLE} order by load_id, file, line, position")
    return [envelope and json.loads(envelope) for (envelope,) in rows]


def skips(folder: Folder) -> list[tuple[Any, ...]]:
    """Return reason and number of the records that are none of ours."""
    return folder.query("select reason, sum(records) from raw.skipped group by all order by all")


ARCHIVES: dict[str, Callable[[list[Json]], bytes]] = {
    "lines": lambda found: lines(found).encode(),
    "gzipped lines": lambda found: gzip.compress(lines(found).encode()),
    "nothing between": lambda found: "".join(map(json.dumps, found)).encode(),
    "array": lambda found: json.dumps(found).encode(),
    "pretty": lambda found: json.dumps(found, indent=2).encode(),
}


@pytest.mark.parametrize("layout", ARCHIVES.values(), ids=ARCHIVES.keys())
def test_a2_events_that_firehose_stored_load_as_they_are(
    folder: Folder, layout: Callable[[list[Json]], bytes]
) -> None:
    found = [event(1), event(2, "Click"), event(3, "Rendering Failure")]
    folder.write("ses/2026/10/05/events-1.json", layout(found), is_old=True)
    folder.load()
    assert folder.payloads(TABLE) == found
    assert envelopes(folder) == [None] * 3
    assert folder.rejects() == []


def test_a2_an_event_comes_out_of_what_sns_wraps_it_in(folder: Folder) -> None:
    folder.write("ses/http.ndjson", lines([notification(event(1)), notification(event(2))]))
    folder.load()
    assert folder.payloads(TABLE) == [event(1), event(2)]
    assert envelopes(folder) == [[without_message(1)], [without_message(2)]]


def test_a2_an_event_comes_out_of_a_queue_however_often_it_was_wrapped(folder: Folder) -> None:
    folder.write("ses/queue.ndjson", lines([queued(notification(event(1)), event(2))]))
    folder.load()
    assert folder.payloads(TABLE) == [event(1), event(2)]
    assert folder.places(TABLE) == [("ses/queue.ndjson", 1, 0), ("ses/queue.ndjson", 1, 1)]
    assert envelopes(folder) == [
        [{"messageId": "q0", "eventSource": "aws:sqs"}, without_message(1)],
        [{"messageId": "q1", "eventSource": "aws:sqs"}],
    ]


def test_a2_an_event_comes_out_of_what_a_function_a_queues_reader_and_a_bus_are_given(
    folder: Folder,
) -> None:
    for_function = {"Records": [{"EventSource": "aws:sns", "Sns": notification(event(1))}]}
    read_from_queue = {"Messages": [{"ReceiptHandle": "h", "Body": json.dumps(event(2))}]}
    from_bus = {"detail-type": "Email Opened", "source": "aws.ses", "detail": event(3)}
    folder.write("ses/others.ndjson", lines([for_function, read_from_queue, from_bus]))
    folder.load()
    assert folder.payloads(TABLE) == [event(1), event(2), event(3)]
    assert envelopes(folder) == [
        [{"EventSource": "aws:sns", "Sns": without_message(1)}],
        [{"ReceiptHandle": "h"}],
        [{"detail-type": "Email Opened", "source": "aws.ses"}],
    ]


def test_a2_notifications_of_an_identity_load(folder: Folder) -> None:
    bounce = event(1, "Bounce")
    bounce["notificationType"] = bounce.pop("eventType")
    folder.write("ses/identity.json", json.dumps(notification(bounce)), is_old=True)
    folder.load()
    assert folder.payloads(TABLE) == [bounce]


def test_a2_what_aws_says_of_itself_is_skipped_and_counted(folder: Folder) -> None:
    succeeded = {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have …"}
    folder.write(
        "ses/setup.ndjson",
        lines(
            [
                {"Type": "SubscriptionConfirmation", "Message": "You have chosen to …"},
                {"Type": "UnsubscribeConfirmation", "Message": "You have chosen to …"},
                notification(VALIDATED),
                notification(succeeded),
                queued(notification(VALIDATED), notification(event(1))),
                {"Records": [{"Sns": notification(VALIDATED)}, {"body": VALIDATED}]},
                notification({"notificationType": "Received", "mail": {"messageId": "in"}}),
            ]
        ),
    )
    report = folder.load()
    assert folder.payloads(TABLE) == [event(1)]
    assert folder.rejects() == []
    assert skips(folder) == [
        ("inbound_mail", 1),
        ("subscription_confirmation", 1),
        ("topic_validation", 5),
        ("unsubscribe_confirmation", 1),
    ]
    assert report.skipped == 8
    assert folder.query("select rows, rejected, skipped from raw.loads") == [(1, 0, 8)]


def test_a8_what_is_no_event_is_a_reject_with_its_reason(folder: Folder) -> None:
    nobody = event(3)
    nobody["mail"] = {"destination": ["person3@visitor.example"]}
    cut = notification(json.dumps(event(4))[:-20])
    folder.write(
        "ses/odd.ndjson",
        lines(
            [
                event(1),
                event(2, "Teleported"),
                nobody,
                cut,
                event(5, open={"timestamp": "soon"}),
                event(6, open={"timestamp": "9999-12-31T23:59:59Z"}),
                event(7, open={"timestamp": "1970-01-01T00:00:00Z"}),
                notification({"hello": "world"}),
                queued("text", event(8)),
            ]
        )
        + "not even JSON\n",
    )
    folder.load()
    no_type = "missing_key: eventType or notificationType"
    assert folder.payloads(TABLE) == [event(1), event(8)]
    assert folder.rejects() == [
        (2, "unknown_event_type: Teleported"),
        (3, "missing_key: mail.messageId"),
        (4, no_type),
        (5, "invalid_timestamp"),
        (6, "implausible_timestamp: 9999-12-31T23:59:59Z"),
        (7, "implausible_timestamp: 1970-01-01T00:00:00Z"),
        (8, no_type),
        (9, no_type),
        (10, "broken_json"),
    ]
    ((kept,),) = folder.query("select payload from raw.rejects where line = 4")
    assert json.loads(kept)["Message"] == cut["Message"]


def numbers(size: int) -> str:
    """Return an array of some bytes: nothing else takes so much memory when it is taken apart."""
    return "[" + "1," * (size // 2) + "1]"


#: What stands in an envelope beside an event, in each of so many; whether it is kept.
BESIDE_AN_EVENT = {
    "15 MiB of numbers": (numbers(15 * MEBIBYTE), 1, False),
    "1,000,000 levels": ('{"a":' * 10**6 + "1" + "}" * 10**6, 1, False),
    "30 times 1 MiB": (numbers(MEBIBYTE), 30, False),
    "15 times almost 1 MiB": (numbers(MEBIBYTE - 2_000), 15, True),
}


@pytest.mark.parametrize("name", BESIDE_AN_EVENT)
def test_a8_what_a_bulky_envelope_holds_is_an_event_like_its_neighbours(
    folder: Folder, name: str
) -> None:
    bulk, times, is_kept = BESIDE_AN_EVENT[name]
    bulky = json.dumps(notification(event(1)))[:-1] + f', "x": {bulk}}}\n'
    folder.write("ses/a.ndjson", bulky * times + lines([notification(event(2))]))
    folder.load()
    assert folder.rejects() == []
    assert folder.payloads(TABLE) == [event(1)] * times + [event(2)]
    layer = {**without_message(1), "x": json.loads(bulk)} if is_kept else {}
    assert envelopes(folder) == [[layer]] * times + [[without_message(2)]]


def test_a8_a_bulky_page_is_taken_apart(folder: Folder) -> None:
    page = f'{{"Records": [{{"x": {numbers(15 * MEBIBYTE)}}}, {json.dumps(event(1))}]}}'
    folder.write("ses/a.ndjson", page + "\n" + lines([event(2)]))
    folder.load()
    assert folder.payloads(TABLE) == [event(1), event(2)]
    assert folder.rejects() == [(1, "missing_key: eventType or notificationType")]


@pytest.mark.parametrize(("size", "reasons"), [(MEBIBYTE // 2, []), (MEBIBYTE, ["missing_key"])])
def test_a8_an_envelope_larger_than_a_queue_carries_is_not_opened(
    folder: Folder, size: int, reasons: list[str]
) -> None:
    message = json.dumps(event(1))[:-1] + f', "x": {numbers(size)}}}'
    folder.write("ses/a.ndjson", lines([notification(message), notification(event(2))]))
    folder.load()
    assert [kind_of(each) for _, each in folder.rejects()] == reasons
    assert folder.payloads(TABLE)[-1] == event(2)


def test_a8_an_event_without_any_time_is_kept(folder: Folder) -> None:
    undated = event(1, open={})
    del undated["mail"]["timestamp"]
    folder.write("ses/undated.ndjson", lines([undated]))
    folder.load()
    assert folder.payloads(TABLE) == [undated]


def test_a8_a_complaints_arrival_is_a_time_that_must_be_plausible(folder: Folder) -> None:
    arrived = event(1, "Complaint", complaint={"arrivalDate": "2026-10-05T08:09:10.110Z"})
    never = event(2, "Complaint", complaint={"arrivalDate": "9999-12-31T23:59:59Z"})
    folder.write("ses/complaints.ndjson", lines([arrived, never]))
    folder.load()
    assert folder.payloads(TABLE) == [arrived]
    assert folder.rejects() == [(2, "implausible_timestamp: 9999-12-31T23:59:59Z")]


def test_a9_a_notification_and_the_bare_event_are_two_deliveries(folder: Folder) -> None:
    """A10 folds them into one event, by what they say."""
    folder.write("ses/bare.ndjson", lines([event(1)]))
    folder.write("ses/wrapped.ndjson", lines([notification(event(1))]))
    folder.load()
    assert folder.payloads(TABLE) == [event(1), event(1)]
    folder.write("ses/again.ndjson.gz", gzip.compress(lines([event(1)]).encode()))
    assert folder.load().rows == 0


@pytest.mark.parametrize(
    "batch",
    [
        [queued(notification(event(1)), notification(event(2))), queued(notification(event(3)))],
        [queued([event(1), notification(event(2))]), queued({"Records": [event(3)]})],
        [notification([event(1), event(2)]), notification({"detail": event(3)})],
    ],
    ids=["pages in an array", "an array and a page in a queue", "an array and a bus in a topic"],
)
def test_a2_wrappers_may_hold_arrays_and_pages_and_each_other(folder: Folder, batch: Json) -> None:
    folder.write("ses/line.ndjson", lines([batch]))
    folder.load()
    assert [payload["mail"]["messageId"] for payload in folder.payloads(TABLE)] == [
        event(number)["mail"]["messageId"] for number in (1, 2, 3)
    ]
    assert folder.rejects() == []
