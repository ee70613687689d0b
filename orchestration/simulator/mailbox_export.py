"""The mailboxes as mbox files: every letter with the headers that its mail program leaves."""

import re
from base64 import b64encode
from collections import Counter, defaultdict
from email.header import Header

from orchestration.simulator.clock import mail_date, postmark
from orchestration.simulator.person import Person
from orchestration.simulator.story import Client, Kind, Letter, Message, Story, Transit
from orchestration.simulator.team import MAIL_DOMAIN, Mailbox

Headers = list[tuple[str, str]]
Content = tuple[Headers, str]

_FROM_LINE = re.compile(r"^(>*From )", re.MULTILINE)
_ZONES = {Client.GMAIL: 0, Client.OUTLOOK: 1, Client.APPLE: -5}
_AGENT_HEADERS = {
    Client.GMAIL: (),
    Client.OUTLOOK: (
        ("Thread-Topic", "planning"),
        ("X-MS-Has-Attach", ""),
        ("X-Mailer", "Microsoft Outlook 16.0"),
    ),
    Client.APPLE: (("X-Mailer", "Apple Mail (2.3826.500.181)"),),
}


class MailboxExport:
    """The letters of one part of the team's people, per mailbox."""

    def __init__(self) -> None:
        self._letters: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.counts: Counter[str] = Counter()

    def add(self, story: Story) -> None:
        """Put one person's letters into the mailboxes that hold them."""
        for letter in story.letters:
            self.counts[f"letters_{letter.kind}"] += 1
            self._letters[letter.mailbox.email].append((letter.at, render(letter, story.person)))

    def close(self) -> dict[str, bytes]:
        """Return each mailbox's part of its mbox file, oldest letter first."""
        return {
            f"landing/mailboxes/{email}.mbox": "".join(
                text for _, text in sorted(self._letters[email], key=lambda dated: dated[0])
            ).encode()
            for email in sorted(self._letters)
        }


def render(letter: Letter, person: Person) -> str:
    """Return a letter as it stands in an mbox file (mboxrd: `>` before every `From ` line)."""
    headers = _headers(letter)
    content_headers, body = _content(letter, person)
    head = "".join(f"{name}: {value}\n" for name, value in [*headers, *content_headers])
    text = _FROM_LINE.sub(r">\1", body)
    if not text.endswith("\n"):
        text += "\n"
    return f"From {letter.sender} {postmark(letter.at)}\n{head}\n{text}\n"


def _headers(letter: Letter) -> Headers:
    headers: Headers = []
    if letter.mailbox.is_gmail:
        headers += _gmail_headers(letter)
    zone = _ZONES[letter.client]
    if letter.is_inbound:
        headers += _received(letter)
    headers += [
        ("From", f"{_encoded(letter.sender_name)} <{letter.sender}>"),
        ("To", f"{letter.mailbox.display_name} <{letter.to}>" if letter.is_inbound else letter.to),
        ("Subject", _encoded(letter.subject)),
        ("Date", mail_date(letter.at - (4 if letter.is_inbound else 0), zone)),
        ("Message-ID", f"<{letter.message_id}>"),
    ]
    headers += _threading(letter)
    headers += _automation(letter)
    headers += _AGENT_HEADERS[letter.client]
    headers.append(("MIME-Version", "1.0"))
    return headers


def _gmail_headers(letter: Letter) -> Headers:
    """Return what Google Takeout adds; letters out of the thread have threads of their own."""
    thread = str(1_700_000_000_000_000_000 + int.from_bytes(letter.message_id[:6].encode()))
    if letter.shows_gmail_thread and letter.enrollment is not None:
        thread = letter.enrollment.thread_id
    labels = "Inbox,Unread" if letter.is_inbound else "Sent"
    return [("X-GM-THRID", thread), ("X-Gmail-Labels", labels)]


def _received(letter: Letter) -> Headers:
    host = letter.sender.rpartition("@")[2]
    route = f"from mx.{host} (mx.{host} [192.0.2.44]) by mx.{MAIL_DOMAIN} with ESMTPS"
    inner = f"by mx.{host} with SMTP id {letter.message_id[:10]}"
    path = "<>" if letter.kind is Kind.DSN else f"<{letter.sender}>"
    return [
        ("Delivered-To", letter.mailbox.email),
        ("Received", f"{route};\n\t{mail_date(letter.at)}"),
        ("Received", f"{inner};\n\t{mail_date(letter.at - 2, _ZONES[letter.client])}"),
        ("Return-Path", path),
    ]


def _threading(letter: Letter) -> Headers:
    if letter.kind is Kind.DSN and letter.message and letter.client is Client.GMAIL:
        thread = f"<{letter.message.message_id}>"
        return [("In-Reply-To", thread), ("References", thread)]
    if not (letter.shows_thread and letter.message and letter.enrollment):
        return []
    answered = f"<{letter.message.message_id}>"
    known = [answered]
    first = letter.enrollment.messages[0]
    if first is not letter.message:
        known.insert(0, f"<{first.message_id}>")
    chain = []
    earlier = letter.earlier
    while earlier is not None:
        chain.append(f"<{earlier.message_id}>")
        earlier = earlier.earlier
    known += reversed(chain)
    references = ("References", "\n ".join(known))
    if letter.client is Client.OUTLOOK and letter.at % 7 == 0:
        # Some gateways strip In-Reply-To and leave the references.
        return [references]
    return [("In-Reply-To", known[-1]), references]


