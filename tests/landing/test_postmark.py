"""A6: Postmark's webhooks, one object each, told apart by `RecordType`."""

import json

import pytest

from tests.landing.folder import Folder, lines

TABLE = "raw.postmark_events"

#: Each record type has its own names for when and to whom.
RECORDS: dict[str, dict[str, object]] = {
    "Delivery": {
        "Recipient": "ada@visitor.example",
        "DeliveredAt": "2026-10-01T13:28:10.2735393-04:00",
        "Details": "250 ok",
    },
    "Bounce": {
        "ID": 692560173,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Email": "ada@visitor.example",
        "BouncedAt": "2026-10-01T13:28:10.2735393Z",
        "Details": "smtp;550 5.1.1 unknown",
    },
    "Open": {
        "Recipient": "ada@visitor.example",
        "ReceivedAt": "2026-10-01T17:28:10Z",
        "FirstOpen": True,
        "UserAgent": "Firefox",
        "Geo": {"IP": "192.0.2.1"},
    },
    "Click": {
        "Recipient": "ada@visitor.example",
        "ReceivedAt": "2026-10-01T17:28:11Z",
        "OriginalLink": "https://us.example/a",
        "Geo": {},
    },
    "SpamComplaint": {
        "ID": 692560174,
        "Type": "SpamComplaint",
        "Email": "ada@visitor.example",
        "BouncedAt": "2026-10-02T13:28:10Z",
    },
    "SubscriptionChange": {
        "Recipient": "ada@visitor.example",
        "ChangedAt": "2026-10-02T13:28:10Z",
        "SuppressSending": False,
        "SuppressionReason": None,
    },
}

#: A reply that Postmark received for us: no event, though it has a MessageID.
INBOUND = {
    "FromName": "Ada",
    "From": "ada@visitor.example",
    "FromFull": {"Email": "ada@visitor.example", "Name": "Ada", "MailboxHash": ""},
    "To": "rep@us.example",
    "MessageID": "11111111-2222-3333-4444-555555555555",
    "Date": "Thu, 1 Oct 2026 13:28:10 -0400",
    "TextBody": "Hello",
}


def record(kind: str, **others: object) -> dict[str, object]:
    """Return the payload of one webhook."""
    ours = {"MessageID": "aaaaaaaa-0000-4000-8000-000000000001", "MessageStream": "outbound"}
    return {"RecordType": kind, **ours, "Metadata": {"step_number": "2"}, **RECORDS[kind], **others}


@pytest.mark.parametrize("indent", [None, 2])
def test_a6_every_record_type_loads_as_it_came(folder: Folder, indent: int | None) -> None:
    records = [record(kind) for kind in RECORDS]
    text = "".join(json.dumps(each, indent=indent) + "\n" for each in records)
    folder.write("postmark/hooks.json", text)
    report = folder.load()
    assert (report.rows, report.rejected, report.skipped) == (6, 0, 0)
    assert folder.payloads(TABLE) == records
    assert folder.query(f"select distinct envelope from {TABLE}") == [(None,)]


def test_a6_inbound_mail_and_bounces_that_are_not_ours_are_skipped_with_a_count(
    folder: Folder,
) -> None:
    relay_test = record("Bounce", Type="OpenRelayTest", TypeCode=1024)
    own_hook = record("Bounce", Type="InboundError", TypeCode=100008)
    in_stream = {**INBOUND, "MessageStream": "inbound"}
    folder.write(
        "postmark/a.ndjson", lines([INBOUND, in_stream, relay_test, own_hook, record("Open")])
    )
    report = folder.load()
    assert (report.rows, report.rejected, report.skipped) == (1, 0, 4)
    assert folder.query("select reason, records from raw.skipped order by reason") == [
        ("inbound_mail", 2),
        ("not_about_sent_mail", 2),
    ]


def test_a8_what_is_no_event_of_postmarks_is_rejected_with_its_reason(folder: Folder) -> None:
    folder.write(
        "postmark/a.ndjson",
        lines(
            [
                record("Open", RecordType="Teleport"),
                record("Open", Recipient=None),
                record("Open", ReceivedAt="soon"),
                record("Delivery", DeliveredAt=None),
                {"MessageID": "x", "Recipient": "ada@visitor.example"},
                record("Bounce", Type="NewType"),
                record("Bounce", Type=None),
                record("Click"),
            ]
        ),
    )
    folder.load()
    assert folder.payloads(TABLE) == [record("Click")]
    assert folder.rejects() == [
        (1, "unknown_event_type: Teleport"),
        (2, "missing_key: Recipient or Email"),
        (3, "invalid_timestamp"),
        (4, "missing_key: DeliveredAt or BouncedAt or ReceivedAt or ChangedAt"),
        (5, "missing_key: RecordType"),
        (6, "unknown_event_type: NewType"),
        (7, "missing_key: Type"),
    ]
