"""What providers recorded of the person's mail: each event once, who caused it, and why (C1)."""

from collections.abc import Collection, Mapping

from duckdb import DuckDBPyConnection

from orchestration.explain.reading import Row, few, place, read
from orchestration.explain.story import Event

_COLUMNS = """
    events.event_key, events.event_type, events.event_subtype, events.occurred_at,
    events.message_key, events.enrollment_id, events.recipient_email, events.source, events.url,
    events.link_kind, events.is_tracked_domain, events.ip, events.user_agent,
    events.is_other_recipient, events.source_place, events.delivery_count,
    actors.actor, actors.actor_rule, actors.is_proxy, rules.source as rule_words
"""

_BY_NUMBER = "belongs_to_number in (select keys.belongs_to_number from keys)"

#: A number may be several texts'; whose an event is, the texts say.
_EVENTS = f"""
with

keys as (

    select
        belongs_to,
        md5_number_lower(belongs_to) as belongs_to_number
    from (select unnest($keys::varchar[]) as belongs_to)

),

events as (

    select * from {few("intermediate.int_events__attached", _BY_NUMBER)}
    where
        message_key in (select keys.belongs_to from keys)
        or enrollment_id in (select keys.belongs_to from keys)
        or recipient_email in (select keys.belongs_to from keys)

),

actors as (

    from {few("intermediate.int_events__actors", _BY_NUMBER)}

)

select {_COLUMNS}
from events
left join actors on events.event_key = actors.event_key
left join intermediate.actor_rules as rules on actors.actor_rule = rules.rule_id
order by events.occurred_at, events.event_key
"""

_BY_KEY = "event_key in (select unnest($event_keys::varchar[]))"

_EVENTS_BY_KEY = f"""
select {_COLUMNS}
from {few("intermediate.int_events__attached", _BY_KEY)} as events
left join {few("intermediate.int_events__actors", _BY_KEY)} as actors
    on events.event_key = actors.event_key
left join intermediate.actor_rules as rules on actors.actor_rule = rules.rule_id
order by events.occurred_at, events.event_key
"""


def read_events(
    connection: DuckDBPyConnection,
    belongs_to: Collection[str],
    steps: Mapping[str, int | None],
    *,
    wants_no_tracking: bool,
) -> list[Event]:
    """Return the events of these messages, of enrollments beyond any message, and of addresses.

    `steps` are the step numbers of messages. Of somebody who wants no tracking, opens and clicks
    are not told (D9); following the unsubscribe link is an opt-out, and that is.
    """
    rows = read(connection, _EVENTS, keys=sorted(belongs_to))
    return _told(rows, steps, wants_no_tracking=wants_no_tracking)


def read_causes(
    connection: DuckDBPyConnection,
    event_keys: Collection[str],
    steps: Mapping[str, int | None],
    *,
    wants_no_tracking: bool,
) -> list[Event]:
    """Return events by key: what changed a status may be recorded under another's name."""
    if not event_keys:
        return []
    rows = read(connection, _EVENTS_BY_KEY, event_keys=sorted(event_keys))
    return _told(rows, steps, wants_no_tracking=wants_no_tracking)


def _told(
    rows: list[Row], steps: Mapping[str, int | None], *, wants_no_tracking: bool
) -> list[Event]:
    shown = (_without_tracking(row) if wants_no_tracking else row for row in rows)
    return [_event(row, steps) for row in shown if row]


def _without_tracking(row: Row) -> Row | None:
    """D9: leave out opens and clicks; C4: who follows the link opts out, but for a colleague."""
    if row["event_type"] not in {"opened", "clicked"}:
        return row
    if row["link_kind"] != "unsubscribe" or row["actor"] == "internal":
        return None
    left_out = ("actor", "actor_rule", "rule_words", "is_proxy", "url", "ip", "user_agent")
    return row | dict.fromkeys(left_out) | {"event_type": "unsubscribed", "event_subtype": "link"}


def _event(row: Row, steps: Mapping[str, int | None]) -> Event:
    message_key = row["message_key"]
    counts = {"opened": True, "clicked": row["is_tracked_domain"]}
    is_counted = counts.get(row["event_type"])
    return Event(
        at=row["occurred_at"],
        event_key=row["event_key"],
        event_type=row["event_type"],
        event_subtype=row["event_subtype"],
        message_key=message_key,
        enrollment_id=row["enrollment_id"],
        step_number=steps.get(message_key),
        recipient_email=row["recipient_email"],
        source=row["source"],
        actor=row["actor"],
        rule_id=row["actor_rule"],
        rule_words=row["rule_words"],
        is_proxy=row["is_proxy"],
        url=row["url"],
        link_kind=row["link_kind"],
        is_counted=is_counted and message_key is not None,
        ip=row["ip"],
        user_agent=row["user_agent"],
        is_other_recipient=row["is_other_recipient"],
        place=place(row["source_place"], row["delivery_count"]),
    )
