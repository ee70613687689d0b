"""One mail as `raw.mailbox_messages` keeps it (A3): headers, addresses, reports, text."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from orchestration.landing.mail_failures import Sender, failure
from orchestration.landing.mail_headers import iso_date, parameter
from orchestration.landing.mail_limits import MailLimits
from orchestration.landing.mail_notifications import notification
from orchestration.landing.mail_parts import Part, walk
from orchestration.landing.mail_quotes import own_words
from orchestration.landing.mail_reports import delivery_reports, feedback, returned_mail
from orchestration.landing.mail_text import without_tags

#: Headers that tell automated mail, kept as they are (formats.md 3.2).
KEPT_HEADERS = (
    "auto-submitted",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponse",
    "x-auto-reply-from",
    "x-auto-response-suppress",
    "precedence",
    "list-id",
    "list-post",
    "x-mailing-list",
    "return-path",
    "x-failed-recipients",
    "disposition-notification-to",
    "x-ms-exchange-inbox-rules-loop",
)

_DEFAULT_LIMITS = MailLimits()
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: One of these, at least, makes it a mail.
_ESSENTIAL = ("from", "message-id", "date", "received", "subject")
_SEPARATOR = re.compile(rb">?From (\S++ ++)?([^\n]*)\n")


class UnreadableMailError(ValueError):
    """The bytes are no mail: there is not one header to go by. The message is the reason."""


def parse_mail(
    raw: bytes,
    mailbox: str,
    *,
    folders: Sequence[str] = (),
    is_draft: bool = False,
    limits: MailLimits = _DEFAULT_LIMITS,
) -> dict[str, Any]:
    """Return the payload of one mail (line ends of any kind) found in `folders` of `mailbox`.

    The line that separates the mails of an mbox may stand before it. Broken headers, dates and
    encodings leave their field empty or as it was written; they never keep the mail out.

    Raises:
        UnreadableMailError: nothing in it reads as a mail header.
    """
    data, separator = _without_separator(raw)
    mail = Part(data, 0, len(data), limits)
    headers = mail.headers
    if not any(name in headers for name in _ESSENTIAL):
        raise UnreadableMailError("unreadable_mail")
    parts = walk(mail)
    sender = next(iter(headers.addresses("from")), ("", ""))
    header_date = iso_date(headers.text("date"))
    body_text = _body_text(parts)
    payload = {
        "mailbox": mailbox,
        "content_hash": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "message_id": headers.message_id("message-id"),
        "in_reply_to": headers.message_id("in-reply-to"),
        "references": headers.message_ids("references"),
        "gmail_thread_id": headers.text("x-gm-thrid"),
        "labels": [*_labels(headers.text("x-gmail-labels")), *folders],
        # Outlook writes the header into a mail that was saved and not sent.
        "is_draft": is_draft or headers.text("x-unsent") == "1",
        "from_address": sender[1] or None,
        "from_name": sender[0] or None,
        "to_addresses": [address for _, address in headers.addresses("to") if address],
        "cc_addresses": [address for _, address in headers.addresses("cc") if address],
        "subject": headers.text("subject"),
        "header_date": header_date,
        "header_date_text": None if header_date else headers.text("date"),
        "received_at": next(headers.dates("received"), header_date or _separated_at(separator)),
        "headers": {
            name: text for name in KEPT_HEADERS if (text := headers.text(name)) is not None
        },
        "content_type": mail.content_type,
        "report_type": _report_type(mail),
        **_findings(mailbox, mail, parts, sender, body_text),
        "body_text": body_text[: limits.body_characters] if body_text is not None else None,
        # What the mailbox sent itself is nobody's answer.
        "own_text": own_words(body_text) if body_text and sender[1] != mailbox else None,
    }
    return {**payload, "capped": sorted(headers.capped)}


def content_hash(raw: bytes) -> str:
    """Return by which hash the payload of a mail knows its content."""
    data, _ = _without_separator(raw)
    return hashlib.sha256(data).hexdigest()


def _without_separator(raw: bytes) -> tuple[bytes, re.Match[bytes] | None]:
    data = with_line_feeds(raw).removeprefix(_BYTE_ORDER_MARK).strip(b"\n") + b"\n"
    separator = _SEPARATOR.match(data)
    return data[separator.end() :].lstrip(b"\n") if separator else data, separator


def with_line_feeds(data: bytes) -> bytes:
    """Return text with line feeds for line ends of any kind."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def has_closed_parts(data: bytes) -> bool:
    """Tell whether a mail (line ends: line feeds) ends as it says that it will.

    It has a body and, if there are parts in it, the boundary behind the last.
    """
    start = separator.end() if (separator := _SEPARATOR.match(data)) else 0
    mail = Part(data, start, len(data), _DEFAULT_LIMITS)
    if not data[mail.body_start :].strip():
        return False
    return mail.boundary is None or data.find(b"\n--" + mail.boundary + b"--", start) >= 0


def _separated_at(separator: re.Match[bytes] | None) -> str | None:
    """Return when a mail was put into its mbox, as the line before it says."""
    return iso_date(separator[2].decode("ascii", "replace")) if separator else None


def _labels(text: str | None) -> list[str]:
    return [label.strip() for label in text.split(",") if label.strip()] if text else []


def _report_type(mail: Part) -> str | None:
    if mail.content_type != "multipart/report":
        return None
    value = parameter(mail.headers.raw_text("content-type"), "report-type")
    return value.lower() if value else None


def _findings(
    mailbox: str, mail: Part, parts: Sequence[Part], sender: tuple[str, str], body_text: str | None
) -> dict[str, Any]:
    """Return what a report says: as a report, as a notification, or in plain words."""
    reports = delivery_reports(parts)
    returned = returned_mail(parts)
    feedback_type, feedback_recipient = feedback(parts)
    original_id = returned.message_id("message-id") if returned else None
    source = "part" if reports else None
    text = body_text or ""
    if told := notification(text):
        reports, source = told.reports, "notification"
        feedback_type, feedback_recipient = told.feedback_type, told.feedback_recipient
        original_id = told.original_message_id
    elif not reports and not feedback_type:
        own = {mailbox, *(address for _, address in mail.headers.addresses("to"))}
        kind = Sender.of(mail.headers, sender)
        if found := failure(mail.headers, kind, text, returned, own):
            reports, source = found.reports, "text"
            original_id = found.original_message_id
    return {
        "feedback_type": feedback_type,
        "feedback_recipient": feedback_recipient,
        "delivery_reports": reports,
        "delivery_report_source": source,
        "original_message_id": original_id,
    }


def _body_text(parts: Sequence[Part]) -> str | None:
    """Return the first text for people to read; of HTML, what shows of it."""
    most = parts[0].limits.body_bytes
    readable = [part for part in parts if not part.is_attached]
    plain = next((part.text(most) for part in readable if part.is_text), None)
    if plain is not None and plain.strip():
        return plain
    page = next((part for part in readable if part.content_type == "text/html"), None)
    return without_tags(page.text(most)) if page else plain
