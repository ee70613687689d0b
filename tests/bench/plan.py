"""How fast a plan is made of a million records: `make bench-plan` prints a verdict.

The yardstick is what anybody would type to compare the same two tables, in the same run and on the
same file: the fifteen fields are read out of each record's latest raw version, once, joined with
what the marts computed, and told apart by `is distinct from`; the cells that differ are stored. It
knows no policy, no picklist, no text that only looks different, no reason, no refused value.

Two plans are measured: a usual one, where few records changed, and the first one of a new mapping,
where every cell is new. The first plan that logs mail is held against a yardstick of its own: the
mail whose key no snapshot has, and the list of the same cells. All have to hold.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection
from rich.console import Console

from orchestration.crm.schema import parse_describe
from orchestration.crm.snapshot_tables import create_snapshot_tables
from orchestration.local_org.describe import describe_object
from orchestration.local_org.schema import load as load_schema
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan
from tests.bench import plan_mail
from tests.bench.figures import Figures
from tests.writeback.stage import METRIC_COLUMNS

#: Limits of the issue.
MOST_RATIO, MOST_BYTES = 3.0, 3_000_000_000

RECORDS = 1_000_000

#: Of a usual plan: every so manieth record changed.
CHANGED_EVERY = 200

#: What is mapped, its type for the yardstick, what the marts computed of record `n`, and what
#: Salesforce has where that record changed.
FIELDS = {
    "open_count": ("Open_Count__c", "double", "n % 40", "n % 40 + 1"),
    "human_open_count": ("Human_Open_Count__c", "double", "n % 7", "n % 7 + 1"),
    "click_count": ("Click_Count__c", "double", "n % 11", None),
    "human_click_count": ("Human_Click_Count__c", "double", "n % 5", None),
    "clicked_at": ("Clicked_At__c", "timestamp", "moment + to_seconds(n)", None),
    "is_replied": ("Replied__c", "boolean", "true", None),
    "last_reply_at": ("Last_Reply_At__c", "timestamp", "moment + to_seconds(3 * n)", None),
    "initial_reply_class": (
        "Initial_Reply_Class__c", "varchar", "['OOO', 'Neutral', 'Referral'][n % 3 + 1]", None,
    ),
    "latest_reply_class": (
        "Latest_Reply_Class__c", "varchar", "['Negative', 'Bad Timing'][n % 2 + 1]", "'Neutral'",
    ),
    "initial_reply_tags": ("Initial_Reply_Tags__c", "varchar", "'tag ' || n % 100", None),
    "latest_reply_tags": ("Latest_Reply_Tags__c", "varchar", "'pricing, q' || n % 4", None),
    "sequence_status": (
        "Sequence_Status__c", "varchar", "['Active', 'Paused'][n % 2 + 1]", "'Finished: Replied'",
    ),
    "most_recent_sequence": ("Sequence__c", "varchar", "'Sequence ' || n % 50", None),
    "most_recent_step_at": (
        "Sequence_Step_At__c", "timestamp", "moment + to_seconds(2 * n)", "null::timestamp",
    ),
    "first_sequence": ("First_Sequence__c", "varchar", "'Sequence ' || n % 20", None),
}  # fmt: skip

_RECORD_ID = "'003' || lpad(n::varchar, 12, '0') || 'AAA'"
_NUMBERS = f"(select range as n, timestamp '2026-01-01' as moment from range({RECORDS}))"


@dataclass(frozen=True)
class Measured:
    """One plan beside its yardstick: seconds, cells to write, and the plan's peak memory."""

    name: str
    cells: int
    plan_seconds: float
    yardstick_seconds: float
    peak_bytes: int

    @property
    def ratio(self) -> float:
        """How many times the yardstick a plan takes."""
        return self.plan_seconds / self.yardstick_seconds

    @property
    def is_enough(self) -> bool:
        """Whether both limits are kept."""
        return self.ratio <= MOST_RATIO and self.peak_bytes <= MOST_BYTES


