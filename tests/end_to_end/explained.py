"""Holding what `explain` tells of people against what the marts say of them."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from jsonschema import Draft202012Validator

from orchestration.explain.document import as_document
from orchestration.explain.story import (
    Attempt,
    Enrollment,
    Event,
    Planned,
    Reply,
    Sent,
    Story,
)
from orchestration.explain.tell import explain
from orchestration.landing.formats import FORMATS
from orchestration.writeback.mapping import load_mapping

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "explain.schema.json"

MAPPING = load_mapping()

TRACKED = {
    f"Touchline_{name}__c"
    for name in (
        "Open_Count", "Human_Open_Count", "Click_Count", "Human_Click_Count", "Clicked_At",
    )
}  # fmt: skip

_PEOPLE = """
select distinct
    matches.person_key,
    matches.crm_id is null or opt_outs.crm_id is not null as is_special
from intermediate.int_people__crm_matches as matches
left join intermediate.int_people__tracking_opt_outs as opt_outs on matches.crm_id = opt_outs.crm_id
order by matches.person_key
"""

#: Whose an event is, as the marts have it: that of its message, else of its enrollment.
_EVENTS = """
select
    coalesce(message_people.crm_id, message_people.person_email, people.person_key) as person_key,
    events.event_key, events.event_type, events.event_subtype, events.occurred_at, events.actor,
    events.actor_rule
from marts.email_events as events
left join intermediate.int_messages__people as message_people
    on events.message_key = message_people.message_key
left join intermediate.int_enrollments__people as people
    on events.enrollment_id = people.enrollment_id
where
    (events.source, events.event_type) not in (('sequences', 'sent'), ('mailboxes', 'sent'))
    and (events.event_type not in ('opened', 'clicked') or not exists (
        select 1 from intermediate.int_people__tracking_opt_outs as opt_outs
        where opt_outs.crm_id = coalesce(message_people.crm_id, people.crm_id)
    ))
"""

_COUNTS = """
select
    message_key, {columns}
from marts.messages
where not has_tracking_opt_out
"""

_COUNTED = {
    f"{actor}_{name}_count": (event_type, actor)
    for name, event_type in (("open", "opened"), ("click", "clicked"))
    for actor in ("human", "machine", "unknown", "internal")
}


@dataclass(frozen=True)
class Copy:
    """A read copy, and the stories of some of its people by what identifies them."""

    connection: DuckDBPyConnection
    stories: dict[str, Story]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the copy."""
        return self.connection.execute(sql, list(values)).fetchall()


def stories_of(connection: DuckDBPyConnection, *, every: int) -> dict[str, Story]:
    """Return the stories of every so many-th person, and of all without record or tracking."""
    people = connection.execute(_PEOPLE).fetchall()
    asked = [
        key for place, (key, is_special) in enumerate(people) if is_special or place % every == 0
    ]
    told = (explain(connection, MAPPING, key) for key in asked)
    return {story.person.crm_id or key: story for key, story in zip(asked, told, strict=True)}


def disagreements(copy: Copy) -> dict[str, list[Any]]:
    """Return, per kind of claim, those on which the stories and the marts differ."""
    return {
        "statuses": sorted(set(_statuses(copy)) ^ set(_told_statuses(copy))),
        "events": sorted(set(_events(copy)) ^ set(_told_events(copy)), key=repr),
        "counts": list(_counts(copy)),
        "replies": sorted(set(_replies(copy)) ^ set(_told_replies(copy)), key=repr),
        "values": list(_values(copy)),
        "written": list(_written(copy)),
        "documents": list(_broken_documents(copy)),
        "tracked": list(_tracked(copy)),
        "places": list(_misplaced(copy)),
    }


#: What perfect agreement looks like.
NONE: dict[str, list[Any]] = {
    name: []
    for name in (
        "statuses",
        "events",
        "counts",
        "replies",
        "values",
        "written",
        "documents",
        "tracked",
        "places",
    )
}


def _statuses(copy: Copy) -> Iterator[tuple[Any, ...]]:
    for row in copy.rows(
        "select coalesce(people.crm_id, people.person_key), enrollments.enrollment_id, "
        "enrollments.status, enrollments.status_reason, enrollments.status_at "
        "from marts.enrollments as enrollments "
        "inner join intermediate.int_enrollments__people as people using (enrollment_id)"
    ):
        if row[0] in copy.stories:
            yield row


def _told_statuses(copy: Copy) -> Iterator[tuple[Any, ...]]:
    for key, story in copy.stories.items():
        for each in story.enrollments:
            yield key, each.enrollment_id, each.status, each.reason, each.since


def _events(copy: Copy) -> Iterator[tuple[Any, ...]]:
    return (row for row in copy.rows(_EVENTS) if row[0] in copy.stories)


def _told_events(copy: Copy) -> Iterator[tuple[Any, ...]]:
    """Leave out what belongs to no message and no enrollment: the marts say it is nobody's."""
    for key, story in copy.stories.items():
        for each in story.events():
            is_own = each.message_key is not None or each.enrollment_id is not None
            if is_own and not (isinstance(each, Event) and each.event_subtype == "link"):
                actor, rule = (
                    (each.actor, each.rule_id)
                    if isinstance(each, Event)
                    else ("machine" if each.is_automated else "human", each.classified_by)
                )
                yield (
                    key, each.event_key, each.event_type, each.event_subtype, each.at, actor, rule,
                )  # fmt: skip


