"""What a machine's mail says in plain words of a failed delivery (formats.md 3.2).

Four bounces in ten are no delivery reports as in RFC 3464. Only mail that people do not send is
read so; whether it is a bounce is for `int_mail__inbound` to decide.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from orchestration.landing.mail_headers import Headers, addresses, message_ids
from orchestration.landing.mail_reports import Report

#: The text is looked at up to here.
TEXT_CHARACTERS = 64 << 10
_LINE_CHARACTERS = 1_000
_ADDRESS_CHARACTERS = 320

_DAEMON = re.compile(r"^(mailer-?daemon|post[_-]?master|mail.?deliver)")
_DAEMON_NAME = re.compile(r"mailer-?daemon|mail deliver|postmaster", re.IGNORECASE)
_NOBODY = re.compile(r"^(do[._-]?)?(no|not)[._-]?reply|^$")

_LOCAL, _DOMAIN = r"[\w.+=%&'*/#!$-]", r"@[\w-]+(?:\.[\w-]+)*"
_ADDRESS = rf"({_LOCAL}+{_DOMAIN})"
#: Where each quote may begin an address, it has a bound, or it would be sought up to the end of the
#: text. RFC 5321 allows 64 characters before the "@" (4.5.3.1.1); Amazon SES writes 69.
_SHORT_ADDRESS = rf"({_LOCAL}{{1,128}}+{_DOMAIN})"
_RETURNED_HEADERS = re.compile(r"^[ \t>]*(?:Received|Return-Path|Message-ID)[ \t]*:", re.I | re.M)
_RETURNED_ID = re.compile(r"^[ \t>]*Message-ID[ \t]*:[ \t]*(?:\n[ \t]+)?(\S+)", re.I | re.M)
_RETURNED_TO = re.compile(r"^[ \t>]*To[ \t]*:[ \t]*(?:\n[ \t]+)?(.+)", re.I | re.M)
#: How recipients are named, from sure to vague.
_RECIPIENTS = (
    re.compile(rf"^[ \t>]*(?:Final|Original)-Recipient:[^;\n]*;[ \t]*<?{_ADDRESS}", re.I | re.M),
    re.compile(rf"^[ \t>*]*<{_ADDRESS}>", re.M),
    re.compile(rf"^[ \t>]*RCPT TO:[ \t]*<?{_ADDRESS}", re.I | re.M),
    re.compile(rf"^[ \t]*{_ADDRESS}(?=[ \t:\[(]|$)", re.M),
    re.compile(
        r"\b(?:address(?:es)?|deliver(?:ed|ing|y)?|mail|message|recipients?|user|mailbox)\b"
        rf"[^\n@]{{0,80}}?[ \t:<\"'(]{_SHORT_ADDRESS}",
        re.I,
    ),
    re.compile(rf"\b[45]\d\d[ -][^\n@]{{0,80}}<{_ADDRESS}>"),
)
_STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,2}\.\d{1,3})(?!\.?\d)")
#: At the beginning of a line or behind what introduces an answer: other numbers are numbers.
_SMTP_REPLY = re.compile(
    r"(?:^[ \t]*|[:;<>(\[\"'|][ \t]{0,3}|\b(?:said|error|reply|response|code|with|me)\W{1,3})"
    r"[45][0-5]\d[ :-]+(?=[#\w<(])",
    re.IGNORECASE | re.MULTILINE,
)
#: Words have bounds, or each beginning of one without an end would be read up to there.
_FAILED = re.compile(
    r"undeliver|deliver\w{0,10} (?:\w+ )?fail"
    r"|(?:n.t|not|unable to|fail\w{0,10} to)\W+(?:\w+ ){0,2}?deliver"
    r"|permanent (?:fatal )?error|reject|returned (?:mail|to sender)|bounce"
    r"|(?:mailbox|quota)\W.{1,40}full"
    r"|(?:invalid|unknown|no such) (?:user|recipient|address|mailbox)|(?:user|recipient)\W+unknown"
    r"|could not send|nicht zugestellt|unzustellbar|pu être (?:remis|livré|distribué)"
    r"|no se (?:ha podido|pudo) entregar|non.{1,20}recapitat|não (?:foi|pôde|p[ôo]de ser) entregue"
    r"|(?:送信|配信|配送|送達)(?:でき|に失敗|エラー)|無法|无法|доставлен",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"\bdelayed\b|warning only|will (?:be|keep|continue)\W+(?:\w+ ){0,2}?(?:re)?tr(?:y|ied)"
    r"|not yet been|still (?:being retried|trying)|has been queued|delivered for more than",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(r"giv(?:en|ing) up|expired|permanent|too long", re.IGNORECASE)


@dataclass(frozen=True)
class Failure:
    """What was found: the recipients, and the Message-ID of the mail that did not reach them."""

    reports: list[Report]
    original_message_id: str | None


class Sender(Enum):
    """Who wrote a mail, by its headers: what it says counts accordingly."""

    DAEMON = "a mail server"
    NOBODY = "somebody who wants no answer"
    PERSON = "anybody else"

    @classmethod
    def of(cls, headers: Headers, sender: tuple[str, str]) -> "Sender":
        """Tell the kind of sender; `sender` is its name and its address."""
        name, address = sender
        user = address.partition("@")[0]
        if "x-failed-recipients" in headers or _DAEMON.match(user) or _DAEMON_NAME.search(name):
            return cls.DAEMON
        if headers.raw_text("return-path").strip() == "<>" or _NOBODY.match(user):
            return cls.NOBODY
        return cls.PERSON


def failure(
    headers: Headers, sender: Sender, text: str, returned: Headers | None, own: Collection[str]
) -> Failure | None:
    """Return what a machine's text says of a failed delivery, if it says that there was one.

    `returned` are the headers of the mail that came along; `own` are addresses that were written
    from, not to.
    """
    if sender is Sender.PERSON:
        return None
    text = text[:TEXT_CHARACTERS]
    mark = _RETURNED_HEADERS.search(text)
    told = text[: mark.start()] if mark and mark.start() else text
    line = _reply_line(told) or _reply_line(text)
    status = _STATUS.search(line) or _STATUS.search(text)
    original_id = _original_id(text, returned)
    encloses_mail = returned is not None or mark is not None
    # Absence notes have no sender to answer to either, and phone numbers and dates look like codes;
    # none returns the mail that it answers.
    if sender is Sender.NOBODY and not (encloses_mail and _FAILED.search(told)):
        return None
    recipients = _recipients(headers, told, text, returned, {*own, original_id})
    if not (recipients or encloses_mail or line or status):
        return None
    is_delayed = _DELAYED.search(told) and not _GIVEN_UP.search(told)
    reports: list[Report] = [
        {
            "final_recipient": recipient,
            "action": "delayed" if is_delayed else "failed",
            "status": status[1] if status else None,
            "diagnostic_code": line or None,
        }
        for recipient in (recipients or (None,))
    ]
    return Failure(reports, original_id)


def _reply_line(text: str) -> str:
    """Return the line with a mail server's answer; one with an enhanced code if there is one."""
    answer = code = ""
    for whole in text.splitlines():
        line = whole[:_LINE_CHARACTERS]
        has_code = _STATUS.search(line) is not None
        if _SMTP_REPLY.search(line):
            answer = line if has_code or not answer else answer
            if has_code:
                break
        elif has_code:
            code = code or line
    return " ".join((answer or code).split())


