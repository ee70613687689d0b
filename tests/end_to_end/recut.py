"""The same facts delivered in another way: cut, doubled and shuffled files."""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def recut_landing(source: Path, target: Path, seed: int) -> None:
    """Write all records of a landing folder again, in other files, shapes and order, twice."""
    chance = random.Random(seed)
    _recut_lines(
        _events(source / "sendgrid"), target / "sendgrid", chance, ("ndjson", "lines", "array")
    )
    sequences = source / "sequences"
    _recut_lines(
        _enrollments(sequences / "enrollments"),
        target / "sequences" / "enrollments",
        chance,
        ("ndjson", "array"),
    )
    _recut_lines(
        _events(sequences / "messages"), target / "sequences" / "messages", chance, ("ndjson",)
    )
    for export in sorted((source / "mailboxes").glob("*.mbox")):
        _recut_mailbox(export, target / "mailboxes", chance)


def _texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        raw = file.read_bytes()
        yield (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()


def _events(folder: Path) -> list[str]:
    """Every record as one line of text; lines that cannot be read stay as they are."""
    records: list[str] = []
    for text in _texts(folder):
        try:
            whole = json.loads(text)
        except json.JSONDecodeError:
            whole = None
        if isinstance(whole, list):
            records += [json.dumps(record) for record in whole]
            continue
        for line in text.splitlines():
            records += _records_of(line)
    return records


def _records_of(line: str) -> list[str]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError:
        return [line] if line.strip() else []
    return [json.dumps(each) for each in value] if isinstance(value, list) else [json.dumps(value)]


def _enrollments(folder: Path) -> list[str]:
    return [
        json.dumps(enrollment)
        for text in _texts(folder)
        for enrollment in json.loads(text)["enrollments"]
    ]


def _recut_lines(
    records: Sequence[str], folder: Path, chance: random.Random, shapes: Sequence[str]
) -> None:
    folder.mkdir(parents=True)
    doubled = [*records, *chance.sample(records, len(records) // 2)]
    chance.shuffle(doubled)
    cut = sorted(chance.sample(range(1, len(doubled)), 6))
    pieces = [doubled[a:b] for a, b in zip([0, *cut], [*cut, len(doubled)], strict=True)]
    for number, piece in enumerate(pieces):
        shape = shapes[number % len(shapes)]
        if shape == "array" and not all(_is_json(record) for record in piece):
            shape = "ndjson"
        text = _shaped(piece, shape, chance)
        name = f"{chance.randrange(10**6):06d}.{'json' if shape == 'array' else 'ndjson'}"
        if number % 2:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / name).write_text(text)
            (folder / f"copy-of-{name}").write_text(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _shaped(piece: Sequence[str], shape: str, chance: random.Random) -> str:
    if shape == "array":
        return json.dumps([json.loads(record) for record in piece], indent=chance.choice([None, 2]))
    if shape == "ndjson":
        return "".join(f"{record}\n" for record in piece)
    lines: list[str] = []
    batch: list[Any] = []
    for record in piece:
        if not _is_json(record):
            lines.append(record)
            continue
        batch.append(json.loads(record))
        if chance.random() < 0.2:
            lines.append(json.dumps(batch))
            batch = []
    if batch:
        lines.append(json.dumps(batch))
    return "".join(f"{line}\n" for line in lines)


def _recut_mailbox(export: Path, folder: Path, chance: random.Random) -> None:
    """Half of the mails as files of their own, the others in another order, some in both."""
    mails = [mail for mail in _MAIL_BEGINS.split(export.read_bytes()) if mail]
    chance.shuffle(mails)
    half = len(mails) // 2
    files = folder / export.stem
    files.mkdir(parents=True)
    for number, mail in enumerate(mails[: half + 3]):
        (files / f"{number:04d}.eml").write_bytes(_unquoted(mail))
    (folder / export.name).write_bytes(b"".join(mails[half:]))


_MAIL_BEGINS = re.compile(rb"(?m)^(?=From )")


def _unquoted(mail: bytes) -> bytes:
    """A mail as it was before mboxrd quoted it: no envelope, no blank line at the end."""
    _, _, text = mail.partition(b"\n")
    return re.sub(rb"(?m)^>(>*From )", rb"\1", text).removesuffix(b"\n")
