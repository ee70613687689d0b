"""A1: SendGrid events, as senders' custom arguments and clocks shape them."""

import json

import pytest

from orchestration.landing.sendgrid import EVENT_TYPES
from tests.landing.folder import Folder, event, lines

SECOND = 1_791_331_200


def test_a1_every_type_of_event_about_mail_loads(folder: Folder) -> None:
    found = [event(number, event=name) for number, name in enumerate(EVENT_TYPES)]
    folder.write("sendgrid/types.json", json.dumps(found), is_old=True)
    folder.load()
    assert folder.payloads() == found
    assert len(found) == 11


def test_a1_custom_arguments_stay_where_they_are_whatever_their_names(folder: Folder) -> None:
    odd = event(
        1,
        category=["sales", "step 2"],
        load_id="7",
        payload={"line": 1},
        envelope=[1],
        reason="custom",
        **{"smtp-id": "<m1@us.example>", "": "no name", "'; drop table raw.loads; --": '"'},
    )
    folder.write("sendgrid/custom.ndjson", lines([odd, event(2, category="sales")]))
    folder.load()
    assert folder.payloads() == [odd, event(2, category="sales")]
    assert folder.rejects() == []


@pytest.mark.parametrize(
    "timestamp",
    [SECOND, str(SECOND), SECOND + 0.25, f"{SECOND}.25", SECOND * 1000 + 123, 946_684_800],
)
def test_a1_a_time_may_be_seconds_or_milliseconds_as_number_or_text(
    folder: Folder, timestamp: object
) -> None:
    folder.write("sendgrid/time.ndjson", lines([event(1, timestamp=timestamp)]))
    folder.load()
    assert folder.payloads() == [event(1, timestamp=timestamp)]


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        (0, "implausible_timestamp: 0"),
        (-1, "implausible_timestamp: -1"),
        (946_684_799, "implausible_timestamp: 946684799"),
        (253_402_300_799, "implausible_timestamp: 253402300799"),  # the last second of 9999
        (SECOND * 1_000_000, f"implausible_timestamp: {SECOND}000000"),
        (1e300, "implausible_timestamp: 1e300"),
        ("NaN", "implausible_timestamp: NaN"),
        ("soon", "invalid_timestamp"),
        ("2026-10-05T08:00:00Z", "invalid_timestamp"),
        ([SECOND], "invalid_timestamp"),
        (None, "missing_key: timestamp"),
        ("", "missing_key: timestamp"),
    ],
)
def test_a8_a_time_that_cannot_be_true_is_a_reject_and_its_neighbour_loads(
    folder: Folder, timestamp: object, reason: str
) -> None:
    folder.write("sendgrid/time.ndjson", lines([event(1, timestamp=timestamp), event(2)]))
    folder.load()
    assert folder.payloads() == [event(2)]
    assert folder.rejects() == [(1, reason)]
