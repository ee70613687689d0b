"""How fast opens and clicks are judged and summed up: `make bench-marts` prints a verdict.

The models of opens and clicks are built by dbt on ten million events. The yardstick is what an
analyst would type on the same events in the same run: one bare `group by message` with the
aggregates that `marts.messages` has, and one pass of window functions that sets each event among
those of its message. Like `marts.email_events` its table has all columns of the events; how long
it takes with keys alone is printed beside it. It knows no rule, no network, no link and no person.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection
from rich.console import Console
from rich.table import Table

from orchestration.landing.load import load
from orchestration.simulator.simulate import simulate
from orchestration.warehouse import Warehouse
from tests.dbt_command import run_dbt

#: Limit of the issue.
MOST_RATIO = 3.0

EVENTS = 10_000_000
PEOPLE, WEEKS, SEED = 90_000, 8, 4242

#: What the issue's models are made of, and those models.
INPUTS = (
    "+int_events__attached", "+int_inbound_events", "+int_messages__people",
    "+int_people__tracking_opt_outs", "stg_networks__lists",
)  # fmt: skip
MODELS = (
    "int_links__kinds", "int_messages__deliveries", "int_domains__mail_providers",
    "int_user_agents", "int_networks__named", "int_networks", "int_addresses__networks",
    "int_actor_rules", "int_messages__links", "int_events__shared_addresses",
    "int_events__link_scans", "int_events__clusters", "int_events__actors",
    "int_messages__tracking_opt_outs",
    "email_events", "message_links", "messages", "link_clicks", "open_click_discrepancies",
    "engagement_rates", "tracking_coverage",
)  # fmt: skip

#: Tables that are multiplied, and what makes a copy of a row another one's.
_COPIED = {
    "int_events__deduplicated": ("event_key",),
    "int_events__attached": ("event_key", "message_key", "enrollment_id", "source_place"),
    "int_messages__outbound": ("message_key", "message_id", "enrollment_id", "provider_message_id"),
}

#: Copies are other companies' people, at other times: else one address would serve ten of them.
_SHIFTED = {
    "recipient_email": "replace({}, '@', '@' || copy || '.')",
    "ip": "regexp_replace({}, '[.][0-9]+[.]', '.' || copy || '.')",
    "occurred_at": "{} + copy * interval 37 minutes",
    "sent_at": "{} + copy * interval 37 minutes",
}

_ACTORS = ("human", "machine", "unknown", "internal")
_COUNTS = ",\n    ".join(
    f"count(*) filter (event_type = '{event_type}' and actor = '{actor}') as {actor}_{event_type}"
    for event_type in ("opened", "clicked")
    for actor in _ACTORS
)

#: The first event of each kind, told by the smallest text of moment and key.
_KEY = "strftime(occurred_at, '%Y%m%d%H%M%S%f') || ' ' || event_key"
_EVIDENCE = ",\n    ".join(
    f"min({_KEY}) filter ({condition}) as evidence_{number}"
    for number, condition in enumerate(
        (
            "event_type = 'opened' and actor = 'human'",
            "event_type = 'clicked' and actor = 'human'",
            "event_type = 'replied'",
            "event_type = 'opened' and actor != 'human'",
            "event_type = 'clicked' and actor != 'human'",
        )
    )
)

_GROUP_BY = f"""
create table yardstick_messages as
select
    message_key,
    count(*) filter (event_type = 'opened') as open_count,
    count(*) filter (event_type = 'clicked' and is_tracked_domain) as click_count,
    {_COUNTS},
    count(*) filter (event_type = 'opened' and actor_rule like 'R0%') as proxy_open_count,
    min(occurred_at) filter (event_type = 'opened') as first_opened_at,
    max(occurred_at) filter (event_type = 'opened') as last_opened_at,
    min(occurred_at) filter (event_type = 'clicked' and actor = 'human') as clicked_at,
    count(distinct url) filter (event_type = 'clicked' and actor = 'human') as distinct_link_count,
    min(occurred_at) filter (event_type = 'delivered') as delivered_at,
    min(occurred_at) filter (event_type = 'replied') as replied_at,
    min(occurred_at) filter (event_type = 'bounced') as bounced_at,
    min(occurred_at) filter (event_type = 'unsubscribed') as unsubscribed_at,
    min(occurred_at) filter (event_type = 'complained') as complained_at,
    {_EVIDENCE}