def _counts(copy: Copy) -> Iterator[tuple[Any, ...]]:
    """Yield messages whose opens and clicks by actor differ from marts.messages."""
    counted = {
        key: dict(zip(_COUNTED.values(), counts, strict=True))
        for key, *counts in copy.rows(_COUNTS.format(columns=", ".join(_COUNTED)))
    }
    for story in copy.stories.values():
        told: Counter[tuple[str | None, str, str | None]] = Counter(
            (event.message_key, event.event_type, event.actor)
            for event in story.timeline
            if isinstance(event, Event) and event.is_counted
        )
        for message in story.timeline:
            if isinstance(message, Sent):
                for (event_type, actor), count in counted.get(message.message_key, {}).items():
                    if told[message.message_key, event_type, actor] != count:
                        yield message.message_key, event_type, actor


def _replies(copy: Copy) -> Iterator[tuple[Any, ...]]:
    of_enrollments = copy.rows(
        "select people.person_key, replies.reply_key, replies.match, replies.reply_class, "
        "replies.classified_by, replies.is_automated, replies.received_at from marts.replies "
        "as replies inner join intermediate.int_enrollments__people as people using (enrollment_id)"
    )
    return (row for row in of_enrollments if row[0] in copy.stories)


def _told_replies(copy: Copy) -> Iterator[tuple[Any, ...]]:
    for key, story in copy.stories.items():
        for each in story.timeline:
            if isinstance(each, Reply) and each.enrollment_id:
                yield (
                    key, each.reply_key, each.match, each.reply_class, each.classified_by,
                    each.is_automated, each.at,
                )  # fmt: skip


def _values(copy: Copy) -> Iterator[tuple[Any, ...]]:
    """Yield fields whose value is not the newest plan's: nothing moved since it was made."""
    planned = {
        (record, field): value
        for record, field, value in copy.rows(
            "select record_id, field, new_value from writeback.changes "
            "where plan_id = (select max(plan_id) from writeback.plans)"
        )
    }
    for key, story in copy.stories.items():
        for value in story.values:
            if planned.get((key, value.field)) != value.value:
                yield key, value.field, value.value, planned.get((key, value.field))


def _written(copy: Copy) -> Iterator[tuple[Any, ...]]:
    """Yield records whose planned cells are not what the ledger says was written."""
    in_ledger = dict(
        copy.rows("select record_id, new_values from writeback.ledger where outcome = 'written'")
    )
    for key, story in copy.stories.items():
        if story.person.wants_no_tracking:
            continue
        cells = {
            cell.field: cell.new_value
            for plan in story.timeline
            if isinstance(plan, Planned)
            for cell in plan.cells
            if cell.decision == "write"
        }
        sent = [each.new_values for each in story.timeline if isinstance(each, Attempt)]
        expected = json.loads(in_ledger[key]) if key in in_ledger else None
        if (cells or None, sent[0] if sent else None) != (expected, expected):
            yield key, cells, sent, expected


def _broken_documents(copy: Copy) -> Iterator[str]:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for key, story in copy.stories.items():
        document = json.loads(json.dumps(as_document(story)))
        yield from (f"{key}: {error.message}" for error in validator.iter_errors(document))


def _tracked(copy: Copy) -> Iterator[tuple[str, object]]:
    """D9: yield opens, clicks and figures about them that are told of who wants no tracking."""
    watched = {key: story for key, story in copy.stories.items() if story.person.wants_no_tracking}
    if not watched:
        yield "nobody", "wants no tracking: nothing was tested"
    for key, story in watched.items():
        yield from ((key, v.field) for v in story.values if v.field in TRACKED and v.value)
        for each in story.timeline:
            match each:
                case Event(event_type="opened" | "clicked"):
                    yield key, each
                case Planned() if TRACKED & {cell.field for cell in each.cells}:
                    yield key, each
                case Attempt() if TRACKED & set(each.new_values):
                    yield key, each


def _misplaced(copy: Copy) -> Iterator[tuple[str, object]]:
    """Yield what is not said of its person by the raw record at the file and line that it names."""
    records: dict[tuple[str, int | None], list[str]] = defaultdict(list)
    for table in (each.table for each in FORMATS):
        for file, line, payload in copy.rows(f"select file, line, lower(payload) from {table}"):
            records[file, line].append(payload)
    for key, story in copy.stories.items():
        for each in (*story.enrollments, *story.timeline):
            match each:
                case Sent() | Event():
                    said = each.recipient_email
                case Reply():
                    said = each.sender_email
                case Enrollment():
                    said = each.enrollment_id
                case _:
                    continue
            found = records[each.place.file, each.place.line] if each.place else []
            if not any((said or "").lower() in record for record in found):
                yield key, each


def disagreements_as_of(copy: Copy, moments: int, seed: int) -> list[Any]:
    """Return what differs from the status history at random moments; nothing later may be told."""
    chance = random.Random(seed)
    found: list[Any] = []
    keys = sorted(copy.stories)
    for _ in range(moments):
        key = chance.choice(keys)
        timeline = copy.stories[key].timeline
        # What happened at the very moment is told, too.
        moment = chance.choice(timeline).at
        story = explain(copy.connection, MAPPING, key, moment)
        ids = [each.enrollment_id for each in copy.stories[key].enrollments]
        history = copy.rows(
            "select enrollment_id, status, status_reason from marts.enrollment_status_history "
            "where list_contains(?, enrollment_id) and valid_from <= ? "
            "and (valid_to is null or valid_to > ?)",
            ids, moment, moment,
        )  # fmt: skip
        told = [(each.enrollment_id, each.status, each.reason) for each in story.enrollments]
        if sorted(told) != sorted(history):
            found.append((key, moment, told, history))
        until_then = [type(each) for each in timeline if each.at <= moment]
        if [type(each) for each in story.timeline] != until_then:
            found.append((key, moment, "the timeline"))
    return found


@contextmanager
def read(copy: Path, *, every: int) -> Iterator[Copy]:
    """Open a read copy and tell the stories of some of its people."""
    with duckdb.connect(str(copy), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield Copy(connection, stories_of(connection, every=every))
