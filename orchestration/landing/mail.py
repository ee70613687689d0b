"""One mail as `raw.mailbox_messages` keeps it (A3): headers, addresses, reports, text."""

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

BODY_CHARACTERS = 20_000

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
    "return-path",
    "x-failed-recipients",
    "disposition-notification-to",
    "x-ms-exchange-inbox-rules-loop",
)

_MESSAGE_ID = re.compile(r"<([^<>]+)>")
_ENCODED_WORDS = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?]*\?=(?:\s*=\?[^?\s]+\?[bqBQ]\?[^?]*\?=)*")
_BODY_START = re.compile(rb"\n[ \t]*\n")


class UnreadableMailError(ValueError):
    """The bytes are no mail: there is not one header to go by."""


def parse_mail(raw: bytes, mailbox: str) -> dict[str, Any]:
    """Return the payload of one mail (line ends of any kind) found in `mailbox`.

    Broken headers, dates and encodings leave their field empty or as it was written; they never
    keep the mail out.

    Raises:
        UnreadableMailError: nothing in it reads as a mail header.
    """
    data = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n") + b"\n"
    mail = email.message_from_bytes(data, policy=email.policy.compat32)
    if not any(name in mail for name in ("from", "message-id", "date", "received", "subject")):
        raise UnreadableMailError("unreadable_mail")
    senders = _addresses(mail, "from")
    header_date = _date(_text(mail, "date"))
    report_type = _report_type(mail)
    return {
        "mailbox": mailbox,
        "content_hash": hashlib.sha256(data).hexdigest(),
        "message_id": message_id(_text(mail, "message-id")),
        "in_reply_to": message_id(_text(mail, "in-reply-to")),
        "references": message_ids(_text(mail, "references")),
        "gmail_thread_id": _text(mail, "x-gm-thrid"),
        "gmail_labels": _labels(_text(mail, "x-gmail-labels")),
        "from_address": senders[0][1] if senders else None,
        "from_name": (senders[0][0] or None) if senders else None,
        "to_addresses": [address for _, address in _addresses(mail, "to")],
        "cc_addresses": [address for _, address in _addresses(mail, "cc")],
        "subject": _text(mail, "subject"),
        "header_date": header_date,
        "received_at": _received_at(mail) or header_date,
        "headers": {name: text for name in KEPT_HEADERS if (text := _text(mail, name)) is not None},
        "content_type": mail.get_content_type(),
        "report_type": report_type,
        "feedback_type": _feedback_type(mail),
        "delivery_reports": _delivery_reports(mail),
        "original_message_id": _original_message_id(mail),
        "body_text": _body_text(mail),
    }


def message_ids(text: str | None) -> list[str]:
    """Return the Message-IDs of a References header, without brackets, in order."""
    if not text:
        return []
    bracketed = _MESSAGE_ID.findall(text)
    found = bracketed or text.replace("<", " ").replace(">", " ").replace(",", " ").split()
    return ["".join(each.split()) for each in found]


def message_id(text: str | None) -> str | None:
    """Return the first Message-ID in a header, without brackets and white space."""
    return next(iter(message_ids(text)), None)


def is_whole(raw: bytes) -> bool:
    """Tell whether a mail at the end of a file that is still written seems to be complete.

    It has a body that ends with a line end or, if it has parts, with the last part's boundary.
    """
    data = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    body = _BODY_START.search(data)
    if not body or not data[body.end() :].strip():
        return False
    headers = email.message_from_bytes(data[: body.end()], policy=email.policy.compat32)
    boundary = headers.get_boundary()
    if boundary is None:
        return data.endswith(b"\n")
    return f"\n--{boundary}--".encode("utf-8", "surrogateescape") in data


def _text(mail: Message, name: str) -> str | None:
    """Return a header's text: decoded (RFC 2047, raw 8-bit), unfolded, trimmed."""
    value = mail.get(name)
    return None if value is None else _decoded(value)


def _decoded(value: object) -> str:
    text = _legible(value if isinstance(value, str) else _raw_header(value))
    return " ".join(_ENCODED_WORDS.sub(_decode_words, text).split())


def _raw_header(value: object) -> str:
    # compat32 wraps headers with raw 8-bit bytes into a Header of charset unknown-8bit.
    chunks = getattr(value, "_chunks", ())
    return "".join(text for text, _ in chunks)


