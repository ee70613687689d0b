"""The records in the sample's landing files, out of whatever they are laid into."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

_MAIL_BEGINS = re.compile(rb"(?m)^(?=From )")


def records_in(folder: Path) -> list[str]:
    """Return every record as one line of text; lines that cannot be read stay as they are."""
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


def enrollments_in(folder: Path) -> list[str]:
    """Return every enrollment out of its page."""
    return [
        json.dumps(enrollment)
        for text in _texts(folder)
        for enrollment in json.loads(text)["enrollments"]
    ]


def mails_in(export: Path) -> list[bytes]:
    """Return the mails of an mbox, separator line and all."""
    return [mail for mail in _MAIL_BEGINS.split(export.read_bytes()) if mail]


def unquoted(mail: bytes) -> bytes:
    """Return a mail as it was before mboxrd quoted it: no envelope, no blank line at the end."""
    _, _, text = mail.partition(b"\n")
    return re.sub(rb"(?m)^>(>*From )", rb"\1", text).removesuffix(b"\n")


def _texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        raw = file.read_bytes()
        yield (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()


def _records_of(line: str) -> list[str]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError:
        return [line] if line.strip() else []
    return [json.dumps(each) for each in value] if isinstance(value, list) else [json.dumps(value)]
