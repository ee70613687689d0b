"""Facts about the sample's people from every source, and files to hold them, arranged at will."""

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from tests.end_to_end.conftest import SAMPLE
from tests.end_to_end.sample_records import enrollments_in, mails_in, records_in, unquoted

Json = dict[str, Any]
STAGES = 3
_ANY_NAME = "any"
_STATES = ("active", "paused", "finished", "bounced", "opted_out")
_AGENT = "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0"


@dataclass(frozen=True)
class Stock:
    """The records of one source as bytes, and how several of them make a file.

    `layouts` make a file of its own each; a file of the first one may also grow.
    """

    place: str
    suffix: str
    records: Sequence[bytes]
    layouts: Sequence[Callable[[Sequence[bytes]], bytes]]
    #: What a file, or the folder that it lies in, must be called.
    name: str = _ANY_NAME
    #: What a record may come wrapped in, telling nothing more.
    wrap: Callable[[bytes], bytes] | None = None


def stocks() -> list[Stock]:
    """Return what every source has to tell."""
    landing = SAMPLE / "landing"
    sent = [json.loads(each) for each in records_in(landing / "sequences" / "messages")]
    told = sent[::4]
    return [
        _json("sendgrid", [each for each in records_in(landing / "sendgrid") if _is_json(each)]),
        _json("sequences/messages", sent),
        _json("sequences/enrollments", enrollments_in(landing / "sequences" / "enrollments")),
        _json("ses", [each for n, m in enumerate(told) for each in _ses(n, m)], _queued),
        _json("mailgun", [each for n, m in enumerate(told) for each in _mailgun(n, m)]),
        _json("postmark", [each for m in told for each in _postmark(m)]),
        _json("mandrill", [each for m in told for each in _mandrill(m)]),
        Stock("mandrill", ".jsonl", [_posted(m) for m in sent[1::9]], [_lines], "posts"),
        _json("sequences/neutral", [each for n in range(40) for each in _neutral(n)]),
        Stock("access_logs", ".log", [each for m in told for each in _requests(m)], [_lines]),
        *(_export(name) for name in ("Contact", "Lead")),
        *(_mailbox(path) for path in sorted((landing / "mailboxes").glob("*.mbox"))),
    ]


def in_order(stocks: Sequence[Stock], landing: Path) -> None:
    """Write each stock into one file, every record once."""
    for stock in stocks:
        _write(landing / _grown(stock), stock.layouts[0](stock.records))


def arranged(stocks: Sequence[Stock], landing: Path, chance: Random) -> Iterator[int]:
    """Write the stocks in stages, yielding after each: doubled, shuffled, cut, renamed, growing."""
    stages: list[list[tuple[str, bytes]]] = [[] for _ in range(STAGES)]
    for stock in stocks:
        for stage, file, content in _files(stock, chance):
            stages[stage].append((file, content))
    for number, files in enumerate(stages):
        for file, content in chance.sample(files, len(files)):
            _write(landing / file, content)
            if chance.random() < 0.5:  # nobody touched it for long: what is cut off is given up
                os.utime(landing / file, (0, 0))
        yield number