def _decode_words(found: re.Match[str]) -> str:
    """Decode a run of RFC 2047 words; one character may be spread over two of them."""
    try:
        parts = decode_header(found[0])
    except (HeaderParseError, ValueError):
        return found[0]
    return "".join(_part(text, charset) for text, charset in parts)


def _part(text: bytes | str, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(charset or "ascii")
    except (LookupError, UnicodeDecodeError):
        return _legible(text.decode("ascii", "surrogateescape"))


def _legible(text: str) -> str:
    """Turn bytes that were kept as surrogates into characters: UTF-8 if it fits, else Latin-1."""
    if text.isascii():
        return text.replace("\x00", "")
    data = text.encode("utf-8", "surrogateescape")
    try:
        return data.decode().replace("\x00", "")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\x00", "")


def _addresses(mail: Message, name: str) -> list[tuple[str, str]]:
    values = [_legible(v if isinstance(v, str) else _raw_header(v)) for v in mail.get_all(name, [])]
    pairs = getaddresses(values)
    return [(_decoded(display), address.strip().lower()) for display, address in pairs if address]


def _labels(text: str | None) -> list[str]:
    return [label.strip() for label in text.split(",") if label.strip()] if text else []


def _date(text: str | None) -> str | None:
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return at.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ") if at.year >= 1000 else None


def _received_at(mail: Message) -> str | None:
    received = mail.get("received")
    if received is None:
        return None
    _, semicolon, date = _decoded(received).rpartition(";")
    return _date(date) if semicolon else None


def _report_type(mail: Message) -> str | None:
    if mail.get_content_type() != "multipart/report":
        return None
    value = mail.get_param("report-type")
    return value.lower() if isinstance(value, str) else None


def _parts(mail: Message, content_type: str) -> Iterator[Message]:
    return (part for part in mail.walk() if part.get_content_type() == content_type)


def _feedback_type(mail: Message) -> str | None:
    for part in _parts(mail, "message/feedback-report"):
        for block in _blocks(part):
            if value := _text(block, "feedback-type"):
                return value.lower()
    return None


def _delivery_reports(mail: Message) -> list[dict[str, str | None]]:
    """Return the per-recipient blocks of RFC 3464 delivery reports."""
    reports = []
    for part in _parts(mail, "message/delivery-status"):
        for block in _blocks(part):
            recipient = _text(block, "final-recipient") or _text(block, "original-recipient")
            if recipient is None and "action" not in block and "status" not in block:
                continue  # the block about the mail as a whole
            action = _text(block, "action")
            reports.append(
                {
                    "final_recipient": _typed(recipient),
                    "action": action.lower() if action else None,
                    "status": _text(block, "status"),
                    "diagnostic_code": _text(block, "diagnostic-code"),
                }
            )
    return reports


def _typed(value: str | None) -> str | None:
    """Return the address of `rfc822; <someone@example.com>`."""
    address = (value or "").rpartition(";")[2].strip().strip("<>").lower()
    return address or None


def _blocks(part: Message) -> list[Message]:
    """Return the header blocks of a report part; the standard library nests them as mails."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    texts = re.split(r"\n\s*\n", _content(part))
    return [email.message_from_string(text.strip(), policy=email.policy.compat32) for text in texts]


def _original_message_id(mail: Message) -> str | None:
    for part in mail.walk():
        content_type = part.get_content_type()
        payload = part.get_payload()
        returned: object = None
        if content_type == "message/rfc822" and isinstance(payload, list) and payload:
            returned = payload[0]
        elif content_type in {"text/rfc822-headers", "message/rfc822-headers"}:
            headers = _content(part).strip("\n")
            returned = email.message_from_string(headers, policy=email.policy.compat32)
        if isinstance(returned, Message) and (found := message_id(_text(returned, "message-id"))):
            return found
    return None


def _body_text(mail: Message) -> str | None:
    for part in mail.walk():
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            return _content(part)[:BODY_CHARACTERS]
    return None


def _content(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        text = data.decode(charset)
    except (LookupError, UnicodeDecodeError, ValueError):
        text = _legible(data.decode("ascii", "surrogateescape"))
    # Charsets such as utf-7 and escapes may leave what a database cannot hold.
    return text.encode("utf-8", "replace").decode().replace("\x00", "")