from marts.email_events
where message_key is not null
group by message_key
"""

_WINDOWS = """
create table {table} as
select
    {columns},
    lag(occurred_at) over in_message as previous_at,
    row_number() over in_message as position,
    count(*) over (
        partition by message_key order by occurred_at
        range between interval 60 seconds preceding and current row
    ) as events_in_a_minute
from marts.email_events
window in_message as (partition by message_key order by occurred_at, event_key)
"""


def main() -> int:
    """Build the models on ten million events beside the yardstick; say whether that is enough."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warehouse = Warehouse(folder / "warehouse.duckdb")
        console.print(f"Simulating and loading a team of {PEOPLE:,} people …")
        simulate(PEOPLE, WEEKS, SEED, folder / "team")
        load(warehouse, folder / "team" / "landing")
        console.print("Building what the models are made of …")
        run_dbt(
            warehouse.path, "build", "--exclude-resource-type=test",
            "--exclude-resource-type=unit_test", "--select", *INPUTS, "resource_type:seed",
        )  # fmt: skip
        with warehouse.connect() as connection:
            events = _multiply(connection)
        console.print(f"Building the models on {events:,} events …")
        models = run_dbt(warehouse.path, "run", "--select", *MODELS)
        with warehouse.connect() as connection:
            group_by = _timed(connection, _GROUP_BY)
            windows, narrow = (
                _timed(connection, _WINDOWS.format(table=f"yardstick_{name}", columns=columns))
                for name, columns in (("events", "*"), ("keys", "event_key, message_key"))
            )
    built = _span(models)
    ratio = built / (group_by + windows)
    console.print(_figures(models, built, group_by, windows))
    console.print(
        f"with keys alone the window pass takes {narrow:.1f} s: "
        f"{built / (group_by + narrow):.2f} times"
    )
    verdict = "ok" if ratio <= MOST_RATIO else "short"
    console.print(
        f"bench-marts: {ratio:.2f} times a bare group by and a window pass (limit {MOST_RATIO:g}) "
        f"{verdict}"
    )
    return 0 if ratio <= MOST_RATIO else 1


def _multiply(connection: DuckDBPyConnection) -> int:
    """Let the team have as many people as ten million events take; return how many there are."""
    table = "intermediate.int_events__attached"
    ((events,),) = connection.execute(f"select count(*) from {table}").fetchall()
    copies = -(-EVENTS // events)
    for name, keys in _COPIED.items():
        changed = [f"{key} || '-' || copy as {key}" for key in keys]
        changed += [
            f"{change.format(column)} as {column}"
            for column, change in _SHIFTED.items()
            if column in _columns(connection, name)
        ]
        connection.execute(
            f"create or replace table intermediate.{name} as "
            f"select * exclude (copy) replace ({', '.join(changed)}) "
            f"from intermediate.{name} cross join range({copies}) as copies (copy)"
        )
    ((events,),) = connection.execute(f"select count(*) from {table}").fetchall()
    return int(events)


def _columns(connection: DuckDBPyConnection, table: str) -> set[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() "
        "where schema_name = 'intermediate' and table_name = ?",
        [table],
    ).fetchall()
    return {name for (name,) in rows}


def _timed(connection: DuckDBPyConnection, statement: str) -> float:
    begun = time.perf_counter()
    connection.execute(statement)
    return time.perf_counter() - begun


def _seconds(result: dict[str, Any]) -> tuple[float, float]:
    """Return when a model began and ended, in seconds since 1970."""
    (timing,) = (each for each in result["timing"] if each["name"] == "execute")
    begun, ended = (
        datetime.fromisoformat(timing[name].replace("Z", "+00:00")).timestamp()
        for name in ("started_at", "completed_at")
    )
    return begun, ended


def _span(results: Sequence[dict[str, Any]]) -> float:
    """Return the seconds from the first model's beginning to the last one's end."""
    spans = [_seconds(result) for result in results]
    return max(ended for _, ended in spans) - min(begun for begun, _ in spans)


def _figures(
    models: Sequence[dict[str, Any]], built: float, group_by: float, windows: float
) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("what")
    table.add_column("seconds", justify="right")
    for result in sorted(models, key=_seconds):
        begun, ended = _seconds(result)
        table.add_row(f"  {result['unique_id'].rpartition('.')[2]}", f"{ended - begun:.1f}")
    table.add_row("all models, by the clock", f"{built:.1f}")
    table.add_row("yardstick: group by message", f"{group_by:.1f}")
    table.add_row("yardstick: window functions", f"{windows:.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