def main() -> int:
    """Make each plan beside its yardstick; say whether that is fast enough."""
    console = Console()
    measured = []
    for name, (fill, bare, plan) in _PLANS.items():
        with tempfile.TemporaryDirectory() as folder:
            warehouse = Warehouse(Path(folder) / "warehouse.duckdb")
            console.print(f"Making up the records: {name} …")
            with warehouse.connect() as connection:
                fill(connection)
            console.print("Comparing them bare, and planning them …")
            yardstick_cells, yardstick, _ = _apart(bare, warehouse.path)
            cells, seconds, peak = _apart(plan, warehouse.path)
        if cells != yardstick_cells:
            console.print(f"The plan has {cells:,} cells, the yardstick {yardstick_cells:,}.")
            return 1
        measured.append(Measured(name, cells, seconds, yardstick, peak))
    console.print(_figures(measured).as_rich())
    worst = max(measured, key=lambda each: each.ratio)
    verdict = "ok" if all(each.is_enough for each in measured) else "short"
    peak_gb = max(each.peak_bytes for each in measured) / 1e9
    console.print(
        f"bench-plan: {worst.ratio:.2f} times the yardstick, {peak_gb:.2f} GB "
        f"(limit {MOST_RATIO:g}, {MOST_BYTES / 1e9:g} GB) {verdict}"
    )
    return 0 if verdict == "ok" else 1


def _fill(connection: DuckDBPyConnection, changed_every: int | None) -> None:
    """Store the metrics, and a snapshot: every so manieth record differs, or all is empty."""
    create_snapshot_tables(connection)
    connection.execute(f"create table crm.contact_fields ({METRIC_COLUMNS})")
    connection.execute(
        f"insert into crm.contact_fields by name select {_RECORD_ID} as crm_id, "
        + ", ".join(f"{computed} as {name}" for name, (_, _, computed, _) in FIELDS.items())
        + f" from {_NUMBERS}"
    )
    stored = {
        name: ("false" if kind == "boolean" else "null")
        if changed_every is None
        else f"case when n % {changed_every} = 0 then {other or computed} else {computed} end"
        for name, (_, kind, computed, other) in FIELDS.items()
    }
    pairs = ", ".join(
        f"'Touchline_{field}', {_as_salesforce_says_it(kind, stored[name])}"
        for name, (field, kind, _, _) in FIELDS.items()
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        f"insert into raw.salesforce_contacts select 1, $now, {_RECORD_ID}, $now, false, "
        f"json_object('Id', {_RECORD_ID}, 'IsDeleted', false, 'MasterRecordId', null, "
        f"'Email', n || '@people.example', 'Name', 'Person ' || n, {pairs}) from {_NUMBERS}",
        {"now": now},
    )
    connection.execute(
        "insert into raw.salesforce_snapshots values (1, 'Contact', 'full', null, $now, $rows, "
        "$now, ['Id'])",
        {"now": now, "rows": RECORDS},
    )


def _as_salesforce_says_it(kind: str, value: str) -> str:
    if kind == "timestamp":
        return f"strftime({value}, '%Y-%m-%dT%H:%M:%S.000+0000')"
    return f"({value})::{kind}"


