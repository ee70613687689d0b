"""How well real mail is understood: `make evaluate-mail SAMPLES=…` (E1, E2, D8).

The mail is not part of the repository: others wrote it. The folder holds up to three public
corpora, laid out as `CORPORA` says; what is missing is said and left out. All of it lands through
the real loader, which takes a file once however often it is there; dbt builds `marts.replies`, and
each file's mail is held against what its corpus says it is.

Threading is measured on the mailing list. The models thread what came in to what was *sent*, and
nobody there is ours; so each mail that another one answers is also told as sent, in the neutral
sequence format, by a platform that knows little more than its Message-ID. That way every answer
whose parent is there is tested, also those that people gave to themselves. Which mail is the parent
is told by the standard library's parser, not by ours: the one that In-Reply-To names, else the last
of References that is there.
"""

import argparse
import email
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import orjson
from rich.console import Console

from orchestration.landing.load import load
from orchestration.warehouse import Warehouse
from tests.bench.figures import Figures, write_between_marks
from tests.dbt_command import run_dbt

#: Limit of the issue; of people's mail none may be called automatic, and every answer is threaded.
LEAST_BOUNCES = 0.98

PAGE = Path(__file__).parents[2] / "docs" / "real-mail.md"
#: Nobody still writes into files so old, so that broken mails are taken as they are.
LONG_AGO = 1_000_000_000

_ID = re.compile(r"<([^<>\s]+)>")
_KINDS = ("delivery_report", "abuse_report", "read_receipt", "auto_reply", "list", "human", "lost")
_SUBTYPES = ("hard", "soft", "block", "undetermined")


@dataclass(frozen=True)
class Corpus:
    """Mail of which it is known what it is: the files of a folder whose names fit a pattern."""

    name: str
    folder: str
    files: str
    #: What each is: bounce, abuse report, automatic reply, or a person's mail.
    truth: str

    def paths(self, samples: Path) -> list[Path]:
        """Return its files, in order."""
        folder = samples / self.folder
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return [path for path in found if path.is_file() and re.fullmatch(self.files, path.name)]


#: Sisimai's set of mails calls its files after what they are, or what wrote them.
_OTHERS = r"(?:.*__)?(?:arf|rfc3834)-.*"
CORPORA = (
    Corpus("bounces-lf", "email/sisimai/bsd", rf"(?!{_OTHERS}).*", "bounce"),
    Corpus("bounces-cr", "email/sisimai/mac", rf"(?!{_OTHERS}).*", "bounce"),
    Corpus("bounces-crlf", "email/sisimai/dos", rf"(?!{_OTHERS}).*", "bounce"),
    Corpus("abuse-reports", "email/sisimai/bsd", r"(?:.*__)?arf-.*", "abuse report"),
    Corpus("automatic-replies", "email/sisimai/bsd", r"(?:.*__)?rfc3834-.*", "automatic reply"),
    Corpus("no-bounces", "email/sisimai/not", r"(?:.*__)?is-not-bounce-.*", "person"),
    Corpus("talon", "email/talon", r".*\.eml", "person"),
    Corpus("mailing-list", "mbox/notmuch_lkml", r".*", "person"),
)
_LIST = "mailing-list"

#: What the models make of each file's mail. Copies of one mail are one to them: a copy is known by
#: its content, else by its Message-ID and date.
_JUDGED = """
with copies as (
    select content_hash, mail_key, message_id, header_date_at from intermediate.int_mail__copies
), files as (
    select
        split_part(mail.source_file, '/', 3) as corpus,
        cast(split_part(split_part(mail.source_file, '/', 4), '.', 1) as integer) as number,
        mail.message_id,
        coalesce(min(same.mail_key), min(alike.mail_key)) as mail_key
    from staging.stg_mailboxes__mail as mail
    left join copies as same on mail.content_hash = same.content_hash
    left join copies as alike
        on mail.message_id = alike.message_id
        and mail.header_date_at is not distinct from alike.header_date_at
    group by all
)
select
    files.corpus, files.number, files.message_id,
    coalesce(replies.inbound_kind, 'lost') as kind,
    coalesce(replies.classified_by, 'none') as rule,
    coalesce(replies.is_automated, true) as is_automated,
    attributed.bounce_subtype,
    coalesce(bool_or(reports.recipient_email is not null), false) as has_recipient,
    inbound.original_message_id is not null as has_original_id,
    replies.thread_rule,
    messages.message_id as answered_id
from files
left join marts.replies as replies on files.mail_key = replies.reply_key
left join intermediate.int_mail__inbound as inbound on files.mail_key = inbound.mail_key
left join intermediate.int_replies__attributed as attributed
    on files.mail_key = attributed.reply_key
left join intermediate.int_mail__delivery_reports as reports on files.mail_key = reports.mail_key
left join intermediate.int_messages__outbound as messages
    on replies.message_key = messages.message_key
group by all
order by files.corpus, files.number
"""