def _files(stock: Stock, chance: Random) -> Iterator[tuple[int, str, bytes]]:
    records = [*stock.records, *chance.sample(stock.records, len(stock.records) // 2)]
    if stock.wrap:
        records = [stock.wrap(each) if chance.random() < 0.3 else each for each in records]
    chance.shuffle(records)
    cuts = sorted(chance.sample(range(1, len(records)), 4))
    first, *others = [records[a:b] for a, b in zip([0, *cuts], [*cuts, len(records)], strict=True)]
    whole = stock.layouts[0](first)
    ends = [*sorted(chance.randrange(len(whole)) for _ in range(STAGES - 1)), len(whole)]
    for stage, end in enumerate(ends):
        yield stage, _grown(stock), whole[:end]
    folder = stock.place if stock.name == _ANY_NAME else f"{stock.place}/{stock.name}"
    for number, piece in enumerate(others):
        content = chance.choice(stock.layouts)(piece)
        stage = chance.randrange(STAGES)
        name = f"{folder}/{chance.randrange(10**6):06}{stock.suffix}"
        yield stage, name, gzip.compress(content) if number % 2 else content
        if chance.random() < 0.5:
            yield chance.randrange(STAGES), name.replace(f"{folder}/", f"{folder}/copy-"), content
    if stock.suffix == ".mbox":
        for number, mail in enumerate(chance.sample(stock.records, 8)):
            place = chance.choice(("Spam", "Drafts", "Maildir/.Archive/cur", "new"))
            yield chance.randrange(STAGES), f"{folder}/{place}/{number}.eml", unquoted(mail)


def _grown(stock: Stock) -> str:
    return f"{stock.place}/{stock.name}{stock.suffix}"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _json(
    place: str, records: Sequence[Json | str], wrap: Callable[[bytes], bytes] | None = None
) -> Stock:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in records]
    layouts = [_lines, _arrays, _array, _pretty, _nothing_between]
    return Stock(place, ".ndjson", [text.encode() for text in texts], layouts, wrap=wrap)


def _lines(records: Sequence[bytes]) -> bytes:
    return b"".join(record + b"\n" for record in records)


def _arrays(records: Sequence[bytes]) -> bytes:
    batches = [records[start : start + 7] for start in range(0, len(records), 7)]
    return _lines([b"[" + b",".join(batch) + b"]" for batch in batches])


def _array(records: Sequence[bytes]) -> bytes:
    return b"[" + b",\n".join(records) + b"]"


def _pretty(records: Sequence[bytes]) -> bytes:
    return json.dumps([json.loads(record) for record in records], indent=2).encode()


def _nothing_between(records: Sequence[bytes]) -> bytes:
    return b"".join(records)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _mailbox(path: Path) -> Stock:
    mails = [*mails_in(path), *map(str.encode, _by_hand(path.stem))]
    return Stock("mailboxes", ".mbox", mails, [b"".join, _with_one_draft], path.stem)


def _by_hand(owner: str) -> Iterator[str]:
    """Yield a mail to several people, what became of it, and an answer without an id."""
    people = [f"{name}@deltafoods.example" for name in ("ana", "ben", "cem")]
    head = "From x@y.example Mon Oct 12 08:00:0{0} 2026\nDate: Mon, 12 Oct 2026 08:0{0}:00 +0000\n"
    message_id = f"by-hand-{owner}"
    yield (
        f"{head.format(1)}From: {owner}\nTo: {', '.join(people)}\nMessage-ID: <{message_id}>\n"
        "Subject: Friday\n\nSee you.\n\n"
    )
    reports = "".join(
        f"Final-Recipient: rfc822; {person}\nAction: {action}\nStatus: {status}\n\n"
        for person, action, status in zip(
            people, ("failed", "delayed", "failed"), ("5.1.1", "4.4.1", "5.2.2"), strict=True
        )
    )
    yield (
        f"{head.format(2)}From: mailer-daemon@mx.example\nTo: {owner}\nSubject: Undelivered\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example\n\n{reports}--b\nContent-Type: message/rfc822\n\n"
        f"Message-ID: <{message_id}>\n\nSee you.\n--b--\n\n"
    )
    yield (
        f"{head.format(3)}From: {people[1]}\nTo: {owner}\nIn-Reply-To: <{message_id}>\n"
        "Subject: Re: Friday\n\nYes.\n\n"
    )


def _with_one_draft(mails: Sequence[bytes]) -> bytes:
    """Put a mail that was never sent among the others."""
    draft = mails[0].replace(b"\nFrom: ", b"\nX-Unsent: 1\nFrom: ", 1)
    return b"".join([draft, *mails])


def _export(name: str) -> Stock:
    """Return a CSV export of a Salesforce object: each record as it is, and as it was before."""
    text = (SAMPLE / "org" / f"{name}.ndjson").read_text(encoding="utf-8")
    now = [json.loads(line) for line in text.splitlines()]
    before = [
        {**each, "SystemModstamp": "2026-01-01T00:00:00.000+0000", "Email": f"old-{each['Email']}"}
        for each in now[::3]
    ]
    columns = list(now[0])

    def row(values: Sequence[Any]) -> bytes:
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerow(values)
        return out.getvalue().encode()

    rows = [row([each[column] for column in columns]) for each in [*now, *before]]
    return Stock("salesforce", ".csv", rows, [lambda rows: row(columns) + b"".join(rows)], name)


def _at(message: Json, minutes: float) -> datetime:
    return datetime.fromisoformat(message["sent_at"]) + timedelta(minutes=minutes)


def _ses(number: int, message: Json) -> Iterator[Json]:
    mail = {
        "timestamp": message["sent_at"],
        "messageId": message["provider_message_id"],
        "destination": [message["to"]],
        "tags": {"enrollment_id": [message["enrollment_id"]]},
    }
    for kind, minutes in (("Delivery", 0.5), ("Open", 9), ("Click", 10)):
        about = {"timestamp": _at(message, minutes).isoformat(), "ipAddress": "192.0.2.5"}
        if kind != "Delivery":
            about |= {"userAgent": _AGENT, "link": "https://northlight.example/a"}
        yield {"eventType": kind, "mail": mail, kind.lower(): about}
    if number % 10 == 0:
        complaint = {"complainedRecipients": [{"emailAddress": message["to"]}]}
        at = _at(message, 99).isoformat()
        yield {"eventType": "Complaint", "mail": mail, "complaint": complaint | {"arrivalDate": at}}


def _mailgun(number: int, message: Json) -> Iterator[Json]:
    for retry, (kind, minutes) in enumerate((("delivered", 1), ("opened", 20), ("opened", 20))):
        yield {
            "event": kind,
            "id": f"mg-{number}-{retry}",  # the provider told the second open twice
            "timestamp": _at(message, minutes).timestamp() + 0.25,
            "recipient": message["to"].upper(),
            "message": {"headers": {"message-id": message["message_id"]}},
            "client-info": {"user-agent": _AGENT, "bot": "gmail" if number % 3 else ""},
            "ip": "192.0.2.6",
        }


def _postmark(message: Json) -> Iterator[Json]:
    common = {"MessageID": message["provider_message_id"], "Recipient": message["to"]}
    yield common | {"RecordType": "Delivery", "DeliveredAt": _at(message, 2).isoformat()}
    for is_first, minutes in ((True, 30), (False, 45)):
        at = _at(message, minutes).isoformat()
        told = {"FirstOpen": is_first, "UserAgent": _AGENT, "Geo": {"IP": "192.0.2.7"}}
        yield common | {"RecordType": "Open", "ReceivedAt": at} | told


def _mandrill(message: Json) -> Iterator[Json]:
    arguments = {key: message[key] for key in ("enrollment_id", "sequence_id")}
    for kind, minutes in (("send", 0), ("open", 50), ("click", 51)):
        yield {
            "event": kind,
            "ts": int(_at(message, minutes).timestamp()),
            "_id": message["provider_message_id"],
            "ip": "192.0.2.8",
            "user_agent": _AGENT,
            "url": "https://northlight.example/b",
            "msg": {"email": message["to"], "metadata": arguments},
        }


def _queued(record: bytes) -> bytes:
    """Return an event in a batch of a queue."""
    return json.dumps({"Records": [{"messageId": "q1", "body": record.decode()}]}).encode()


def _posted(message: Json) -> bytes:
    """Return the body of a form post with what became of a message."""
    return urlencode({"mandrill_events": json.dumps(list(_mandrill(message)))}).encode()


def _requests(message: Json) -> Iterator[bytes]:
    for method, path, minutes in (("GET", "/o/{}.gif", 70), ("HEAD", "/c/{}?u=x", 71)):
        at = f"{_at(message, minutes):%d/%b/%Y:%H:%M:%S %z}"
        request = f"{method} {path.format(message['provider_message_id'])} HTTP/1.1"
        yield f'192.0.2.9 - - [{at}] "{request}" 200 43 "-" "{_AGENT}"'.encode()


def _neutral(number: int) -> Iterator[Json]:
    """Yield an enrollment in three versions, two of one moment, with a message and a task."""
    common: Json = {"platform": "outreach", "sequence_id": 5, "mailbox": "ida@northlight.example"}
    stamp = "2026-10-{:02}T08:00:00Z"
    person = f"visitor{number % 35}@deltafoods.example"
    for version in (1, 2, 2):
        state = _STATES[(number + version) % len(_STATES)]
        yield common | {
            "record_type": "enrollment",
            "id": 9_000.0 + number if version == 1 else 9_000 + number,
            "person_email": person,
            "platform_state": state,
            "enrolled_at": stamp.format(5),
            "state_changed_at": stamp.format(5 + version),
            "updated_at": stamp.format(5 + version),
        }
    yield common | {
        "record_type": "message",
        "id": 7_000 + number,
        "message_id": f"<n{number}@mail.northlight.example>",
        "enrollment_id": 9_000 + number,
        "step_number": 1,
        "to": person,
        "subject": "Freight in October",
        "sent_at": stamp.format(6),
    }
    for version in (1, 2):
        yield common | {
            "record_type": "task",
            "id": 8_000 + number,
            "enrollment_id": 9_000 + number,
            "step_number": 2,
            "type": "call",
            "subject": "Call",
            "owner_email": "ida@northlight.example",
            "created_at": stamp.format(6),
            "updated_at": stamp.format(6 + version),
            "completed_at": stamp.format(7 + version) if version == 2 else None,
        }
