"""E1, D8: what reports say, in the shapes of many servers; the files under `mails/` are our own."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration.landing.mail import parse_mail
from tests.landing.folder import Folder

MAILS = Path(__file__).with_name("mails")
MAILBOX = "ada@team.example"
ORIGINAL = "step-1.kai@mail.team.example"


def read(name: str) -> dict[str, Any]:
    """Return the payload of a mail under `mails/`."""
    return parse_mail((MAILS / f"{name}.eml").read_bytes(), MAILBOX)


@pytest.mark.parametrize(
    ("name", "source", "action", "status", "diagnostic_code"),
    [
        (
            "standard_with_auto_submitted",
            "part",
            "failed",
            "5.1.1",
            "smtp; 550 5.1.1 No such person here",
        ),
        ("delay", "part", "delayed", "4.4.1", None),
        (
            "plain_text_of_a_daemon",
            "text",
            "failed",
            "5.2.2",
            "Remote host said: 552 5.2.2 The mailbox is full",
        ),
        ("headers_of_exim", "text", "failed", None, "550 Unknown here"),
        (
            "from_nobody",
            "text",
            "failed",
            "5.7.1",
            "554 5.7.1 Mail from your network is not taken here",
        ),
        ("no_reply_with_the_mail_enclosed", "text", "failed", None, None),
    ],
)
def test_e1_a_bounce_names_recipient_reason_and_original(
    name: str, source: str, action: str, status: str | None, diagnostic_code: str | None
) -> None:
    mail = read(f"delivery_report/{name}")
    assert mail["delivery_report_source"] == source
    assert mail["original_message_id"] == ORIGINAL
    assert mail["delivery_reports"] == [
        {
            "final_recipient": "kai@visitor.example",
            "action": action,
            "status": status,
            "diagnostic_code": diagnostic_code,
        }
    ]


def test_e1_a_notification_of_ses_by_mail_is_read() -> None:
    mail = read("delivery_report/ses_notification_by_mail")
    assert mail["delivery_report_source"] == "notification"
    assert mail["original_message_id"] == "0102018f-step-1"
    (report,) = mail["delivery_reports"]
    assert (report["final_recipient"], report["status"]) == ("kai@visitor.example", "5.1.1")


def test_e1_an_abuse_report_tells_who_complained_of_what() -> None:
    mail = read("abuse_report/feedback_loop")
    assert (mail["report_type"], mail["feedback_type"]) == ("feedback-report", "abuse")
    assert (mail["feedback_recipient"], mail["original_message_id"]) == (
        "kai@visitor.example",
        ORIGINAL,
    )
    assert mail["delivery_reports"] == []


def test_e1_people_and_lists_report_nothing_whatever_they_write_of() -> None:
    for path in [*(MAILS / "human").iterdir(), *(MAILS / "list").iterdir()]:
        assert read(f"{path.parent.name}/{path.stem}")["delivery_reports"] == [], path.name


def test_e1_absence_notes_report_nothing_whatever_numbers_are_in_them() -> None:
    for path in (MAILS / "auto_reply").iterdir():
        assert read(f"auto_reply/{path.stem}")["delivery_reports"] == [], path.name


def test_e1_of_several_recipients_each_is_told() -> None:
    blocks = "".join(
        f"Final-Recipient: {kind};{name}\nOriginal-Recipient: rfc822;{n}@b.example\n"
        f"Action: failed (now)\nStatus: 5.{n}.0 (gone)\n\n"
        for n, (kind, name) in enumerate([("rfc822", "0@b.example"), ("X-Unix", "|/bin/clerk")])
    )
    mail = parse_mail(
        b"From: a@b.example\nContent-Type: multipart/report; report-type=delivery-status; "
        b"boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; b\n\n"
        + blocks.replace("\n", "\r\n").encode()
        + b"--b--\n",
        MAILBOX,
    )
    assert [
        (each["final_recipient"], each["action"], each["status"])
        for each in mail["delivery_reports"]
    ] == [("0@b.example", "failed", "5.0.0"), ("1@b.example", "failed", "5.1.0")]


@pytest.mark.parametrize(
    "text",
    [
        "I am out until the 19th; mail is not delivered to my phone.",
        "Our office at 450 Main Street is closed. Your ticket is 550 5.",
    ],
)
def test_e1_what_a_vacation_note_says_is_no_failure(text: str) -> None:
    mail = parse_mail(f"Return-Path: <>\nFrom: kai@b.example\n\n{text}\n".encode(), MAILBOX)
    assert mail["delivery_report_source"] is None


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a3_mails_are_the_same_whatever_their_line_ends_and_container(
    folder: Folder, line_end: bytes
) -> None:
    mbox = b""
    for path in MAILS.rglob("*.eml"):
        content = path.read_bytes().replace(b"\n", line_end)
        folder.write(f"mailboxes/{MAILBOX}/{path.stem}.eml", content)
        folder.write(f"mailboxes/{MAILBOX}/cur/{path.stem}:2,S", content + line_end)
        mbox += b"From clerk@team.example Mon Oct  5 12:00:00 2026" + line_end + content + line_end
    folder.write(f"mailboxes/{MAILBOX}.mbox", mbox)
    assert folder.load().rejected == 0
    expected = sorted(
        json.dumps(parse_mail(path.read_bytes(), MAILBOX) | {"replaces": None}, sort_keys=True)
        for path in MAILS.rglob("*.eml")
    )
    for place in (f"{MAILBOX}.mbox", f"{MAILBOX}/%.eml", f"{MAILBOX}/cur/%"):
        rows = folder.query(
            f"select payload from raw.mailbox_messages where file like 'mailboxes/{place}'"
        )
        found = [json.dumps(json.loads(payload), sort_keys=True) for (payload,) in rows]
        assert sorted(found) == expected, place
