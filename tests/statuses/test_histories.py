"""Which status holds when several apply, whatever order they come in (F2, F5, A10)."""

from datetime import datetime
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.statuses.lives import (
    CAUSES,
    CREATED_AT,
    ORDER,
    SOURCES,
    Json,
    Life,
    after,
    build_histories,
)
from tests.statuses.models import Models

PAIRS = list(combinations(ORDER, 2))
ENDS_ONCE = "an enrollment ends once: what ended it otherwise is not completed"
#: Pairs that no enrollment's facts ever hold at once, and why.
NEVER_MEET = {
    ("bounce_stopped", "completed"): ENDS_ONCE,
    ("excluded", "completed"): ENDS_ONCE,
    ("canceled", "completed"): ENDS_ONCE,
    ("bounced", "bounce_stopped"): "bounce_stopped is an end by bounces none of which was hard",
}
MEETING = [pair for pair in PAIRS if pair not in NEVER_MEET]
#: Dated by the one end of the platform's record, which the stronger explains from then on.
ENDS = {"bounce_stopped", "excluded", "canceled"}
FIRST, SECOND, LATER = after(10), after(20), after(30)
#: What can come to an end again: an absence is over, a platform takes its word back.
PASSING = ("excluded", "canceled", "completed", "blocked", "paused")
LASTING = ("do_not_contact", "unsubscribed")

pytestmark = pytest.mark.slow

Spans = list[tuple[str, datetime, datetime | None]]


@pytest.fixture(scope="module")
def met(compiled: Path) -> dict[str, Spans]:
    """Return the histories of all pairs that can meet, in both orders and at once."""
    lives = []
    for strong, weak in MEETING:
        for name, moments in (
            ("strong first", ((strong, FIRST), (weak, SECOND))),
            ("weak first", ((weak, FIRST), (strong, SECOND))),
            ("at once", ((weak, FIRST), (strong, FIRST))),
        ):
            life = Life(f"{strong}, {weak}, {name}")
            for status, at in moments:
                CAUSES[status](life, at)
            lives.append(life)
    models = Models(compiled)
    build_histories(
        models, {name: [r for life in lives for r in life.rows[name]] for name in SOURCES}
    )
    return histories(models)


def histories(models: Models) -> dict[str, Spans]:
    found: dict[str, Spans] = {}
    columns = "enrollment_id, valid_from, valid_to, status"
    for enrollment_id, begin, end, status in models.rows("enrollment_status_history", columns):
        found.setdefault(enrollment_id, []).append((status, begin, end))
    return found


def status_at(spans: Spans, at: datetime) -> str:
    (status,) = [each for each, begin, end in spans if begin <= at and (end is None or at < end)]
    return status


def test_every_pair_of_statuses_is_tested_or_known_never_to_meet() -> None:
    assert len(PAIRS) == 66
    assert set(NEVER_MEET) <= set(PAIRS)
    assert len(MEETING) == 62


@pytest.mark.parametrize("pair", MEETING, ids=" over ".join)
def test_f2_the_stronger_of_two_statuses_holds_whichever_came_first(
    met: dict[str, Spans], pair: tuple[str, str]
) -> None:
    strong, weak = pair
    for name in ("strong first", "weak first", "at once"):
        spans = met[f"{strong}, {weak}, {name}"]
        assert status_at(spans, LATER) == strong
        assert spans[-1][2] is None
    assert status_at(met[f"{strong}, {weak}, strong first"], FIRST) == strong
    if not {strong, weak} <= ENDS:
        assert status_at(met[f"{strong}, {weak}, weak first"], FIRST) == weak


@pytest.mark.parametrize("pair", list(NEVER_MEET), ids=" and ".join)
def test_statuses_that_never_meet_are_told_as_one(compiled: Path, pair: tuple[str, str]) -> None:
    """Whatever the platform says later; no fact of the weaker one is left beside the other's."""
    strong, weak = pair
    life = Life("e1")
    for status, at in ((strong, FIRST), (weak, SECOND)):
        CAUSES[status](life, at)
    models = Models(compiled)
    build_histories(models, life.rows)
    facts = models.rows("int_enrollments__status_facts", "status")
    assert (strong,) in facts
    assert (weak,) not in facts
    assert status_at(histories(models)["e1"], LATER) == strong


