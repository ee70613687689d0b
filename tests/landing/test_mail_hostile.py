"""A8: a mail may be as large, deep and broken as it likes; it goes in, bounded, and soon."""

import base64
import bz2
import time
import tracemalloc

import orjson
import pytest

from orchestration.landing.mail import UnreadableMailError, parse_mail
from orchestration.landing.mail_limits import MailLimits

HEADERS = (
    b"From: a@b.example\nTo: r@us.example\nSubject: s\nMessage-ID: <m@b.example>\n"
    b"Date: Tue, 6 Oct 2026 10:00:00 +0000\n"
)
MIXED = b"Content-Type: multipart/mixed; boundary=b"


def parts(count: int) -> bytes:
    """Return a mail of many small parts."""
    each = b"--b\nContent-Type: text/plain\n\npart\n"
    return HEADERS + MIXED + b"\n\n" + each * count + b"--b--\n"


def nested(depth: int, head: bytes = b"") -> bytes:
    """Return a mail of parts within parts."""
    return HEADERS + b"".join(
        MIXED + b"%d\n\n--b%d\n%s" % (level, level, head) for level in range(depth)
    )


HOSTILE = {
    "100,000 parts": parts(100_000),
    "a million empty parts": HEADERS + MIXED + b"\n\n" + b"--b\n" * 1_000_000,
    "parts within parts": nested(20_000),
    "mails within mails": HEADERS + b"Content-Type: message/rfc822\n\n" * 20_000,
    "mails within parts": nested(5_000, b"Content-Type: message/rfc822\n\n"),
    "parts without an end": HEADERS + (MIXED + b"\n\n--b\n") * 50_000,
    "a million headers": HEADERS + b"X-A: b\n" * 1_000_000 + b"\nhi\n",
    "lines that are no headers": HEADERS + b"junk\n" * 1_000_000 + b"\nhi\n",
    "no body but headers": HEADERS + b"X-B: " + b"y" * 32_000_000,
    "encoded words": HEADERS + b"Comments: x\nSubject: " + b"=?utf-8?q?=41?= " * 80_000 + b"\n\n",
    "words without an end": b"From: a@b\nSubject: " + b"=?a?q?" * 200_000 + b"\n\n",
    "brackets": b"From: " + b"(a" * 30_000 + b"\nTo: " + b"<a" * 30_000 + b"\n\n",
    "quotes": b"From: a@b\nTo: " + b'"\\' * 30_000 + b"\n\n",
    "commas": b"From: " + b"," * 1_000_000 + b"\n\n",
    "a parameter far away": HEADERS + b"Content-Type: text/plain" + b" " * 60_000 + b"\n\nhi",
    "a parameter without an end": HEADERS
    + b"Content-Type: text/plain"
    + b'; a="\\' * 9_000
    + b"\n\n",
    "an expensive charset": HEADERS
    + b"Content-Type: text/plain; charset=punycode\n\n"
    + b"a-" * 99_999,
    "half characters": HEADERS
    + b"Content-Type: text/plain; charset=utf-7\n\n"
    + b"+2AA- " * 20_000,
    "no charset": HEADERS + b'Content-Type: text/plain; charset="a\x00b"\n\nhi',
    "source code": HEADERS + b"Content-Type: text/plain; charset=unicode_escape\n\n\\ud800\\q",
    "broken base64": HEADERS + b"Content-Transfer-Encoding: base64\n\n!A===B\xff",
    "broken quoted-printable": HEADERS + b"Content-Transfer-Encoding: quoted-printable\n\n=ZZ==\n=",
    "a boundary that is a pattern": HEADERS
    + b'Content-Type: multipart/mixed; boundary="(a+)+$"\n\n',
    "tags without an end": HEADERS + b"Content-Type: text/html\n\n" + b"<a" * 120_000,
    "styles without an end": HEADERS + b"Content-Type: text/html\n\n" + b"<style>" * 40_000,
    "a long line in a bounce": b"From: mailer-daemon@b\n\n" + b"x" * 500_000,
    "addresses in a bounce": b"From: mailer-daemon@b\n\nuser " + b"a@" * 60_000,
    "words in a bounce": b"Return-Path: <>\nFrom: a@b\n\n" + b"unable to " * 9_000 + b"550 5.1.1 x",
    "codes in a bounce": b"From: mailer-daemon@b\n\n" + b"5.1.1 550 " * 6_000,
    "spaces in a bounce": b"From: mailer-daemon@b\n\n" + b" " * 60_000 + b"\n" + b"> \n" * 9_000,
    "blocks in a report": HEADERS
    + MIXED
    + b"\n\n--b\nContent-Type: message/delivery-status\n\n"
    + b"Status: 5.1.1\n\n" * 100_000,
    "a deep notification": HEADERS + b'\n{"notificationType":' + b"[" * 60_000 + b"}",
    "an odd notification": HEADERS + b'\n{"notificationType":1,"mail":[],"bounce":[1]}',
    "only zeroes in the body": HEADERS + b"\n" + bytes(100_000),
    "zeroes in headers": b"From: a\x00@b\nSubject: \x00\nMessage-ID: <\x00>\nDate: \x00\n\n\x00",
    "raw bytes in headers": b"From: \xff <a@b>\nSubject: \xe4\nReferences: <\xe4>\n\n\xe4",
    "the same headers again": HEADERS * 10_000 + b"\nhi",
    "nothing but a sender": b"From: a@b",
    "a byte order mark": b"\xef\xbb\xbf" + HEADERS + b"\nhi",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a8_a_hostile_mail_goes_in(name: str) -> None:
    begun = time.process_time()
    mail = parse_mail(HOSTILE[name], "r@us.example")
    assert time.process_time() - begun < 5  # most take milliseconds; minutes is what this is about
    assert len(orjson.dumps(mail)) < 300_000
    assert b"\\u0000" not in orjson.dumps(mail)


RETURNED = b"\nReceived: from b.example\nMessage-ID: <step@us.example>\n\n"
KAI = {"final_recipient": "kai@visitor.example", "action": "failed"}
NO_CODE = {"status": None, "diagnostic_code": None}


def page(text: str) -> tuple[bytes, dict[str, object]]:
    """Return a mail whose page shows all of a text, and what is kept of it."""
    kept = text[: MailLimits().body_characters]
    return HEADERS + b"Content-Type: text/html\n\n" + text.encode(), {"body_text": kept}


#: Texts of the size that is looked at, which a pattern may read anew from each of their characters;
#: and what is kept of the mail. A suite that hangs here says that one does.
UNENDING: dict[str, tuple[bytes, dict[str, object]]] = {
    "the name of a tag": page("<" + "a" * (256 << 10)),
    "the number of a character": page("hi &#" + "9" * 5_000 + "; there"),
    "the number of a character, all along": page("hi &#" + "0" * (256 << 10) + "; there"),
    "an address in an archive": (
        b"From: x at " + b"." * 65_000 + b" y\n\nhi",
        {"from_address": None, "from_name": "x at " + "." * 1_995, "body_text": "hi\n"},
    ),
    "quotes in many headers": (
        b"From: a@b\nTo: kai@visitor.example\n" + (b"To: no one " + b'"\\' * 32_000 + b"\n") * 200,
        {"from_address": "a@b", "to_addresses": ["kai@visitor.example"], "capped": ["to"]},
    ),
    "a line of quotes in a bounce": (
        b"From: mailer-daemon@b\n\nuser kai@visitor.example\n" + b"mail'" * 52_000,
        {"delivery_reports": [KAI | NO_CODE]},
    ),
    "an address in a bounce": (
        b"From: mailer-daemon@b\n\nuser kai@visitor.example\n<" + b"a." * 131_000 + b"@",
        {"delivery_reports": [KAI | NO_CODE]},
    ),
    "failures in a bounce": (
        b"Return-Path: <>\nFrom: a@b\n\n" + b"fail" * 16_000 + RETURNED + b"hi " * 65_000,
        {"delivery_reports": [], "original_message_id": None},
    ),
    "deliveries in a bounce": (
        b"Return-Path: <>\nFrom: a@b\n\nkai@visitor.example:\n"
        + b"deliver" * 9_000
        + b"\n550 5.1.1 It bounces\n"
        + RETURNED,
        {
            "delivery_reports": [
                KAI | {"status": "5.1.1", "diagnostic_code": "550 5.1.1 It bounces"}
            ],
            "original_message_id": "step@us.example",
        },
    ),
    "lists within lists in a notification": (
        b'From: a@b\n\n{"notificationType": "Bounce", "bounce": {"bouncedRecipients": ['
        b'{"emailAddress": "kai@visitor.example", "action": "failed"}]}, "mail": {"messageId": '
        + b"[" * 1_000
        + b"]" * 1_000
        + b"}}",
        {"delivery_reports": [KAI | NO_CODE], "original_message_id": None},
    ),
}


@pytest.mark.parametrize("name", UNENDING)
def test_a8_of_a_mail_with_a_text_without_an_end_all_else_is_kept(name: str) -> None:
    data, kept = UNENDING[name]
    mail = parse_mail(data, "r@us.example")
    assert {field: mail[field] for field in kept} == kept


#: What Python knows as codecs and nobody writes mail in; they make bytes of bytes, or text of text.
NO_CHARSETS = (
    *("base64", "bz2", "hex", "quopri", "quoted-printable", "rot13", "uu", "zip", "zlib"),
    *("idna", "mbcs", "oem", "punycode", "undefined", "unicode_escape"),
)


@pytest.mark.parametrize("charset", NO_CHARSETS)
def test_a8_a_codec_that_is_no_charset_is_none_in_headers_and_in_the_body(charset: str) -> None:
    word = f"=?{charset}?q?x=C3=BC?="
    data = (
        f"From: {word} <a@b.example>\nSubject: {word}\nContent-Type: multipart/mixed; boundary=b\n"
        f"\n--b\nContent-Type: text/plain; charset={charset}\n\nüa\n--b--\n"
    )
    mail = parse_mail(data.encode(), "r@us.example")
    assert (mail["from_name"], mail["subject"], mail["body_text"]) == ("xü", "xü", "üa")


def test_a8_a_charset_that_unpacks_is_no_bomb() -> None:
    bomb = base64.encodebytes(bz2.compress(bytes(64 << 20)))
    head = HEADERS + b"Content-Type: text/plain; charset=bz2\nContent-Transfer-Encoding: base64\n\n"
    tracemalloc.start()
    try:
        parse_mail(head + bomb, "r@us.example")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a8_a_thousand_parts_are_nothing_to_cut() -> None:
    mail = parse_mail(parts(1_000), "r@us.example")
    assert (mail["body_text"], mail["capped"]) == ("part", [])


def test_a8_what_is_cut_is_named() -> None:
    references = b"References: " + b"\n ".join(b"<%d@b.example>" % n for n in range(50_000))
    recipients = b"To: " + b",\n ".join(b"P <%d@b.example>" % n for n in range(100_000))
    mail = parse_mail(
        b"From: a@b.example\n%s\n%s\nSubject: %s\n\nhi"
        % (references, recipients, b"x" * 1_000_000),
        "r@us.example",
    )
    assert mail["capped"] == ["references", "subject", "to"]
    assert mail["references"][:2] == ["0@b.example", "49801@b.example"]
    assert mail["references"][-1] == "49999@b.example"
    assert mail["to_addresses"][:2] == ["0@b.example", "1@b.example"]
    assert len(mail["to_addresses"]) == MailLimits().addresses
    assert mail["subject"] == "x" * MailLimits().field_characters


def test_a8_parts_beyond_the_limits_are_passed_over() -> None:
    few = MailLimits(parts=3, depth=2)
    assert parse_mail(parts(3), "r@us.example", limits=few)["capped"] == ["parts"]
    assert parse_mail(parts(2), "r@us.example", limits=few)["capped"] == []
    assert parse_mail(nested(3), "r@us.example", limits=few)["capped"] == ["parts"]


@pytest.mark.parametrize(
    "mail",
    [
        pytest.param(HEADERS + b"\n" + b"hello world\n" * 2_000_000, id="body"),
        pytest.param(HEADERS + b"X-A: a" + b"\n b" * 5_000_000 + b"\n\nhi", id="header"),
    ],
)
def test_a8_a_large_mail_takes_little_more_memory_than_itself(mail: bytes) -> None:
    tracemalloc.start()
    try:
        parse_mail(mail, "r@us.example")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(mail)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        bytes(1_000),
        b"<p>Just some page</p>\n",
        b"Hello\n\n-- \nKai\n",
        "From: a@b.example\n\nhi".encode("utf-16"),
        b"From a@b.example Tue Oct  6 10:00:00 2026\n\nno header\n",
    ],
)
def test_a8_what_has_no_header_is_no_mail(data: bytes) -> None:
    with pytest.raises(UnreadableMailError):
        parse_mail(data, "r@us.example")
