"""Reasons in words: what ids of rules, statuses and matches mean to somebody who reads a story."""

from collections.abc import Mapping

#: F1: why an enrollment has its status. A platform's own reasons are said as they are.
_STATUS_REASONS: Mapping[str, str] = {
    "enrolled": "put into the sequence",
    "step_sent": "the first message went out",
    "started": "the platform began, and no message is known",
    "ended": "the sequence came to its end",
    "platform": "the sequence platform says so",
    "in_thread": "a person answered in the thread",
    "probable": "a person answered: same subject and sender",
    "out_of_sequence": "the person wrote outside the sequence's threads",
    "ooo": "an out-of-office note came in; the next message ends the pause",
    "enrollment_paused": "paused on the platform",
    "sequence_paused": "the whole sequence is paused",
    "mailbox_paused": "the sending mailbox is paused",
    "hard_bounce": "the address does not exist",
    "not_hard": "the platform stopped after a bounce that is not final",
    "unsubscribe": "the person unsubscribed",
    "complaint": "the person called it spam",
    "crm_opt_out": "Salesforce says: has opted out of email",
    "send_failed": "the platform could not send",
}

#: E1: what decided about a mail. The platform's label wins (E6).
_CLASSIFIED_BY: Mapping[str, str] = {
    "platform": "the sequence platform's label",
    "human_by_default": "nothing in it looks like a machine",
    "delivery_report_headers": "headers of a delivery report",
    "delivery_report_notification": "a provider's notification",
    "delivery_report_sender": "sent by a mail server",
    "delivery_report_text": "the text of a delivery report",
    "delivery_report_subject": "the subject of a delivery report",
    "abuse_report_headers": "headers of an abuse report",
    "abuse_report_subject": "the subject of an abuse report",
    "read_receipt_headers": "headers of a read receipt",
    "auto_reply_headers": "headers of an automatic reply",
    "auto_reply_subject": "the subject of an automatic reply",
    "auto_reply_null_return_path": "it leaves no address to answer to",
    "list_headers": "headers of a mailing list",
}

_MATCHES: Mapping[str, str] = {
    "in_thread": "in the thread",
    "probable": "probably in the thread",
    "out_of_sequence": "outside every sequence thread",
    "unknown_sender": "from a sender that nobody knows",
}

_THREAD_RULES: Mapping[str, str] = {
    "in_reply_to": "it names the message that it answers",
    "references": "its references name the message",
    "gmail_thread": "the mailbox keeps it in one thread",
    "subject_and_sender": "same subject and sender",
    "automatic_from_recipient": "a machine's answer from the recipient",
}

_UNMATCHED: Mapping[str, str] = {
    "no_record_with_this_email": "no Salesforce record has, or had, this address",
    "no_email": "the enrollment has no address, and its record id is unknown",
    "record_deleted": "the record that the enrollment names was deleted",
    "in_no_sequence": "no sequence wrote to it, and no Salesforce record has it",
}

_MATCHED_BY: Mapping[str, str] = {
    "crm_id": "by the record id that the enrollment carries",
    "email": "by email address",
    "earlier_email": "by an earlier email address",
}


def status_reason(reason: str) -> str:
    """Say why a status holds."""
    return _STATUS_REASONS.get(reason, _plain(reason))


def classified_by(rule: str) -> str:
    """Say what decided about an inbound mail."""
    return _CLASSIFIED_BY.get(rule, _plain(rule))


def match(name: str, thread_rule: str | None) -> str:
    """Say where an inbound mail belongs, and how that is known."""
    told = _MATCHES.get(name, _plain(name))
    return (
        f"{told} ({_THREAD_RULES.get(thread_rule, _plain(thread_rule))})" if thread_rule else told
    )


def unmatched(reason: str) -> str:
    """Say why somebody has no record in Salesforce."""
    return _UNMATCHED.get(reason, _plain(reason))


def matched_by(how: str) -> str:
    """Say how the Salesforce record was found."""
    return _MATCHED_BY.get(how, _plain(how))


def _plain(name: str) -> str:
    return name.replace("_", " ")
