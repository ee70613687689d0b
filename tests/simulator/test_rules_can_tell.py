"""The logs alone, read by the rules of the contract, lead to the hidden truth (C1, C5, A10).

The rules are written here in the plainest way, sharing nothing with the simulator: where they
and the truth disagree, one of them is wrong.
"""

import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulator.world import World

Json = dict[str, Any]

SCANNER = re.compile(r"barracuda|proofpoint|mimecast|cisco ?secure|python-requests", re.IGNORECASE)
PROXIES = ("GoogleImageProxy", "YahooMailProxy")


def actor(event: Json, delivered_at: int, bursts: set[int]) -> str:
    """Judge an open or click by rules R01, R05, R06, R07, R08 and R09, in this order."""
    agent = event["useragent"]
    delay = event["timestamp"] - delivered_at
    is_open = event["event"] == "open"
    slow = 5 if not is_open or any(proxy in agent for proxy in PROXIES) else 2
    if event.get("sg_machine_open") or (is_open and agent == "Mozilla/5.0"):
        return "privacy"
    if not agent or SCANNER.search(agent) or delay <= slow or event["timestamp"] in bursts:
        return "machine"
    return "human"


def burst_seconds(clicks: list[Json]) -> set[int]:
    """Return the seconds in which, or next to which, three distinct links were clicked."""
    found: set[int] = set()
    for first in clicks:
        span = range(first["timestamp"], first["timestamp"] + 3)
        if len({each["url"] for each in clicks if each["timestamp"] in span}) >= 3:
            found.update(span)
    return found


def judged(world: World) -> dict[str, Json]:
    """Return opens and clicks per message as the rules see them."""
    by_message: dict[str, list[Json]] = defaultdict(list)
    for event in world.distinct_events():
        by_message[event.get("sg_message_id", "").split(".")[0]].append(event)
    found = {}
    for message in world.messages():
        events = by_message[message["provider_message_id"]]
        clicks = [event for event in events if event["event"] == "click"]
        opens = [event for event in events if event["event"] == "open"]
        delivered_at = min(
            (event["timestamp"] for event in events if event["event"] == "delivered"), default=0
        )
        bursts = burst_seconds(clicks)
        tracked = [each for each in clicks if each["url"].startswith("https://northlight.example/")]
        human = [each for each in tracked if actor(each, delivered_at, bursts) == "human"]
        first = min((each["timestamp"] for each in human), default=None)
        found[message["message_id"]] = {
            "open_count": len(opens),
            "recorded_human_opens": sum(
                actor(each, delivered_at, bursts) == "human" for each in opens
            ),
            "click_count": len(tracked),
            "human_click_count": len(human),
            "clicked_at": datetime.fromtimestamp(first, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            if first
            else None,
        }
    return found


def test_every_message_is_judged_as_it_really_was(world: World) -> None:
    found = judged(world)
    truth = {row["message_id"]: row for row in world.truth("messages")}
    assert found.keys() == truth.keys()
    for message_id, metrics in found.items():
        assert {key: truth[message_id][key] for key in metrics} == metrics, message_id


@pytest.mark.parametrize("kind", ["open", "click"])
def test_untracked_mail_leaves_no_trace(world: World, kind: str) -> None:
    """D2: nothing is recorded where tracking is off."""
    setting = {"open": "track_opens", "click": "track_clicks"}[kind]
    untracked = {
        message["provider_message_id"] for message in world.messages() if not message[setting]
    }
    assert untracked
    traced = {
        event["sg_message_id"].split(".")[0] for event in world.events() if event["event"] == kind
    }
    assert not traced & untracked


def test_distinct_events_are_as_many_as_counted(world: World) -> None:
    """A10: repeats share everything but, sometimes, their id."""
    counts = world.counts
    events = world.events()
    assert len(events) == counts["sendgrid_lines"] == world.report.events
    assert len(world.distinct_events()) == counts["sendgrid_distinct"]
    by_id = defaultdict(set)
    for event in events:
        by_id[event["sg_event_id"]].add(json.dumps(event, sort_keys=True))
    assert all(len(copies) == 1 for copies in by_id.values())
    assert len(by_id) == counts["sendgrid_distinct"] + counts["sendgrid_renamed"]
