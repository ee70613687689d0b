"""The what-if of C1: how the headline metrics would move if an actor rule were another one."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration.rule_changes import PARAMETERS, Rule, Value, parse_changes
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

#: What depends on the rules, up to the rates; all they are made of is read from the published copy.
MODELS = (
    "int_actor_rules",
    "int_events__shared_addresses",
    "int_events__link_scans",
    "int_events__clusters",
    "int_events__actors",
    "email_events",
    "message_links",
    "messages",
    "engagement_rates",
)

_COUNTS = ("open_tracked_count", "opened_count", "click_tracked_count", "clicked_count")

_RATES = f"""
select
    before.slice_value, names.sequence_name,
    {", ".join(f"before.{name}, after.{name}" for name in _COUNTS)}
from published.marts.engagement_rates as before
inner join marts.engagement_rates as after using (slice, slice_value)
left join (
    select sequence_id, max(sequence_name) as sequence_name
    from published.marts.enrollments
    group by sequence_id
) as names on names.sequence_id = before.slice_value
where before.slice in ('all', 'sequence')
order by before.slice, names.sequence_name, before.slice_value
"""

_MOVES = """
select
    before.event_type, before.actor_rule, before.actor, after.actor_rule, after.actor,
    count(*) as events
from published.marts.email_events as before
inner join intermediate.int_events__actors as after using (event_key)
where before.actor_rule != after.actor_rule or before.actor != after.actor
group by all
order by events desc, before.event_type, before.actor_rule, after.actor_rule
"""

_CLASSES = """
select count(*)
from published.marts.messages as before
inner join marts.messages as after using (message_key)
where before.discrepancy_class != after.discrepancy_class
"""


_DECISIONS = """
select actor_rule, event_type, count(*)
from marts.email_events
where event_type in ('opened', 'clicked')
group by actor_rule, event_type
"""


class WhatIfError(RuntimeError):
    """The changed models could not be built; the message names dbt's words."""


@dataclass(frozen=True)
class Rates:
    """Messages of a slice that a person opened or clicked, before and after the change."""

    sequence_id: str | None
    sequence_name: str
    open_tracked: tuple[int, int]
    opened: tuple[int, int]
    click_tracked: tuple[int, int]
    clicked: tuple[int, int]


@dataclass(frozen=True)
class Move:
    """How many opens or clicks one rule would decide in place of another."""

    event_type: str
    rule_before: str
    actor_before: str
    rule_after: str
    actor_after: str
    events: int


@dataclass(frozen=True)
class Comparison:
    """What a change would do: rates of all and per sequence, events and messages that move."""

    changes: Mapping[str, Mapping[str, Value]]
    rates: tuple[Rates, ...]
    moves: tuple[Move, ...]
    reclassified_messages: int


def read_rules(settings: Settings) -> list[Rule]:
    """Return the rules as the last run used them.

    Raises:
        NoWarehouseError: nothing has been published yet.
    """
    columns = ", ".join(PARAMETERS)
    with Warehouse(settings.published).connect(read_only=True) as connection:
        rows = connection.execute(
            f"select rule_id, {columns} from intermediate.actor_rules order by priority"
        ).fetchall()
    return [Rule(rule_id, dict(zip(PARAMETERS, values, strict=True))) for rule_id, *values in rows]


def read_decisions(settings: Settings) -> dict[str, dict[str, int]]:
    """Return how many opens and clicks each rule decided in the last run, by rule.

    Raises:
        NoWarehouseError: nothing has been published yet.
    """
    decisions: dict[str, dict[str, int]] = {}
    with Warehouse(settings.published).connect(read_only=True) as connection:
        rows = connection.execute(_DECISIONS).fetchall()
    for rule_id, event_type, events in rows:
        decisions.setdefault(rule_id, {})[event_type] = events
    return decisions


def compare(settings: Settings, texts: Iterable[str]) -> Comparison:
    """Build what the rules decide anew with some changes, and hold it against the published copy.

    Neither the warehouse nor the published copy is touched or locked: a sync may be at work.

    Raises:
        RuleChangeError: a change is none that a rule can take.
        NoWarehouseError: nothing has been published yet.
        WhatIfError: dbt could not build the changed models.
    """
    changes = parse_changes(texts, read_rules(settings))
    with tempfile.TemporaryDirectory(prefix=".what-if-", dir=settings.data) as name:
        # A run that publishes meanwhile puts another file in its place; this one stays as it is.
        published, scratch = Path(name) / "published.duckdb", Path(name) / "what_if.duckdb"
        os.link(settings.published, published)
        _build(replace(settings, published=published), scratch, changes)
        with duckdb.connect(str(scratch), read_only=True) as connection:
            attached = str(published).replace("'", "''")
            connection.execute(f"attach '{attached}' as published (read_only)")
            return _compared(connection, changes)


def _build(settings: Settings, scratch: Path, changes: Mapping[str, Any]) -> None:
    # Dagster takes seconds to import: not before the changes are known to be good.
    from orchestration.resources import dbt_command, dbt_project

    settings.export_what_if(scratch)
    state = dbt_project(settings).manifest_path.parent
    build = dbt_command(settings).cli(
        [
            *("--quiet", "run", "--target", "what_if", "--select", " ".join(MODELS)),
            *("--defer", "--favor-state", "--state", str(state)),
            *("--vars", json.dumps({"actor_rule_changes": changes})),
        ],
        target_path=scratch.parent / "target",
        raise_on_error=False,
    )
    build.wait()
    if error := build.get_error():
        raise WhatIfError(f"dbt could not build the models with this change: {error}")


def _compared(connection: duckdb.DuckDBPyConnection, changes: Mapping[str, Any]) -> Comparison:
    rates = tuple(
        Rates(
            None if slice_value == "all" else slice_value,
            "all" if slice_value == "all" else name or slice_value,
            *zip(counts[::2], counts[1::2], strict=True),
        )
        for slice_value, name, *counts in connection.execute(_RATES).fetchall()
    )
    moves = tuple(Move(*row) for row in connection.execute(_MOVES).fetchall())
    ((reclassified,),) = connection.execute(_CLASSES).fetchall()
    return Comparison(changes, rates, moves, reclassified)
