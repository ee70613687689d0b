"""The registry of formats: which place in the landing folder belongs to which reader and table."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from orchestration.landing import (
    access_logs,
    mail_places,
    mailboxes,
    mailgun,
    mandrill,
    postmark,
    salesforce_exports,
    sendgrid,
    sequences,
    ses,
)
from orchestration.landing.piece import Outcome, Piece, Target
from orchestration.landing.record_sql import RecordRules
from orchestration.landing.records import read_records

#: `events.ndjson`, and what log rotation makes of it: `events.ndjson.1`, `events.json-20261001.gz`.
_JSON_NAME = re.compile(r"\.(json|ndjson|jsonl)([.-]\d+)*(\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Format:
    """How the files of one source are known and read, and which raw table holds its records.

    `place` is the folder inside the landing folder that its files arrive in; `claims` says
    whether a path in there is one of them. Contents are compared within `scope(file)` only: the
    same mail in two mailboxes, or in two folders of one, is two facts.
    """

    source: str
    table: str
    place: str
    description: str
    claims: Callable[[Path], bool]
    read: Callable[[Piece, Target], Outcome]
    scope: Callable[[str], str] = lambda _: ""
    kind: str = "json"

    @property
    def folder(self) -> str:
        """The outermost folder of its place."""
        return self.place.partition("/")[0]


def _json(source: str, table: str, place: str, rules: RecordRules, description: str) -> Format:
    read = partial(read_records, rules=rules)
    return Format(source, table, place, description, _json_files(place), read)


def _json_files(place: str) -> Callable[[Path], bool]:
    parts = tuple(place.split("/"))

    def claims(path: Path) -> bool:
        return path.parts[:-1][: len(parts)] == parts and bool(_JSON_NAME.search(path.name))

    return claims


#: A line per source. Raw tables, the ledger's scopes and the assets in Dagster follow from it.
FORMATS = (
    _json(
        "sendgrid",
        "raw.sendgrid_events",
        "sendgrid",
        sendgrid.EVENTS,
        "SendGrid Event Webhook logs (A1).",
    ),
    _json(
        "ses",
        "raw.ses_events",
        "ses",
        ses.EVENTS,
        "Amazon SES events, in whatever they come wrapped (A2).",
    ),
    _json(
        "mailgun",
        "raw.mailgun_events",
        "mailgun",
        mailgun.EVENTS,
        "Mailgun events from webhooks and the Events API (A6).",
    ),
    _json(
        "postmark",
        "raw.postmark_events",
        "postmark",
        postmark.EVENTS,
        "Postmark webhook logs (A6).",
    ),
    _json(
        "mandrill",
        "raw.mandrill_events",
        "mandrill",
        mandrill.EVENTS,
        "Mandrill webhook logs (A6).",
    ),
    _json(
        "enrollments",
        "raw.enrollments",
        "sequences/enrollments",
        sequences.ENROLLMENTS,
        "Enrollments as the sequence platform's API returns them (A5).",
    ),
    _json(
        "messages",
        "raw.messages",
        "sequences/messages",
        sequences.MESSAGES,
        "Messages that the sequence platform sent (A5).",
    ),
    _json(
        "sequence_records",
        "raw.sequence_records",
        "sequences/neutral",
        sequences.RECORDS,
        "Enrollments, messages and tasks of sequence platforms in the neutral format (A5).",
    ),
    Format(
        "access_logs",
        "raw.access_log_requests",
        "access_logs",
        "Access logs of one's own pixel and redirect host (A4).",
        access_logs.claims,
        access_logs.read,
        kind="log",
    ),
    Format(
        "mailboxes",
        "raw.mailbox_messages",
        "mailboxes",
        "Mailbox exports with replies, reports and mail sent by hand (A3).",
        mail_places.claims,
        mailboxes.read,
        mail_places.scope_of,
        kind="email",
    ),
    Format(
        "salesforce_exports",
        "raw.salesforce_exports",
        "salesforce",
        "Salesforce CSV exports (A7).",
        salesforce_exports.claims,
        salesforce_exports.read,
        salesforce_exports.object_of,
        kind="csv",
    ),
)


def format_of(path: Path) -> Format | None:
    """Return the format of a file by its path inside the landing folder, if it has one."""
    return next((f for f in FORMATS if f.claims(path)), None)
