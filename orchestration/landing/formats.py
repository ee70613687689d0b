"""The registry of formats: which place in the landing folder belongs to which reader."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing import mailboxes, sendgrid, sequences
from orchestration.landing.piece import Outcome, Piece, Target
from orchestration.landing.records import read_records


@dataclass(frozen=True)
class Format:
    """How the files of one source are known and read.

    `claims` says whether a path inside the landing folder is one of its files. Contents are
    compared within `scope(file)` only: the same mail in two mailboxes is two facts.
    """

    source: str
    claims: Callable[[Path], bool]
    read: Callable[[Piece, Target], Outcome]
    scope: Callable[[str], str] = lambda _: ""


def _json_files(*places: str, suffixes: tuple[str, ...]) -> Callable[[Path], bool]:
    def claims(path: Path) -> bool:
        name = path.name.lower().removesuffix(".gz")
        return path.parts[:-1][: len(places)] == places and name.endswith(suffixes)

    return claims


_JSON = (".json", ".ndjson", ".jsonl")

FORMATS = (
    Format(
        "sendgrid",
        _json_files("sendgrid", suffixes=_JSON),
        lambda piece, target: read_records(piece, target, sendgrid.EVENTS),
    ),
    Format(
        "enrollments",
        _json_files("sequences", "enrollments", suffixes=_JSON),
        lambda piece, target: read_records(piece, target, sequences.ENROLLMENTS),
    ),
    Format(
        "messages",
        _json_files("sequences", "messages", suffixes=_JSON),
        lambda piece, target: read_records(piece, target, sequences.MESSAGES),
    ),
    Format("mailboxes", mailboxes.claims, mailboxes.read, mailboxes.address_of),
)


def format_of(path: Path) -> Format | None:
    """Return the format of a file by its path inside the landing folder, if it has one."""
    return next((f for f in FORMATS if f.claims(path)), None)
