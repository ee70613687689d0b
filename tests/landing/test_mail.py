"""A3: what is kept of a mail, however badly it is written."""

import pytest

from orchestration.landing.mail import UnreadableMailError, message_ids, parse_mail

REPLY = b"""\
Return-Path: <kai@visitor.example>
Received: from mx.visitor.example by mx.team.example; Tue, 6 Oct 2026 09:30:05 +0200
Received: from laptop by mx.visitor.example; Tue, 6 Oct 2026 07:29:00 +0000
X-GM-THRID: 1700000000000000001
X-Gmail-Labels: Inbox,Unread
From: =?utf-8?q?Kai_M=C3=BCller?= <Kai@Visitor.example>
To: Ada <ada@team.example>, "Low, Ben" <Ben@team.example>
Cc: carl@visitor.example
Subject: =?utf-8?b?UmU6IEdyw7zDn2U=?=
Date: Tue, 6 Oct 2026 12:00:00 +0200
Message-ID:
 <reply-1@visitor.example>
In-Reply-To: <sent-1@mail.team.example>
References: <root@mail.team.example>
 <sent-1@mail.team.example>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
"""

REPORT = b"""\
From: Mail Delivery System <MAILER-DAEMON@mx.team.example>
To: ada@team.example
Subject: Undelivered Mail Returned to Sender
Date: Tue, 6 Oct 2026 10:00:00 +0000
Message-ID: <report-1@mx.team.example>
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I could not deliver your mail.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.team.example

Final-Recipient: rfc822; <Kai@Visitor.example>
Action: Failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1
 no such user

--b1
Content-Type: text/rfc822-headers

Message-ID: <sent-1@mail.team.example>
Subject: hello

--b1--
"""

COMPLAINT = REPORT.replace(b"delivery-status;", b"feedback-report;").replace(
    b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.team.example\n\n",
    b"Content-Type: message/feedback-report\n\nFeedback-Type: Abuse\nVersion: 1\n",
)


def test_a3_a_reply_keeps_its_thread_times_and_people() -> None:
    mail = parse_mail(REPLY, "ada@team.example")
    assert {key: mail[key] for key in mail if key not in {"content_hash", "headers"}} == {
        "mailbox": "ada@team.example",
        "message_id": "reply-1@visitor.example",
        "in_reply_to": "sent-1@mail.team.example",
        "references": ["root@mail.team.example", "sent-1@mail.team.example"],
        "gmail_thread_id": "1700000000000000001",
        "gmail_labels": ["Inbox", "Unread"],
        "from_address": "kai@visitor.example",
        "from_name": "Kai Müller",
        "to_addresses": ["ada@team.example", "ben@team.example"],
        "cc_addresses": ["carl@visitor.example"],
        "subject": "Re: Grüße",
        "header_date": "2026-10-06T10:00:00Z",
        "received_at": "2026-10-06T07:30:05Z",
        "content_type": "text/plain",
        "report_type": None,
        "feedback_type": None,
        "delivery_reports": [],
        "original_message_id": None,
        "body_text": "Grüße\n",
    }
    assert mail["headers"] == {"return-path": "<kai@visitor.example>"}


def test_e1_a_delivery_report_names_recipient_status_and_original() -> None:
    mail = parse_mail(REPORT, "ada@team.example")
    assert mail["report_type"] == "delivery-status"
    assert mail["headers"] == {"auto-submitted": "auto-replied"}
    assert mail["original_message_id"] == "sent-1@mail.team.example"
    assert mail["delivery_reports"] == [
        {
            "final_recipient": "kai@visitor.example",
            "action": "failed",
            "status": "5.1.1",
            "diagnostic_code": "smtp; 550 5.1.1 no such user",
        }
    ]


def test_e1_an_abuse_report_tells_its_type() -> None:
    mail = parse_mail(COMPLAINT, "ada@team.example")
    assert (mail["report_type"], mail["feedback_type"]) == ("feedback-report", "abuse")


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_a3_line_ends_make_no_difference(line_end: bytes) -> None:
    assert parse_mail(REPLY.replace(b"\n", line_end), "a@b.example") == parse_mail(
        REPLY, "a@b.example"
    )


def test_a3_bad_headers_leave_their_field_empty_and_the_mail_in() -> None:
    mail = parse_mail(
        b"From: \xdcrsel <u@visitor.example>\nSubject: =?no-such-charset?q?caf=E9?= \xff\n"
        b"Date: the day after tomorrow\nContent-Type: text/plain; charset=klingon\n\n\xfc\x00x\n",
        "a@b.example",
    )
    assert mail["from_address"] == "u@visitor.example"
    assert mail["from_name"] == "Ürsel"
    assert mail["subject"] == "café ÿ"
    assert mail["body_text"] == "üx\n"
    assert (mail["header_date"], mail["received_at"], mail["message_id"]) == (None, None, None)


def test_a3_without_received_the_date_header_counts() -> None:
    mail = parse_mail(b"From: a@b.example\nDate: Tue, 6 Oct 2026 10:00:00 -0000\n\nhi\n", "a@b")
    assert mail["received_at"] == mail["header_date"] == "2026-10-06T10:00:00Z"


def test_a3_long_bodies_are_capped() -> None:
    mail = parse_mail(b"From: a@b.example\n\n" + b"x" * 30_000, "a@b.example")
    assert len(mail["body_text"]) == 20_000


def test_a8_what_has_no_header_is_no_mail() -> None:
    with pytest.raises(UnreadableMailError):
        parse_mail(b"<p>Just some page</p>\n", "a@b.example")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("<a@b> <c@d>", ["a@b", "c@d"]),
        ("< a@b >,<c@\n d>", ["a@b", "c@d"]),
        ("a@b c@d", ["a@b", "c@d"]),
        ("", []),
        (None, []),
    ],
)
def test_e2_message_ids_lose_brackets_and_space(text: str | None, ids: list[str]) -> None:
    assert message_ids(text) == ids
