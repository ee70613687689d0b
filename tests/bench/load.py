"""How fast files are landed, and in how much memory: `make bench-load` prints figures and verdict.

The yardstick is what an analyst would type: one bare `create table as select … from read_json(…)`
with declared columns, on the same file, in the same run. It checks nothing, keeps only the columns
that are declared, and knows neither file nor line nor what was loaded before.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.landing.load import load
from orchestration.simulator.simulate import simulate
from orchestration.warehouse import Warehouse

#: Limits of issue 3.
MOST_RATIO, MOST_PEAK_GB, FEWEST_MAILS = 1.3, 3.0, 1_000

PEOPLE, WEEKS, SEED, RUNS = 40_000, 6, 7, 3
GIGABYTE = 1_000_000_000

#: The fields that SendGrid documents for the Event Webhook, and the simulated team's own arguments.
COLUMNS = {
    "email": "varchar",
    "timestamp": "bigint",
    "event": "varchar",
    "sg_event_id": "varchar",
    "sg_message_id": "varchar",
    "smtp-id": "varchar",
    "category": "json",
    "ip": "varchar",
    "useragent": "varchar",
    "url": "varchar",
    "url_offset": "json",
    "sg_machine_open": "boolean",
    "reason": "varchar",
    "status": "varchar",
    "type": "varchar",
    "bounce_classification": "varchar",
    "response": "varchar",
    "attempt": "varchar",
    "tls": "integer",
    "asm_group_id": "bigint",
    "pool": "json",
    "enrollment_id": "varchar",
    "sequence_id": "varchar",
    "step_number": "varchar",
}


def main() -> int:
    """Land 2 GB beside the yardstick, then 10 GB, then mail; each run is a process of its own."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        console.print("Writing 2 and 10 GB of simulated SendGrid events …")
        small, large, mail = _write_inputs(folder)
        bare, landed = [], []
        for run in range(1, RUNS + 1):
            console.print(f"Run {run} of {RUNS}: the yardstick, then the load …")
            bare.append(_measure("bare", small, folder))
            landed.append(_measure("land", small, folder))
        console.print("10 GB, and mail …")
        landed_large = _measure("land", large, folder)
        mailed = _measure("mail", mail, folder)
    ratio = median(run["seconds"] for run in landed) / median(run["seconds"] for run in bare)
    peak = max(run["peak_gb"] for run in (*landed, landed_large))
    mails = mailed["records"] / mailed["cpu_seconds"]
    console.print(_figures([*bare, *landed, landed_large, mailed]))
    verdicts = [
        (f"peak memory: {peak:.2f} GB (limit {MOST_PEAK_GB} GB)", peak < MOST_PEAK_GB),
        (f"mail: {mails:,.0f} a second and core (limit {FEWEST_MAILS:,})", mails >= FEWEST_MAILS),
        (
            f"bench-load: {ratio:.2f} times a bare read_json (limit {MOST_RATIO})",
            ratio <= MOST_RATIO,
        ),
    ]
    # The last line is the verdict: what falls short comes last.
    for text, is_met in sorted(verdicts, key=lambda verdict: not verdict[1]):
        console.print(f"{text} {'ok' if is_met else 'short'}")
    return 0 if all(is_met for _, is_met in verdicts) else 1


def _figures(runs: list[dict[str, float]]) -> Table:
    table = Table(
        "what", "GB", "records", "seconds", "MB/s", "CPU s", "peak GB", "stored GB", box=None
    )
    for run in runs:
        table.add_row(
            str(run["what"]),
            f"{run['bytes'] / GIGABYTE:.1f}",
            f"{run['records']:,}",
            f"{run['seconds']:.1f}",
            f"{run['bytes'] / 1e6 / run['seconds']:,.0f}",
            f"{run['cpu_seconds']:.1f}",
            f"{run['peak_gb']:.2f}",
            f"{run['stored_gb']:.2f}",
        )
    return table


def _write_inputs(folder: Path) -> tuple[Path, Path, Path]:
    """Write one NDJSON file of 2 GB, one of 10 GB, and a folder of mailboxes."""
    simulate(PEOPLE, WEEKS, SEED, folder / "team")
    landing = folder / "team" / "landing"
    warehouse = Warehouse(folder / "team.duckdb")
    load(warehouse, landing, sources=["sendgrid"])
    events = folder / "events.ndjson"
    with warehouse.connect(read_only=True) as connection:
        connection.execute(
            f"copy (select payload from raw.sendgrid_events) to '{events}' "
            "(format csv, header false, quote '', escape '', delimiter '\\x01')"
        )
    small = _repeated(events, folder / "small.ndjson", 2 * GIGABYTE)
    large = _repeated(events, folder / "large.ndjson", 10 * GIGABYTE)
    return small, large, landing / "mailboxes"


def _repeated(source: Path, target: Path, size: int) -> Path:
    with target.open("wb") as written:
        while written.tell() < size:
            with source.open("rb") as read:
                shutil.copyfileobj(read, written, 1 << 24)
    return target


def _measure(what: str, source: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.load", what, str(source), str(folder / "run")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(what: str, source: Path, folder: Path) -> None:
    """Do one thing in this process and print its figures as JSON."""
    shutil.rmtree(folder, ignore_errors=True)
    place = folder / "landing" / ("mailboxes" if what == "mail" else "sendgrid")
    place.parent.mkdir(parents=True)
    if what == "mail":
        shutil.copytree(source, place)
    else:
        place.mkdir()
        os.link(source, place / "events.ndjson")
    started, cpu = time.perf_counter(), time.process_time()
    records = _bare(source, folder) if what == "bare" else _land(folder)
    sys.stdout.write(
        json.dumps(
            {
                "what": {"bare": "bare read_json", "land": "load", "mail": "load, mail"}[what],
                "records": records,
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.process_time() - cpu,
                "bytes": sum(each.stat().st_size for each in place.rglob("*") if each.is_file()),
                "stored_gb": (folder / "warehouse.duckdb").stat().st_size / GIGABYTE,
                "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIGABYTE,
            }
        )
    )


def _bare(source: Path, folder: Path) -> int:
    declared = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    listed = ", ".join(f'"{name}"' for name in COLUMNS)
    with _closing(folder / "warehouse.duckdb") as connection:
        connection.execute(
            f"create table events as select {listed} from read_json('{source}', "
            f"format='newline_delimited', columns={{{declared}}})"
        )
        ((count,),) = connection.execute("select count(*) from events").fetchall()
    return int(count)


def _land(folder: Path) -> int:
    return load(Warehouse(folder / "warehouse.duckdb"), folder / "landing").rows


@contextmanager
def _closing(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(database))
    try:
        yield connection
    finally:
        connection.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
