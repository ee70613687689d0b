"""Reasons in words: what ids of rules, statuses and matches mean to somebody who reads a story."""

from collections.abc import Mapping

#: F1: why an enrollment has its status. A platform's own reasons are said as they are.
_STATUS_REASONS: Mapping[str, str] = {
    "enrolled": "put into the sequence",
    "step_sent": "the first message went out",
    "started": "the platform began",
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
    "asked_in_reply": "the person asked for no more mail in a reply",
    "complaint": "the person called it spam",
    "crm_opt_out": "Salesforce says: has opted out of email",
    "send_failed": "the platform could not send",
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
    "unknown_record_id": "no snapshot shows the record id that the enrollment carries",
    "record_deleted": "the record, or every one with this address, was deleted",
    "no_email": "the enrollment has neither a record id nor an address",
    "invalid_email": "the enrollment has no record id, and no mail can go to its address",
    "lead_converted_without_contact": "the lead became an account, and no contact",
    "contact_not_in_snapshots": "the contact that stands for the record is in no snapshot",
    "record_not_in_snapshots": "the record is in an export of files, and in no snapshot",
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
