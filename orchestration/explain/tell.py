"""One person's story from raw events to ledger (L5), read from the published copy."""

from collections.abc import Iterable
from datetime import datetime

import duckdb
from duckdb import DuckDBPyConnection

from orchestration.explain.crm_facts import read_crm_facts
from orchestration.explain.events import read_causes, read_events
from orchestration.explain.identity import find_person
from orchestration.explain.messages import read_messages
from orchestration.explain.people import Keys, describe
from orchestration.explain.replies import read_replies
from orchestration.explain.statuses import Statuses, changes, enrollments_as_of, read_statuses
from orchestration.explain.story import (
    KINDS,
    Attempt,
    Entry,
    Event,
    Person,
    Planned,
    Reply,
    Story,
    Value,
)
from orchestration.explain.written import (
    read_writeback,
    tracking_fields,
    values_now,
    values_planned,
)
from orchestration.writeback.mapping import Mapping

_ORDER = {kind: place for place, kind in enumerate(KINDS)}

_LOADED_UNTIL = "select max(loaded_at) from raw.loads"


class NotExplainableError(RuntimeError):
    """The read copy cannot tell stories; the message says how to get one that can."""


def explain(
    connection: DuckDBPyConnection,
    mapping: Mapping,
    asked: str,
    as_of: datetime | None = None,
) -> Story:
    """Return the story of the person that an address, a record id or an enrollment id leads to.

    As of a past moment it ends there: what had happened by then, by the time at which it
    happened, whenever it was loaded; plans and what was sent by the time of the plan and the
    sending. Who the person is, and that they want no tracking, is always as of now.

    Raises:
        UnknownPersonError: it leads to nobody.
        NotExplainableError: the marts are not built, or by an older version.
    """
    try:
        return _explain(connection, mapping, asked, as_of)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        reason = str(error).splitlines()[0]
        raise NotExplainableError(
            f"The read copy does not have what a story needs: it is of a run that ended early, or "
            f"of an older Touchline. Run `touchline run`. ({reason})"
        ) from error


def _explain(
    connection: DuckDBPyConnection, mapping: Mapping, asked: str, as_of: datetime | None
) -> Story:
    person, keys = describe(connection, find_person(connection, asked))
    statuses = read_statuses(connection, keys)
    happened = _happened(connection, person, keys, statuses, is_now=as_of is None)
    hidden = tracking_fields(mapping) if person.wants_no_tracking else set()
    plans, attempts = read_writeback(connection, keys, hidden)
    facts = read_crm_facts(connection, keys)
    timeline = [
        entry
        for entry in [*happened, *facts, *plans, *attempts]
        if as_of is None or entry.at <= as_of
    ]
    ((loaded_until,),) = connection.execute(_LOADED_UNTIL).fetchall()
    return Story(
        asked=asked,
        as_of=as_of,
        loaded_until=loaded_until,
        person=person,
        enrollments=enrollments_as_of(statuses, as_of),
        values=_values(connection, mapping, person, (plans, attempts), as_of),
        timeline=tuple(sorted(timeline, key=lambda entry: (entry.at, _ORDER[type(entry)]))),
    )


def _values(
    connection: DuckDBPyConnection,
    mapping: Mapping,
    person: Person,
    writeback: tuple[list[Planned], list[Attempt]],
    as_of: datetime | None,
) -> tuple[Value, ...]:
    plans, attempts = writeback
    if person.crm_id is None or person.crm_object is None:
        return ()
    if as_of is None:
        return values_now(connection, mapping, person.crm_object, person.crm_id, plans, attempts)
    return values_planned(
        person.crm_id,
        [plan for plan in plans if plan.at <= as_of],
        [attempt for attempt in attempts if attempt.at <= as_of],
    )


def _happened(
    connection: DuckDBPyConnection,
    person: Person,
    keys: Keys,
    statuses: Statuses,
    *,
    is_now: bool,
) -> list[Entry]:
    """Return the mail of a person, what was recorded of it, and what it did to enrollments."""
    messages = read_messages(connection, keys, statuses.sequences(), is_now=is_now)
    steps = {message.message_key: message.step_number for message in messages}
    tracking = {"wants_no_tracking": person.wants_no_tracking}
    belongs_to = {*steps, *keys.enrollments, *keys.own_emails}
    events = read_events(connection, belongs_to, steps, **tracking)
    causes = statuses.causes()
    replies = read_replies(connection, keys, steps, causes)
    events += read_causes(connection, causes - _keys(events) - _keys(replies), steps, **tracking)
    by_key = {event.event_key: event for event in _both(events, replies)}
    return [*messages, *events, *replies, *changes(statuses, by_key, messages)]


def _both(events: list[Event], replies: list[Reply]) -> Iterable[Event | Reply]:
    yield from events
    yield from replies


def _keys(events: Iterable[Event | Reply]) -> set[str]:
    return {event.event_key for event in events}
