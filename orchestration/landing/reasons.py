"""Why records are rejected or skipped, and what to do about it: one table for all who say so."""

from collections.abc import Mapping

#: What stands before a reason's variable part: `unknown_event_type: teleported`.
SEPARATOR = ": "

#: What came of a file's end that was cut off. Should the rest come after all, it is settled.
CUT_OFF = ("truncated", "truncated_gzip", "corrupt_gzip", "gzip_bomb")

#: Reason to remedy, most frequent ones first.
REMEDIES: Mapping[str, str] = {
    "broken_json": "look at the line: a proxy's error page, or two writers in one file",
    "not_an_object": "a number, text or nested array where a record should be: mend the line",
    "missing_key": "a record without what identifies it: mend it, or leave it out",
    "unknown_event_type": "the provider sends something new: add it to the source's module and "
    "models, then `touchline reload` the file",
    "unknown_record_type": "neither enrollment, message nor task: see docs/sequence-format.md",
    "invalid_timestamp": "a time that is none: mend it at the source",
    "implausible_timestamp": "a time before 2000 or after 2099: mend the sender's clock or unit",
    "invalid_sent_at": "a time that is none: mend it at the source",
    "invalid_value": "the field is not as docs/sequence-format.md says: mend the mapping",
    "invalid_status": "a status that is no number: mend the log's format",
    "invalid_id": "no Salesforce id of 18 characters: export with full ids",
    "invalid_utf8": "the line is in another encoding: convert the file and deliver it again",
    "unparsable_log_line": "no line of the combined format: mend the log's format, or leave it out",
    "broken_csv": "a quote too many or too few: export the file again",
    "wrong_column_count": "a quote or comma too many or too few: export the file again",
    "missing_column": "the export lacks a field that is needed: export it with that field",
    "wrong_encoding": "convert the file to UTF-8 and deliver it again",
    "truncated": "what came before it is loaded: deliver the whole file again",
    "truncated_gzip": "what came before it is loaded: deliver the whole file again",
    "corrupt_gzip": "what came before it is loaded: deliver the whole file again",
    "gzip_bomb": "it grows beyond all measure; if that is right, raise the limits inflated_bytes "
    "and inflation_ratio, then `touchline reload` it",
    "too_large": "deliver JSON lines, or raise the limit document_bytes and `touchline reload` it",
    "memory_exceeded": "raise the limit database_bytes, then `touchline reload` the file",
    "unreadable_mail": "no mail headers at all: look at what was exported",
    "mail_too_large": "raise the limit mail_bytes, then `touchline reload` the file",
    "unreadable_file": "mend permissions or disk: it is tried again at each pass",
    "unrecognised_file": "wrong place or name: move or rename it as docs/landing.md says",
}

#: Reason to what such a record is: known to be none of ours, counted and not kept.
SKIPPED: Mapping[str, str] = {
    "subscription_confirmation": "SNS asks whether the subscription is wanted: confirm it there",
    "unsubscribe_confirmation": "SNS says that the subscription has ended",
    "topic_validation": "SES tried whether it can write to the topic",
    "inbound_mail": "mail that came in: replies are read from mailboxes",
    "mailing_list_upload": "addresses uploaded to a mailing list",
    "suppression_list_change": "somebody was put on or taken off a list of the account",
    "account_status_change": "the provider's word on your account with it",
    "not_about_sent_mail": "a relay test, or a failure of the hook for inbound mail",
}


def kind_of(reason: str) -> str:
    """Return a reason without its variable part."""
    return reason.partition(SEPARATOR)[0]


def remedy(reason: str) -> str:
    """Return what to do about rejects with a reason; empty where there is no advice."""
    return REMEDIES.get(kind_of(reason), "")
