"""Notifications of Amazon SES that SNS sends as mail: JSON with a footer (formats.md 1.2)."""

from dataclasses import dataclass
from typing import Any

import orjson

from orchestration.landing.mail_reports import Report

_FIELDS = {"action": "action", "status": "status", "diagnostic_code": "diagnosticCode"}


@dataclass(frozen=True)
class Notification:
    """What a notification says of a mail: of whom it bounced, or who complained."""

    reports: list[Report]
    feedback_type: str | None
    feedback_recipient: str | None
    original_message_id: str | None


def notification(text: str) -> Notification | None:
    """Return what a mail's text says if it is such a notification."""
    if not text.startswith("{") or '"notificationType"' not in text[:1_000]:
        return None
    # Mail servers break lines that are too long so.
    document = text[: text.rfind("}") + 1].replace("!\n ", "")
    try:
        return _read(orjson.loads(document))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def _read(told: dict[str, Any]) -> Notification:
    complaint = told.get("complaint") or {}
    complained = [_text(each["emailAddress"]) for each in complaint.get("complainedRecipients", ())]
    delivered = (told.get("delivery") or {}).get("recipients", ())
    bounced = (told.get("bounce") or {}).get("bouncedRecipients", ())
    reports = [_report(each) for each in bounced] + [
        _report({"emailAddress": each, "action": "delivered"}) for each in delivered
    ]
    return Notification(
        reports,
        _text(complaint.get("complaintFeedbackType") or "complaint") if complaint else None,
        next(iter(complained), None),
        _text(told["mail"]["messageId"]),
    )


def _report(recipient: dict[str, Any]) -> Report:
    address = _text(recipient["emailAddress"])
    return {
        "final_recipient": address.strip("<>").lower() if address else None,
        **{name: _text(recipient.get(key)) for name, key in _FIELDS.items()},
    }


def _text(value: object) -> str | None:
    # Lists may be within each other deeper than Python can write down.
    is_one = isinstance(value, str | int | float)
    return str(value).replace("\x00", "") if value and is_one else None
