"""A3: what is kept of a mail, however badly it is written."""

import pytest

from orchestration.landing.mail import parse_mail
from orchestration.landing.mail_headers import addresses, iso_date, message_ids

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


def test_a3_a_reply_keeps_its_thread_times_and_people() -> None:
    mail = parse_mail(REPLY, "ada@team.example")
    assert {key: mail[key] for key in mail if key not in {"content_hash", "bytes", "headers"}} == {
        "mailbox": "ada@team.example",
        "message_id": "reply-1@visitor.example",
        "in_reply_to": "sent-1@mail.team.example",
        "references": ["root@mail.team.example", "sent-1@mail.team.example"],
        "gmail_thread_id": "1700000000000000001",
        "labels": ["Inbox", "Unread"],
        "is_draft": False,
        "from_address": "kai@visitor.example",
        "from_name": "Kai Müller",
        "to_addresses": ["ada@team.example", "ben@team.example"],
        "cc_addresses": ["carl@visitor.example"],
        "subject": "Re: Grüße",
        "header_date": "2026-10-06T10:00:00Z",
        "header_date_text": None,
        "received_at": "2026-10-06T07:30:05Z",
        "content_type": "text/plain",
        "report_type": None,
        "feedback_type": None,
        "feedback_recipient": None,
        "delivery_reports": [],
        "delivery_report_source": None,
        "original_message_id": None,
        "body_text": "Grüße\n",
        "own_text": "Grüße",
        "capped": [],
    }
    assert mail["headers"] == {"return-path": "<kai@visitor.example>"}


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


def test_a3_the_line_before_a_mail_dates_one_that_has_no_time() -> None:
    mail = parse_mail(b"From a@b.example Tue Oct  6 10:00:00 2026\nSubject: hi\n\nhi\n", "a@b")
    assert (mail["header_date"], mail["received_at"]) == (None, "2026-10-06T10:00:00Z")


def test_a3_of_html_alone_the_text_is_kept() -> None:
    mail = parse_mail(
        b"From: a@b.example\nContent-Type: text/html\n\n<style>p {}</style><p>Fish &amp;\n"
        b"chips<br>Kai<!-- no --></p><a",
        "a@b.example",
    )
    assert mail["body_text"] == "Fish & chips\nKai\n<a"


def test_a3_the_first_text_to_read_is_kept_whatever_came_attached() -> None:
    parts = (
        ("text/plain", "Content-Disposition: attachment; filename=a.txt\n", "a file"),
        ("text/html", "", "<p>a page"),
        ("text/plain", "Content-Transfer-Encoding: base64\n", "YSB0ZXh0"),
    )
    body = "".join(f"--b\nContent-Type: {t}\n{h}\n{text}\n" for t, h, text in parts)
    mail = f"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n{body}--b--\n"
    assert parse_mail(mail.encode(), "a@b.example")["body_text"] == "a text"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("<a@b> <c@d>", ["a@b", "c@d"]),
        ("< a@b >,<c@\n d>", ["a@b", "c@d"]),
        ("a@b c@d", ["a@b", "c@d"]),
        ("<>", []),
        ("", []),
        (None, []),
    ],
)
def test_e2_message_ids_lose_brackets_and_space(text: str | None, ids: list[str]) -> None:
    assert message_ids(text) == ids


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Kai <Kai@B.example>", [("Kai", "kai@b.example")]),
        ("kai@b.example (Kai)", [("Kai", "kai@b.example")]),
        (
            '"Low, Ada" <a@b.example>, c@d.example',
            [("Low, Ada", "a@b.example"), ("", "c@d.example")],
        ),
        ('"a \\"b\\" c" <a@b.example>', [('a "b" c', "a@b.example")]),
        ("=?utf-8?q?M=2C_K?= <a@b.example>", [("M, K", "a@b.example")]),
        ("team: a@b.example, c@d.example;", [("", "a@b.example"), ("", "c@d.example")]),
        ("undisclosed-recipients:;", []),
        ("MAILER-DAEMON <>", [("MAILER-DAEMON", "")]),
        ("Ada Low", [("Ada Low", "")]),
        ("kai at b.example (Kai)", [("Kai", "kai@b.example")]),
        ("root", [("", "root")]),
        ("a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ('"no end <a@b.example>', [('"no end', "a@b.example")]),
    ],
)
def test_a3_addresses_are_read_leniently(text: str, found: list[tuple[str, str]]) -> None:
    assert addresses(text) == found


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Tue, 6 Oct 2026 12:00:00 +0200", "2026-10-06T10:00:00Z"),
        ("Tue, 6 Oct 2026 12:00:00 +0200 (CEST)", "2026-10-06T10:00:00Z"),
        ("6 Oct 26 10:00 GMT", "2026-10-06T10:00:00Z"),
        ("Tue Oct  6 10:00:00 2026", "2026-10-06T10:00:00Z"),
        ("2026-10-06T12:00:00+02:00", "2026-10-06T10:00:00Z"),
        ("Tue, 6 Oct 2026 10:00:00 Mars/Olympus", "2026-10-06T10:00:00Z"),
        ("Tue, 6 Oct 2026 10:00:00 +9999", None),
        ("Sat, 1 Jan 0000 00:00:00 +0000", None),
        ("Thu, 1 Jan 1970 00:00:00 +0000", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("Tue, 6 Oct 99999999999999999999 10:00:00", None),
        ("Tue, 31 Feb 2026 10:00:00 +0000", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a3_a_time_that_cannot_be_is_none(text: str, date: str | None) -> None:
    assert iso_date(text) == date
    mail = parse_mail(f"From: a@b.example\nDate: {text}\n\nhi\n".encode(), "a@b.example")
    assert mail["header_date_text"] == (text if date is None else None)


def test_e5_the_topmost_plausible_received_counts() -> None:
    mail = parse_mail(
        b"From: a@b.example\nReceived: by c; Thu, 1 Jan 1970 00:00:00 +0000\nReceived: by d\n"
        b"Received: from e;\n Tue, 6 Oct 2026 10:00:00 +0000\nDate: soon\n\nhi\n",
        "a@b.example",
    )
    assert mail["received_at"] == "2026-10-06T10:00:00Z"