def _automation(letter: Letter) -> Headers:
    if letter.kind is Kind.LIST:
        return [
            ("List-Id", f"Digest <digest.{letter.sender.rpartition('@')[2]}>"),
            ("List-Unsubscribe", "<https://digest.example/leave>"),
            ("Precedence", "list"),
        ]
    if letter.kind is Kind.DSN:
        headers = [("X-Failed-Recipients", letter.message.to)] if letter.message else []
        if letter.client is Client.GMAIL:
            headers.append(("Auto-Submitted", "auto-replied"))
        return headers
    if not letter.has_auto_headers:
        return []
    if letter.client is Client.OUTLOOK:
        return [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")]
    return [
        ("Auto-Submitted", "auto-replied"),
        ("Precedence", "auto_reply"),
        ("X-Autoreply", "yes"),
    ]


def _content(letter: Letter, person: Person) -> Content:
    if letter.message is not None and letter.failure is not None:
        return _delivery_report(letter, letter.message, letter.failure)
    text = letter.text + _quoted(letter, person)
    if letter.client is Client.OUTLOOK and letter.at % 3 == 0:
        encoded = b64encode(text.encode()).decode()
        wrapped = "\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
        return [*_plain_headers(), ("Content-Transfer-Encoding", "base64")], wrapped
    if letter.client is Client.GMAIL and letter.kind is Kind.HUMAN:
        return _alternative(letter, text)
    return [*_plain_headers(), ("Content-Transfer-Encoding", "8bit")], text


def _plain_headers() -> Headers:
    return [("Content-Type", "text/plain; charset=UTF-8")]


def _alternative(letter: Letter, text: str) -> Content:
    mark = f"0000{letter.message_id[:16]}"
    escaped = letter.text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
    body = (
        f"--{mark}\nContent-Type: text/plain; charset=UTF-8\n\n{text}\n"
        f"--{mark}\nContent-Type: text/html; charset=UTF-8\n\n"
        f'<div dir="ltr">{escaped}</div>\n--{mark}--\n'
    )
    return [("Content-Type", f'multipart/alternative; boundary="{mark}"')], body


def _quoted(letter: Letter, person: Person) -> str:
    """Return the quoted mail below an answer, in the manner of the mail program."""
    if not (letter.shows_thread and letter.message and letter.kind is Kind.HUMAN):
        return "\n"
    message, mailbox = letter.message, letter.mailbox
    quote = message.step.body.split("\n\n")[1] % person.company
    date = mail_date(message.sent_at)
    if letter.client is Client.OUTLOOK:
        return (
            f"\n\n-----Original Message-----\nFrom: {mailbox.display_name} <{mailbox.email}>\n"
            f"Sent: {date}\nTo: {message.to}\nSubject: {message.subject}\n\n{quote}\n"
        )
    lines = "\n".join(f"> {line}" for line in quote.splitlines())
    return f"\n\nOn {date}, {mailbox.display_name} <{mailbox.email}> wrote:\n\n{lines}\n"


def _delivery_report(letter: Letter, message: Message, failure: Transit) -> Content:
    """Return a multipart/report with the status and the headers of the returned message."""
    mark = f"report-{letter.message_id[:16]}"
    domain = letter.sender.rpartition("@")[2]
    action = "failed" if letter.is_final_failure else "delayed"
    body = (
        f"--{mark}\nContent-Type: text/plain; charset=UTF-8\n\n{letter.text}\n"
        f"--{mark}\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.{domain}\nArrival-Date: {mail_date(message.sent_at)}\n\n"
        f"Final-Recipient: rfc822; {message.to.lower()}\nAction: {action}\nStatus: {failure.code}\n"
        f"Diagnostic-Code: smtp; {failure.text}\n\n"
        f"--{mark}\nContent-Type: text/rfc822-headers\n\n"
        f"From: {letter.mailbox.display_name} <{letter.mailbox.email}>\nTo: {message.to}\n"
        f"Subject: {message.subject}\nDate: {mail_date(message.sent_at)}\n"
        f"Message-ID: <{message.message_id}>\n\n--{mark}--\n"
    )
    kind = f'multipart/report; report-type=delivery-status; boundary="{mark}"'
    return [("Content-Type", kind)], body


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8").encode()


def empty_mailboxes(mailboxes: tuple[Mailbox, ...]) -> dict[str, bytes]:
    """Return an empty mbox file for every mailbox, so that a quiet one exists too."""
    return {f"landing/mailboxes/{mailbox.email}.mbox": b"" for mailbox in mailboxes}