@dataclass(frozen=True)
class Judged:
    """What the models say of one file's mail."""

    corpus: str
    number: int
    message_id: str | None
    kind: str
    rule: str
    is_automated: bool
    bounce_subtype: str | None
    has_recipient: bool
    has_original_id: bool
    thread_rule: str | None
    answered_id: str | None


@dataclass
class Verdicts:
    """How many of how many were right, by what is asked, and the files of the others."""

    corpora: dict[str, Corpus]
    mails: list[Judged]
    parents: dict[str, str]

    def bounces(self) -> tuple[list[Judged], list[Judged]]:
        """Return all bounces, and those that are not called delivery reports."""
        asked = [mail for mail in self.mails if self.corpora[mail.corpus].truth == "bounce"]
        return asked, [mail for mail in asked if mail.kind != "delivery_report"]

    def people(self) -> tuple[list[Judged], list[Judged]]:
        """Return what people wrote, and what of it is called automatic."""
        asked = [mail for mail in self.mails if self.corpora[mail.corpus].truth == "person"]
        return asked, [mail for mail in asked if mail.is_automated]

    def answers(self) -> tuple[list[Judged], list[Judged]]:
        """Return the answers whose parent is there, and those not threaded to it."""
        listed = [mail for mail in self.mails if mail.corpus == _LIST]
        asked = [mail for mail in listed if mail.message_id in self.parents]
        wrong = [m for m in asked if m.answered_id != self.parents[m.message_id or ""]]
        return asked, wrong