def _recipients(
    headers: Headers, told: str, text: str, returned: Headers | None, own: Collection[str | None]
) -> list[str]:
    """Return whom the mail was for: as the sender's server wrote, else as the text says."""
    named = [address for _, address in headers.addresses("x-failed-recipients")]
    parts = dict.fromkeys((told, text))
    patterns = ((pattern, part) for part in parts for pattern in _RECIPIENTS)
    for pattern, part in patterns:
        if named:
            break
        named = [found.rstrip(".").lower() for found in pattern.findall(part)]
        named = [each for each in named if each not in own and len(each) <= _ADDRESS_CHARACTERS]
    if not named and returned:
        named = _only(returned.addresses("to"))
    if not named and (to := _RETURNED_TO.search(text)):
        named = _only(addresses(to[1]))
    return list(dict.fromkeys(named))[: headers.limits.reports]


def _only(found: list[tuple[str, str]]) -> list[str]:
    """Return an address that is the only one; of several, one would have to guess."""
    return [address for _, address in found if address] if len(found) == 1 else []


def _original_id(text: str, returned: Headers | None) -> str | None:
    if returned and (found := returned.message_id("message-id")):
        return found
    written = _RETURNED_ID.search(text)
    return next(iter(message_ids(written[1])), None) if written else None
