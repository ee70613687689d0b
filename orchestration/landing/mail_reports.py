"""What the parts of a report say: who was not reached and why, who complained, of which mail."""

import re
from collections.abc import Iterator, Sequence

from orchestration.landing.mail_headers import Headers
from orchestration.landing.mail_parts import Part

#: One recipient: final_recipient, action, status, diagnostic_code.
Report = dict[str, str | None]

_REPORT_BYTES = 1 << 20
_DELIVERY = {"message/delivery-status", "message/global-delivery-status"}
_FEEDBACK = "message/feedback-report"
#: Types of parts that hold the headers of the mail that is reported on; some misspell them.
_HEADERS_ONLY = re.compile(r"(?:text|message)/(?:global|rfc-?822)-headers?")
_BLOCK_END = re.compile(rb"\n[ \t]*\n\s*")
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


def delivery_reports(parts: Sequence[Part]) -> list[Report]:
    """Return the per-recipient blocks of RFC 3464 delivery reports."""
    found: list[Report] = []
    for block in _blocks(parts, _DELIVERY):
        final, original = block.text("final-recipient"), block.text("original-recipient")
        action, status = block.text("action"), block.text("status")
        if not (final or original or action or status):
            continue  # the block about the mail as a whole
        if len(found) == block.limits.reports:
            parts[0].headers.capped.add("reports")
            break
        code = _STATUS.search(status or "")
        # What is delivered to may be a program or a file; what was written to is an address.
        recipient = final if final and "@" in final else original or final
        found.append(
            {
                "final_recipient": _typed(recipient),
                "action": action.lower().split()[0] if action else None,
                "status": code[0] if code else status,
                "diagnostic_code": block.text("diagnostic-code"),
            }
        )
    return found


def feedback(parts: Sequence[Part]) -> tuple[str | None, str | None]:
    """Return type and recipient of an abuse report (RFC 5965)."""
    for block in _blocks(parts, {_FEEDBACK}):
        if kind := block.text("feedback-type"):
            names = ("original-rcpt-to", "removal-recipient")
            recipient = next((text for name in names if (text := block.text(name))), None)
            return kind.lower(), _typed(recipient)
    return None, None


def returned_mail(parts: Sequence[Part]) -> Headers | None:
    """Return the headers of the mail that came along in a report, or attached."""
    for part in parts[1:]:
        if part.content_type in {"message/rfc822", "message/global"}:
            headers = part.message().headers
        elif _HEADERS_ONLY.fullmatch(part.content_type):
            content = _with_line_feeds(part.content(_REPORT_BYTES)).lstrip(b"\n")
            headers = Headers.read(content, 0, len(content), part.limits)
        else:
            continue
        if headers.fields:
            return headers
    return None


def _blocks(parts: Sequence[Part], content_types: set[str]) -> Iterator[Headers]:
    """Yield the blocks of headers that report parts consist of."""
    for part in parts:
        if part.content_type in content_types:
            content = _with_line_feeds(part.content(_REPORT_BYTES))
            start = 0
            for gap in _BLOCK_END.finditer(content):
                yield Headers.read(content, start, gap.start(), part.limits)
                start = gap.end()
            yield Headers.read(content, start, len(content), part.limits)


def _with_line_feeds(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _typed(value: str | None) -> str | None:
    """Return the address of `rfc822; <someone@example.com>`."""
    address = (value or "").rpartition(";")[2].strip().strip("<>").lower()
    return address or None
