"""A6: Mailgun's webhooks, pages of its Events API, and events by themselves."""

import json
from typing import Any

from tests.landing.folder import Folder, lines

TABLE = "raw.mailgun_events"


def event(kind: str, number: int = 1, **others: object) -> dict[str, object]:
    """Return an event as the Events API lists it."""
    return {
        "event": kind,
        "id": f"mailgun-{number}",
        "timestamp": 1_791_331_200.641821 + number,
        "log-level": "info",
        "recipient": f"person{number}@visitor.example",
        "recipient-domain": "visitor.example",
        "message": {"headers": {"message-id": f"20261001.{number}@us.example", "subject": "Hi"}},
        "user-variables": {"enrollment_id": "enr_1", "step_number": "2"},
        "tags": [],
        **others,
    }


def webhook(kind: str, number: int = 1, **others: object) -> dict[str, object]:
    """Return an event as a webhook posts it."""
    return {"signature": signature(number), "event-data": event(kind, number, **others)}


def signature(number: int) -> dict[str, str]:
    """Return what a webhook is signed with."""
    return {"timestamp": str(1_791_331_201 + number), "token": f"t{number}", "signature": "s"}


def envelopes(folder: Folder) -> list[Any]:
    """Return the layers around each record, in order of arrival."""
    rows = folder.query(f"select envelope from {TABLE} order by file, line, position")
    return [envelope and json.loads(envelope) for (envelope,) in rows]


def skipped(folder: Folder) -> list[tuple[str, int]]:
    """Return why records were skipped, and how many."""
    return folder.query("select reason, records from raw.skipped order by reason")


def test_a6_a_webhook_is_unwrapped_and_keeps_its_signature_beside_it(folder: Folder) -> None:
    folder.write("mailgun/hooks.ndjson", lines([webhook("opened", 1), webhook("clicked", 2)]))
    report = folder.load()
    assert (report.rows, report.rejected, report.skipped) == (2, 0, 0)
    assert folder.payloads(TABLE) == [event("opened", 1), event("clicked", 2)]
    assert envelopes(folder) == [[{"signature": signature(1)}], [{"signature": signature(2)}]]


def test_a6_pages_of_the_events_api_give_their_items(folder: Folder) -> None:
    paging = {"next": "https://api.mailgun.example/n", "previous": "https://api.mailgun.example/p"}
    page = {"items": [event("accepted", 1), event("delivered", 2)], "paging": paging}
    folder.write("mailgun/page.json", json.dumps(page, indent=1))
    folder.write("mailgun/pages.ndjson", lines([page, {"items": [], "paging": paging}]))
    assert folder.load().rows == 4
    assert folder.payloads(TABLE) == [event("accepted", 1), event("delivered", 2)] * 2
    assert envelopes(folder) == [None] * 4
    assert folder.places(TABLE)[2:] == [
        ("mailgun/pages.ndjson", 1, 0),
        ("mailgun/pages.ndjson", 1, 1),
    ]


def test_a6_events_by_themselves_load_in_any_layout(folder: Folder) -> None:
    all_types = (
        "accepted",
        "delivered",
        "failed",
        "opened",
        "clicked",
        "unsubscribed",
        "complained",
    )
    records = [event(kind, number) for number, kind in enumerate(all_types)]
    folder.write("mailgun/a.jsonl", lines(records[:3]))
    folder.write("mailgun/b.json", json.dumps(records[3:]))
    folder.load()
    assert folder.payloads(TABLE) == records
    assert folder.rejects() == []


def test_a6_a_rejected_message_names_its_recipient_in_its_header_alone(folder: Folder) -> None:
    refused = event("rejected", reject={"reason": "not authorised"})
    del refused["recipient"]
    refused["message"] = {"headers": {"to": "Bo <bo@visitor.example>"}}
    folder.write("mailgun/a.ndjson", lines([refused, {**refused, "message": {"headers": {}}}]))
    folder.load()
    assert folder.payloads(TABLE) == [refused]
    assert folder.rejects() == [(2, "missing_key: recipient or message.headers.to")]


def test_a6_what_is_known_to_be_no_event_of_ours_is_skipped_with_a_count(folder: Folder) -> None:
    list_event = {"event": "list_uploaded", "timestamp": 1_791_331_200.1, "mailing-list": {}}
    routed = {"recipient": "rep@us.example", "sender": "bo@visitor.example", "body-plain": "Hi"}
    records = [webhook("stored", 1), event("stored", 2), event("opened", 3), list_event, routed]
    folder.write("mailgun/a.ndjson", lines(records))
    report = folder.load()
    assert (report.rows, report.rejected, report.skipped) == (1, 0, 4)
    assert skipped(folder) == [("inbound_mail", 3), ("mailing_list_upload", 1)]


def test_a8_what_is_no_event_of_mailguns_is_rejected_with_its_reason(folder: Folder) -> None:
    folder.write(
        "mailgun/a.ndjson",
        lines(
            [
                webhook("teleported"),
                webhook("opened", timestamp="soon"),
                webhook("opened", recipient=""),
                {"signature": signature(1), "event-data": "opened"},
                {"recipient": "rep@us.example", "sender": "bo@visitor.example"},
                event("opened", 2),
            ]
        ),
    )
    folder.load()
    assert folder.payloads(TABLE) == [event("opened", 2)]
    assert folder.rejects() == [
        (1, "unknown_event_type: teleported"),
        (2, "invalid_timestamp"),
        (3, "missing_key: recipient or message.headers.to"),
        (4, "missing_key: event"),
        (5, "missing_key: event"),
    ]
