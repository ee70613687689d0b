"""Reads the simulated mailboxes with the standard library alone, by the rules of formats.md §3."""

import mailbox
import re
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

AWAY = re.compile(
    r"automatic reply|out of office|abwesenheit|automatische antwort|réponse automatique"
    r"|respuesta automática|risposta automatica|resposta automática|automatisch antwoord"
    r"|autosvar|autoodpowied|自動応答|自动回复|автоответ|otomatik yan",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mail:
    """What the rules need of one inbound or own mail."""

    mailbox: str
    message_id: str
    sender: str
    subject: str
    received_at: datetime
    references: tuple[str, ...]
    gmail_thread: str | None
    kind: str
    original: str | None


def read_mail(folder: Path) -> list[Mail]:
    """Return every mail of every mailbox."""
    return [
        _mail(path.name.removesuffix(".mbox"), message)
        for path in sorted(folder.glob("*.mbox"))
        for message in mailbox.mbox(path, create=False)
    ]


def _mail(address: str, message: Message) -> Mail:
    sender = parseaddr(str(message["From"]))[1].lower()
    received = str(message.get_all("Received", [message["Date"]])[0]).rpartition(";")[2]
    subject = str(make_header(decode_header(str(message["Subject"]))))
    threads = f"{message['References'] or ''} {message['In-Reply-To'] or ''}"
    return Mail(
        address,
        _bare(str(message["Message-ID"])),
        sender,
        subject,
        parsedate_to_datetime(received.strip()),
        tuple(reversed([_bare(each) for each in threads.split()])),
        message["X-GM-THRID"],
        _kind(message, sender, subject, address),
        _original(message),
    )


def _bare(message_id: str) -> str:
    return message_id.strip().strip("<>")


def _kind(message: Message, sender: str, subject: str, address: str) -> str:
    if sender == address:
        return "own"
    if message.get_content_type() == "multipart/report":
        return "dsn"
    if message["Auto-Submitted"] or AWAY.match(subject):
        return "ooo"
    return "list" if message["List-Id"] else "human"


def _original(message: Message) -> str | None:
    for part in message.walk():
        if part.get_content_type() == "text/rfc822-headers":
            found = re.search(r"^Message-ID: <(.+)>$", str(part.get_payload()), re.MULTILINE)
            return found.group(1) if found else None
    return None