def main() -> int:
    """Land the corpora, build, judge and print."""
    options = _options()
    samples, console = Path(options.samples), Console()
    corpora = {corpus.name: corpus for corpus in CORPORA if corpus.paths(samples)}
    for corpus in CORPORA:
        if corpus.name not in corpora:
            console.print(f"No {corpus.name}: nothing in {samples / corpus.folder}", soft_wrap=True)
    if not corpora:
        console.print(f"evaluate-mail: 0 mails in {samples} (limit: some, SAMPLES=/path) short")
        return 1
    with tempfile.TemporaryDirectory() as name:
        parents = _land(samples, list(corpora.values()), Path(name) / "landing")
        mails = _judged(Path(name), console)
    verdicts = Verdicts(corpora, mails, parents)
    tables = (_kinds(verdicts), _reports(verdicts), _threads(verdicts))
    for figures in tables:
        console.print(f"\n{figures.title}", figures.as_rich())
    if options.write:
        write_between_marks(PAGE, (figures.as_markdown() for figures in tables))
    for mail in (mail for asked in _asked(verdicts) for mail in asked[3]):
        file = corpora[mail.corpus].paths(samples)[mail.number].name
        console.print(f"missed: {mail.corpus} {file}: {mail.kind} by {mail.rule}", soft_wrap=True)
    return _conclude(console, verdicts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evaluate-mail")
    parser.add_argument("samples", nargs="?", default="data/real-mail", help="where the mail is")
    parser.add_argument("--write", action="store_true", help="also put the tables into the docs")
    return parser.parse_args()


def _land(samples: Path, corpora: Sequence[Corpus], landing: Path) -> dict[str, str]:
    """Put the mails into a landing folder; return which of the list's answers which."""
    parents: dict[str, str] = {}
    for corpus in corpora:
        folder = landing / "mailboxes" / "inbox@bench.example" / corpus.name
        folder.mkdir(parents=True)
        for number, path in enumerate(corpus.paths(samples)):
            copy = shutil.copyfile(path, folder / f"{number:04d}.eml")
            os.utime(copy, (LONG_AGO, LONG_AGO))
        if corpus.name == _LIST:
            parents = _parents(corpus.paths(samples))
    neutral = landing / "sequences" / "neutral" / "sent.ndjson"
    neutral.parent.mkdir(parents=True)
    neutral.write_bytes(b"".join(_sent(sorted(set(parents.values())))))
    return parents


def _parents(paths: Sequence[Path]) -> dict[str, str]:
    mails = [email.message_from_bytes(path.read_bytes()) for path in paths]
    there = {id_ for mail in mails for id_ in _ids(mail, "Message-ID")[:1]}
    parents = {}
    for mail in mails:
        own = next(iter(_ids(mail, "Message-ID")), None)
        named = [*_ids(mail, "In-Reply-To")[:1], *reversed(_ids(mail, "References"))]
        parent = next((id_ for id_ in named if id_ in there and id_ != own), None)
        if own and parent:
            parents[own] = parent
    return parents


def _ids(mail: Message, header: str) -> list[str]:
    return _ID.findall(str(mail[header]))


def _sent(message_ids: Sequence[str]) -> Iterator[bytes]:
    """Yield what a platform says of messages: that it sent them, long ago, to nobody here."""
    for number, message_id in enumerate(message_ids):
        message = {
            "record_type": "message",
            "platform": "outreach",
            "id": f"m{number}",
            "message_id": message_id,
            "enrollment_id": f"e{number}",
            "sequence_id": "s1",
            "mailbox": "sender@bench.example",
            "to": f"reader{number}@bench.example",
            "sent_at": "2001-01-01T00:00:00Z",
        }
        yield orjson.dumps(message) + b"\n"


def _judged(folder: Path, console: Console) -> list[Judged]:
    warehouse = Warehouse(folder / "warehouse.duckdb")
    rows = load(warehouse, folder / "landing").rows
    console.print(f"Working out the marts from {rows:,} records …")
    run_dbt(warehouse.path, "seed")
    run_dbt(warehouse.path, "run", "--select", "+replies")
    with warehouse.connect(read_only=True) as connection:
        return [Judged(*row) for row in connection.execute(_JUDGED).fetchall()]


def _kinds(verdicts: Verdicts) -> Figures:
    rows = []
    for corpus in verdicts.corpora.values():
        mails = [mail for mail in verdicts.mails if mail.corpus == corpus.name]
        counts = [sum(mail.kind == kind for mail in mails) for kind in _KINDS]
        automatic = sum(mail.is_automated for mail in mails)
        rows.append((corpus.name, corpus.truth, *map(str, [len(mails), *counts, automatic])))
    kinds = (kind.replace("_", " ") for kind in _KINDS)
    header = ("corpus", "truth", "files", *kinds, "automatic")
    return Figures("What the mails are called", header, rows, text=2)


def _reports(verdicts: Verdicts) -> Figures:
    rows = []
    for corpus in verdicts.corpora.values():
        mails = [
            mail
            for mail in verdicts.mails
            if mail.corpus == corpus.name and mail.kind == "delivery_report"
        ]
        if mails:
            found = (sum(m.has_recipient for m in mails), sum(m.has_original_id for m in mails))
            subtypes = (sum(m.bounce_subtype == subtype for m in mails) for subtype in _SUBTYPES)
            rows.append((corpus.name, *map(str, [len(mails), *found, *subtypes])))
    header = ("corpus", "delivery reports", "failed recipient", "original Message-ID", *_SUBTYPES)
    return Figures("What the delivery reports say", header, rows)


def _threads(verdicts: Verdicts) -> Figures:
    asked, wrong = verdicts.answers()
    rules = sorted({mail.thread_rule or "none" for mail in asked})
    by_rule = (str(sum((mail.thread_rule or "none") == rule for mail in asked)) for rule in rules)
    row = (_LIST, str(len(asked)), str(len(asked) - len(wrong)), *by_rule)
    header = ("corpus", "answers whose parent is there", "threaded to it", *rules)
    return Figures("What the answers are threaded to", header, [row])


def _asked(verdicts: Verdicts) -> list[tuple[str, str, bool, list[Judged]]]:
    """Return what is asked: in words, its limit, whether it is met, and the mails in its way."""
    bounces, missed = verdicts.bounces()
    people, called_automatic = verdicts.people()
    answers, astray = verdicts.answers()
    share = 1 - len(missed) / max(len(bounces), 1)
    return [
        (
            f"{len(called_automatic)} of {len(people)} people's mails called automatic",
            "limit 0",
            bool(people) and not called_automatic,
            called_automatic,
        ),
        (
            f"{len(answers) - len(astray)} of {len(answers)} answers threaded to their parent",
            "limit all",
            bool(answers) and not astray,
            astray,
        ),
        (
            f"{share:.1%} of {len(bounces)} bounces called delivery reports",
            f"limit {LEAST_BOUNCES:.0%}",
            bool(bounces) and share >= LEAST_BOUNCES,
            missed,
        ),
    ]


def _conclude(console: Console, verdicts: Verdicts) -> int:
    # The last line is the verdict: what falls short comes last.
    asked = sorted(_asked(verdicts), key=lambda each: not each[2])
    console.print()
    for words, limit, is_met, _ in asked:
        end = "ok" if is_met else "short"
        console.print(f"evaluate-mail: {words} ({limit}) {end}", soft_wrap=True)
    return 0 if all(each[2] for each in asked) else 1


if __name__ == "__main__":
    raise SystemExit(main())