def facts() -> st.SearchStrategy[list[Json]]:
    """Facts about one enrollment in whatever order; it is queued from the beginning on."""
    minutes = st.integers(0, 12)
    reasons = st.sampled_from(["one", "other"])
    passing = st.tuples(st.sampled_from(PASSING), reasons, minutes, minutes | st.none())
    staying = st.tuples(st.sampled_from(ORDER), reasons, minutes, st.none())
    return st.lists(passing | staying, max_size=8).map(
        lambda drawn: [
            {
                "enrollment_id": "e1",
                "status": status,
                "reason": reason,
                "caused_by": "platform",
                "starts_at": after(start),
                "ends_at": None if length is None else after(start + length + 1),
            }
            for status, reason, start, length in [("queued", "one", 0, None), *drawn]
        ]
    )


def replay(facts: list[Json]) -> Spans:
    """Return the history by the plainest reading of F2: minute by minute, the strongest holds."""
    spans: Spans = []
    for minute in range(30):
        at = after(minute)
        status = min(
            (
                fact["status"]
                for fact in facts
                if fact["starts_at"] <= at and (fact["ends_at"] is None or at < fact["ends_at"])
            ),
            key=ORDER.index,
        )
        if not spans or spans[-1][0] != status:
            spans = [*((s, b, at if e is None else e) for s, b, e in spans), (status, at, None)]
    return spans


def told_history(models: Models) -> list[tuple[Any, ...]]:
    return models.rows(
        "enrollment_status_history",
        "enrollment_id, valid_from, valid_to, status, status_reason, caused_by, event_key, "
        "message_key, previous_status, reason_chain",
    )


@given(facts(), st.randoms(use_true_random=False))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_f5_any_facts_in_any_order_are_replayed_to_the_same_history(
    models: Models, facts: list[Json], chance: Random
) -> None:
    models.seed("status_precedence")
    told = []
    for order in (facts, chance.sample(facts, len(facts))):
        models.fill("int_enrollments__status_facts", order)
        models.build("enrollment_status_history")
        told.append(told_history(models))
    assert told[0] == told[1]
    found = histories(models)["e1"]
    assert merged(found) == replay(facts)
    opted_out = [number for number, (status, *_) in enumerate(found) if status in LASTING]
    assert all(status in LASTING for status, *_ in found[min(opted_out, default=len(found)) :])


def merged(spans: Spans) -> Spans:
    """Return the spans without those that only change the reason; they meet without a gap."""
    assert [end for _, _, end in spans[:-1]] == [begin for _, begin, _ in spans[1:]]
    kept: Spans = []
    for status, begin, end in spans:
        if kept and kept[-1][0] == status:
            kept[-1] = (status, kept[-1][1], end)
        else:
            kept.append((status, begin, end))
    return kept


LIVES = st.lists(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(ORDER)), max_size=6),
    min_size=3,
    max_size=3,
)


@given(LIVES, st.randoms(use_true_random=False))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a10_any_order_of_rows_and_repeated_exports_give_the_same_history(
    models: Models, lives: list[list[tuple[int, str]]], chance: Random
) -> None:
    rows: dict[str, list[Json]] = {name: [] for name in SOURCES}
    for number, moments in enumerate(lives):
        life = Life(f"e{number}")
        for minute, status in sorted(moments):
            CAUSES[status](life, after(minute))
        life.event("int_inbound_events", "auto_replied", after(6), reply_class="OOO")
        for name in SOURCES:
            rows[name] += life.rows[name]
    build_histories(models, rows)
    told = told_history(models)
    exports = rows["int_sequences__enrollments"]
    again = [export | {"loaded_at": after(99)} for export in chance.sample(exports, 2)]
    shuffled = {name: chance.sample(rows[name], len(rows[name])) for name in SOURCES}
    shuffled["int_sequences__enrollments"] += again
    build_histories(models, shuffled)
    assert told_history(models) == told
    assert all(begin >= CREATED_AT for _, begin, *_ in told)