def _compare_bare(path: Path) -> tuple[int, float]:
    """Read the fields out of the raw records, join, compare, store the cells; return how many."""
    paths = ", ".join(f"'$.Touchline_{field}'" for field, _, _, _ in FIELDS.values())
    old = {
        name: f"left(stored[{place}], 19)::timestamp"
        if kind == "timestamp"
        else f"stored[{place}]::{kind}"
        for place, (name, (_, kind, _, _)) in enumerate(FIELDS.items(), start=1)
    }
    pairs = ", ".join(f"{old[name]} as old_{name}, {name} as new_{name}" for name in FIELDS)
    differs = [f"old_{name} is distinct from new_{name}" for name in FIELDS]
    joined = f"""
        create temp table joined as
        select * from (
            select crm_id, {pairs}
            from crm.contact_fields
            inner join (
                select record_id, json_extract_string(payload, [{paths}]) as stored
                from raw.salesforce_contacts
                inner join (
                    select record_id, max(load_id) as load_id
                    from raw.salesforce_contacts group by record_id
                ) using (record_id, load_id)
            ) on record_id = crm_id
        ) where {" or ".join(differs)}
    """
    cells = f"""
        create table bare_cells as
        select crm_id, field, old_value, new_value from (
            select
                crm_id,
                unnest([{", ".join(f"'{name}'" for name in FIELDS)}]) as field,
                unnest([{", ".join(f"old_{name}::varchar" for name in FIELDS)}]) as old_value,
                unnest([{", ".join(f"new_{name}::varchar" for name in FIELDS)}]) as new_value,
                unnest([{", ".join(differs)}]) as differs
            from joined
        ) where differs
    """
    with Warehouse(path).connect() as connection:
        begun = time.perf_counter()
        connection.execute(joined)
        connection.execute(cells)
        seconds = time.perf_counter() - begun
        ((count,),) = connection.execute("select count(*) from bare_cells").fetchall()
        connection.execute("drop table bare_cells")
    return int(count), seconds


def _plan(path: Path) -> tuple[int, float]:
    """Make a plan as a run does where large plans wait; return how many cells it would write."""
    mapping = load_mapping()
    fields = tuple(each for each in mapping.objects["Contact"] if each.metric in FIELDS)
    described = load_schema().find("Contact")
    if described is None or len(fields) != len(FIELDS):
        raise RuntimeError("The default mapping or the local org has other fields than this bench.")
    schemas = {"Contact": parse_describe(describe_object(described, base=""))}
    begun = time.perf_counter()
    mapping = replace(mapping, objects={"Contact": fields})
    plan = make_plan(Warehouse(path), mapping, schemas, planners=[], approval="large")
    return plan.changed_cells, time.perf_counter() - begun


def _apart(work: str, path: Path) -> tuple[int, float, int]:
    """Have the work done by a process of its own; return its count, seconds and peak memory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.plan", work, str(path)],
        stdout=subprocess.PIPE,
        check=True,
    )
    count, seconds, peak = json.loads(done.stdout)
    return count, seconds, peak


#: What each plan is measured with: what fills the warehouse, the yardstick, and the plan itself.
_PLANS: Mapping[str, tuple[Callable[[DuckDBPyConnection], None], str, str]] = {
    "few changes": (partial(_fill, changed_every=CHANGED_EVERY), "bare", "plan"),
    "first activation": (partial(_fill, changed_every=None), "bare", "plan"),
    f"{plan_mail.MAILS:,} mails": (plan_mail.fill, "bare mail", "plan mail"),
}

_WORKS = {
    "bare": _compare_bare,
    "plan": _plan,
    "bare mail": plan_mail.compare_bare,
    "plan mail": plan_mail.plan,
}


def _work(name: str, path: Path) -> None:
    """Do one kind of work, and print what it took."""
    count, seconds = _WORKS[name](path)
    # Linux counts the most memory that a process ever had in KiB.
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps([count, seconds, peak_bytes]))


def _figures(measured: Sequence[Measured]) -> Figures:
    rows = [
        (
            each.name,
            f"{each.cells:,}",
            f"{each.plan_seconds:.1f}",
            f"{each.yardstick_seconds:.1f}",
            f"{each.ratio:.2f}",
            f"{each.peak_bytes / 1e9:.2f}",
        )
        for each in measured
    ]
    header = ("plan", "cells to write", "seconds", "yardstick", "ratio", "peak GB")
    return Figures(f"{RECORDS:,} records, {len(FIELDS)} fields", header, rows)


if __name__ == "__main__":
    if sys.argv[1:]:
        _work(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(main())
