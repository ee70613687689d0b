"""A8, A10: every file delivered broken first and mended then gives the marts of the good files."""

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orchestration.landing.formats import FORMATS
from orchestration.landing.load import load
from orchestration.landing.reload import request_reload
from orchestration.warehouse import Warehouse
from tests.end_to_end.built import REMEMBERING, build, differing_tables, query
from tests.end_to_end.conftest import SAMPLE
from tests.end_to_end.team import Team

pytestmark = pytest.mark.slow

STAMP = "2026-10-05T08:00:00.000Z"
SES = {"mail": {"messageId": "0107-1", "timestamp": STAMP, "destination": ["a@visitor.example"]}}
REQUEST = '192.0.2.7 - - [05/Oct/2026:10:00:0{} +0200] "GET /o/m1.gif HTTP/1.1" 200 43 "-" "UA"\n'
ENROLLMENT = {
    "record_type": "enrollment",
    "platform": "touchline",
    "sequence_id": "s1",
    "person_email": "a@visitor.example",
    "mailbox": "ann@team.example",
    "platform_state": "engaged",
    "enrolled_at": STAMP,
    "updated_at": STAMP,
}

#: Sources that the sample has no files of.
OTHERS: dict[str, str | list[Any]] = {
    "ses/a.ndjson": [
        {**SES, "eventType": "Delivery", "delivery": {"timestamp": STAMP}},
        {**SES, "eventType": "Open", "open": {"timestamp": STAMP, "ipAddress": "192.0.2.1"}},
    ],
    "mailgun/a.ndjson": [
        {"event": kind, "timestamp": 1_791_331_200.5, "recipient": "a@visitor.example"}
        for kind in ("delivered", "opened")
    ],
    "postmark/a.ndjson": [
        {"RecordType": "Open", "Recipient": "a@visitor.example", "ReceivedAt": at, "MessageID": "m"}
        for at in ("2026-10-05T08:00:00Z", "2026-10-05T09:00:00Z")
    ],
    "mandrill/a.ndjson": [
        [{"event": kind, "ts": 1_791_331_200, "_id": "d1", "msg": {"email": "a@visitor.example"}}]
        for kind in ("send", "open")
    ],
    "access_logs/access.log": REQUEST.format(1) + REQUEST.format(2),
    "sequences/neutral/a.ndjson": [{**ENROLLMENT, "id": "n1"}, {**ENROLLMENT, "id": "n2"}],
    "salesforce/Contact.csv": f"Id,SystemModstamp\n0035g00000ABCDEEA4,{STAMP}\n",
}

#: A record that cannot be read, in the shape of each kind of file; it stands in front.
PROXY_ERROR = b"upstream connect error\n"
NO_MAIL = b"From nobody@visitor.example Mon Oct  5 08:00:00 2026\n\nno headers at all\n\n"

#: A key without which a record is none; in broken files the first record lacks it.
KEYS = re.compile(rb'"(event|eventType|RecordType|id|sent_at)":')


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder with files of every source."""
    landing = tmp_path_factory.mktemp("good") / "landing"
    shutil.copytree(SAMPLE / "landing", landing)
    for name, content in OTHERS.items():
        text = content if isinstance(content, str) else "".join(map(_line, content))
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text(text, encoding="utf-8")
    return landing


def _line(record: object) -> str:
    return json.dumps(record) + "\n"


@pytest.fixture(scope="module")
def teams(good: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Team, Team]:
    """One that got the good files, and one that got broken ones, then the good ones; built."""
    place = tmp_path_factory.mktemp("teams")
    once = Team(place / "once", good, SAMPLE / "org")
    twice = Team(place / "twice", place / "landing", SAMPLE / "org")
    break_files(good, twice.landing)
    with ThreadPoolExecutor(2) as both:
        for built in (
            both.submit(build, once, is_tested=False),
            both.submit(build, twice, REMEMBERING, is_tested=False),
        ):
            built.result()
    assert query(twice, "select count(distinct source) from raw.rejects") == [(len(FORMATS),)]
    shutil.copytree(good, twice.landing, dirs_exist_ok=True, copy_function=shutil.copy)
    build(twice)
    return once, twice


def test_a8_mended_files_count_nothing_twice(teams: tuple[Team, Team]) -> None:
    once, twice = teams
    assert differing_tables(once, twice) == []


def test_a8_mended_files_settle_every_reject_of_the_broken_ones(teams: tuple[Team, Team]) -> None:
    once, twice = teams
    still_open = "select file, line, reason from raw.rejects where settled_at is null order by all"
    assert query(twice, still_open) == query(once, still_open)


def test_a9_files_loaded_again_add_nothing(teams: tuple[Team, Team]) -> None:
    once, twice = teams
    counts = " union all ".join(
        f"select '{each.table}', count(*) from {each.table}" for each in FORMATS
    )
    before = query(twice, counts)
    warehouse = Warehouse(twice.data / "warehouse.duckdb")
    request_reload(warehouse, twice.landing, ["*"])
    report = load(warehouse, twice.landing)
    assert (report.rows, report.rejected) == (0, 0)
    assert query(twice, counts) == before
    build(twice)
    assert differing_tables(once, twice) == []


def break_files(good: Path, target: Path) -> None:
    """Copy a landing folder; each file gets a record that cannot be read, and loses a good one."""
    for file in sorted(path for path in good.rglob("*") if path.is_file()):
        place = target / file.relative_to(good)
        place.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes()
        is_gzip = data.startswith(b"\x1f\x8b")
        broken = b"".join(_broken(file, gzip.decompress(data) if is_gzip else data))
        place.write_bytes(gzip.compress(broken) if is_gzip else broken)


def _broken(file: Path, data: bytes) -> Iterator[bytes]:
    first, _, others = data.partition(b"\n")
    if file.suffix == ".mbox":
        yield NO_MAIL + data
    elif file.suffix == ".csv":
        yield first + b"\n" + PROXY_ERROR + others
    elif file.suffix == ".log":
        yield PROXY_ERROR + first[:-20] + b"\n" + others
    else:
        if _is_json(first):
            yield PROXY_ERROR
        yield KEYS.sub(rb'"no_\1":', data, count=1)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except json.JSONDecodeError:
        return False
    return True
