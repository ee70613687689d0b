"""Loads that are killed at random moments lose and double nothing: `make chaos-load` shows it (A9).

Files of every source arrive a few at a time, logs grow in the middle of a line and are rotated,
files come again under other names; after each arrival a process loads what is new and is killed
with SIGKILL, sooner or later. In the end the raw tables must hold what one quiet load of the
same files gives.
"""

import gzip
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from orchestration.landing.formats import FORMATS
from orchestration.landing.load import load
from orchestration.simulator.simulate import simulate
from orchestration.standby import standby_of
from orchestration.warehouse import Warehouse

KILLS, SEED, PEOPLE, WEEKS = 200, 20261121, 6_000, 6
#: Records in each file of a source that the simulator does not write.
RECORDS = 3_000
#: Steps in which a log grows; they cut lines in two.
STEPS = 12

STAMP = "2026-10-05T08:00:00.000Z"

Arrival = Callable[[], None]


def main() -> int:
    """Kill loads until all files have arrived, finish quietly, and compare with a clean load."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        console.print(f"Writing files of {len(FORMATS)} sources …")
        arrivals = Arrivals(place, random.Random(SEED))
        chaos = Chaos(place / "landing", Warehouse(place / "killed.duckdb"))
        for moment in track(range(KILLS), f"Killing {KILLS} loads", console=console):
            arrivals.come(moment, KILLS)
            while not chaos.load_and_kill(arrivals.random):
                arrivals.add_file()
        load(chaos.warehouse, chaos.landing)
        clean = Warehouse(place / "clean.duckdb")
        load(clean, chaos.landing)
        console.print(_tally(chaos))
        differences = list(compare(chaos.warehouse, clean))
    for each in differences:
        console.print(each)
    verdict = "short" if differences else "ok"
    console.print(
        f"chaos-load: {len(differences)} differences after {KILLS} kills (limit 0) {verdict}"
    )
    return 1 if differences else 0


@dataclass
class Chaos:
    """Loads a landing folder in processes that it kills, and counts what each had done by then."""

    landing: Path
    warehouse: Warehouse
    usual_seconds: float = 0.1
    ends: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # A process with everything imported is at work at once: kills hit loads, not imports.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["orchestration.landing.load"])

    def load_and_kill(self, chance: random.Random) -> bool:
        """Start a load and kill it at some moment of it; False if it ended before that."""
        before = self._loads()
        process = self._context.Process(target=load, args=(self.warehouse, self.landing))
        started = time.perf_counter()
        process.start()
        process.join(chance.uniform(0, self.usual_seconds))
        was_running = process.is_alive()
        process.kill()
        process.join()
        if not was_running:
            self.usual_seconds = time.perf_counter() - started
            self.ends["ended before they were killed"] += 1
            return False
        self.usual_seconds *= 1.05  # what was left undone makes the next pass longer
        if standby_of(self.warehouse.path).exists():
            self.ends["left a copy standing by for the file"] += 1
        has_begun = self._loads() > before
        self.ends["some files were in" if has_begun else "no file was in yet"] += 1
        return True

    def _loads(self) -> int:
        if not self.warehouse.path.exists():
            return 0
        with self.warehouse.connect() as connection:
            tables = connection.execute(
                "select count(*) from duckdb_tables() where table_name = 'loads'"
            ).fetchall()
            if tables == [(0,)]:
                return 0
            ((count,),) = connection.execute("select count(*) from raw.loads").fetchall()
        return int(count)


@dataclass
class Arrivals:
    """Files that wait to come into the landing folder, in an order that chance decides."""

    place: Path
    random: random.Random
    waiting: list[list[Arrival]] = field(default_factory=list)
    total: int = field(default=0, init=False)
    added: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        simulate(PEOPLE, WEEKS, SEED, self.place / "team")
        landing = self.place / "team" / "landing"
        contents = {
            str(path.relative_to(landing)): path.read_bytes()
            for path in sorted(landing.rglob("*"))
            if path.is_file()
        }
        contents.update(_others())
        for name, content in contents.items():
            grows = name.endswith((".ndjson", ".log")) and self.random.random() < 0.4
            self.waiting.append(
                self._growth(name, content) if grows else self._whole(name, content)
            )
        self.total = sum(map(len, self.waiting))

    def come(self, moment: int, moments: int) -> None:
        """Let come what is due by now: all of it by the last moment."""
        due = self.total * (moment + 1) // moments
        while self.total - sum(map(len, self.waiting)) < due:
            arrivals = self.random.choice(self.waiting)
            arrivals.pop(0)()
            if not arrivals:
                self.waiting.remove(arrivals)

    def add_file(self) -> None:
        """Bring one file more, so that a load that came to its end is followed by another."""
        self.added += 1
        event = {"event": "open", "email": "a@visitor.example", "timestamp": 1_791_400_000}
        lines = [json.dumps({**event, "number": n, "of": self.added}) for n in range(RECORDS)]
        self._write(f"sendgrid/added-{self.added}.ndjson", ("\n".join(lines) + "\n").encode())

    def _whole(self, name: str, content: bytes) -> list[Arrival]:
        """A file that comes at once; now and then again under another name, compressed."""
        first = [lambda: self._write(name, content)]
        # The address of a mailbox is its file's name, and a mail in two mailboxes is two facts.
        if name.endswith((".gz", ".mbox")) or self.random.random() < 0.7:
            return first
        stem, _, suffix = name.rpartition(".")
        again = f"{stem}-again.{suffix}.gz"
        return [*first, lambda: self._write(again, gzip.compress(content, 1))]

    def _growth(self, name: str, content: bytes) -> list[Arrival]:
        """A log that grows, by lines and parts of lines, and is rotated in the end."""
        cuts = sorted(self.random.randrange(len(content)) for _ in range(STEPS - 1))
        parts = zip([0, *cuts], [*cuts, len(content)], strict=True)
        steps = [
            lambda start=start, stop=stop: self._append(name, content[start:stop])
            for start, stop in parts
        ]
        return [*steps, lambda: self._rotate(name), lambda: self._compress(f"{name}.1")]

    def _file(self, name: str) -> Path:
        path = self.place / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _write(self, name: str, content: bytes) -> None:
        draft = self._file(name).with_name(".draft")
        draft.write_bytes(content)
        draft.rename(self._file(name))

    def _append(self, name: str, content: bytes) -> None:
        with self._file(name).open("ab") as log:
            log.write(content)

    def _rotate(self, name: str) -> None:
        self._file(name).rename(self._file(f"{name}.1"))

    def _compress(self, name: str) -> None:
        self._write(f"{name}.gz", gzip.compress(self._file(name).read_bytes(), 1))
        self._file(name).unlink()


def _others() -> Iterator[tuple[str, bytes]]:
    """Yield files of the sources that the simulator leaves out; some lines are beyond repair."""
    mail = {"destination": ["a@visitor.example"], "timestamp": STAMP}
    subscription = {"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe."}
    makers: dict[str, Callable[[int], object]] = {
        "ses/events": lambda n: {"eventType": "Send", "mail": {**mail, "messageId": f"m-{n}"}},
        "ses/topics": lambda n: {**subscription, "MessageId": f"c-{n}"},
        "mailgun/events": lambda n: {
            "event": "opened", "id": f"g-{n}", "timestamp": 1_791_331_200.5 + n,
            "recipient": "a@visitor.example",
        },
        "postmark/events": lambda n: {
            "RecordType": "Open", "Recipient": "a@visitor.example", "ReceivedAt": STAMP,
            "MessageID": f"p-{n}",
        },
        "mandrill/events": lambda n: [
            {"event": "open", "ts": 1_791_331_200 + n, "_id": "d", "msg": {"email": "a@v.example"}}
        ],
        "sequences/neutral/records": lambda n: {
            "record_type": "enrollment", "platform": "touchline", "id": f"n-{n}",
            "sequence_id": "s1", "person_email": "a@visitor.example",
            "mailbox": "ann@team.example", "platform_state": "engaged", "enrolled_at": STAMP,
            "updated_at": STAMP,
        },
    }  # fmt: skip
    for name, make in makers.items():
        lines = ["{broken" if n % 500 == 7 else json.dumps(make(n)) for n in range(RECORDS)]
        yield f"{name}.ndjson", "".join(f"{line}\n" for line in lines).encode()
    request = (
        '192.0.2.7 - - [05/Oct/2026:10:00:01 +0200] "GET /o/m{}.gif HTTP/1.1" 200 43 "-" "UA"\n'
    )
    yield "access_logs/access.log", "".join(map(request.format, range(RECORDS))).encode()
    rows = [f"003{n:015d},{STAMP}" for n in range(RECORDS)]
    yield "salesforce/Contact.csv", "\n".join(["Id,SystemModstamp", *rows, ""]).encode()


def compare(killed: Warehouse, clean: Warehouse) -> Iterator[str]:
    """Yield a sentence for each raw table that differs from a clean load's, or from its ledger.

    A file that came under two names is known by either, so names are not compared.
    """
    statements = {
        **{
            each.table: f"select line, position, cast(payload as varchar), "
            f"cast(envelope as varchar) from {each.table}"
            for each in FORMATS
        },
        "raw.rejects": "select source, line, reason, payload from raw.rejects",
        "raw.skipped": "select source, reason, sum(records) from raw.skipped group by all",
        "raw.loads": "select source, sum(rows), sum(rejected), sum(skipped) from raw.loads "
        "group by all",
    }
    for table, statement in statements.items():
        found, wanted = _rows(killed, statement), _rows(clean, statement)
        if found != wanted:
            lost, made_up = (wanted - found).total(), (found - wanted).total()
            yield f"{table}: {lost:,} rows lost, {made_up:,} too many"
        elif not wanted:
            yield f"{table}: empty, nothing was tried"
    for each in FORMATS:
        counts = f"select load_id, file, count(*) from {each.table} group by all"
        entries = (
            f"select load_id, file, rows from raw.loads where source = '{each.source}' and rows > 0"
        )
        if _rows(killed, counts) != _rows(killed, entries):
            yield f"{each.table}: raw.loads tells of other rows than there are"


def _rows(warehouse: Warehouse, statement: str) -> Counter[tuple[Any, ...]]:
    with warehouse.connect() as connection:
        return Counter(connection.execute(statement).fetchall())


def _tally(chaos: Chaos) -> Table:
    table = Table("of the loads", "", box=None)
    for end, count in sorted(chaos.ends.items()):
        table.add_row(end, str(count))
    return table


if __name__ == "__main__":
    sys.exit(main())
