"""Other habits bring about what typical people and scanners never do, and the truth says so."""

import json
import pickle
from collections import Counter, defaultdict
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from orchestration.simulator.habits import TYPICAL, Habits
from orchestration.simulator.networks import CLOUD_NETWORK, OWN_NETWORK, SHARED_ADDRESSES
from orchestration.simulator.person import Gateway, Reader
from orchestration.simulator.simulate import simulate
from tests.simulator.world import World

Json = dict[str, Any]

RARE = tuple(gateway for gateway in Gateway if gateway not in dict(TYPICAL.gateways))
ALONE = ((Gateway.NONE, 1.0),)
LIVELY = Habits(
    gateways=((Gateway.NONE, 0.3), *((gateway, 0.1) for gateway in RARE)),
    read_share=0.7,
    click_share=0.5,
    patient_hours=3,
    fast_share=0.2,
    curious_share=0.2,
    refetch_share=0.2,
    cloud_reader_share=0.1,
    own_team_share=0.1,
)


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> World:
    out = tmp_path_factory.mktemp("lively")
    return World(out, simulate(900, 4, 31, out, habits=LIVELY, people_per_part=450))


def visits(world: World, cause: str) -> list[list[Json]]:
    """Return the touches of one cause, message by message, in the order of time."""
    found: dict[str, list[Json]] = defaultdict(list)
    for touch in sorted(world.truth("touches"), key=lambda touch: str(touch["occurred_at"])):
        if touch["cause"] == cause:
            found[touch["message_id"]].append(touch)
    assert found
    return list(found.values())


def clicks(touches: list[Json]) -> list[Json]:
    return [touch for touch in touches if touch["event_type"] == "clicked"]


def seconds(one: Json, other: Json) -> int:
    day, clock = zip(one["occurred_at"].split("T"), other["occurred_at"].split("T"), strict=True)
    assert day[0] == day[1]
    first, second = (
        sum(
            int(part) * unit for part, unit in zip(time[:-1].split(":"), (3600, 60, 1), strict=True)
        )
        for time in clock
    )
    return second - first


def test_habits_reach_the_workers_whole() -> None:
    assert pickle.loads(pickle.dumps(LIVELY)) == LIVELY  # noqa: S301


@pytest.mark.parametrize(
    "wrong",
    [
        {"read_share": 1.2},
        {"fast_share": -0.1},
        {"gateways": ()},
        {"readers": ((Reader.APPLE, 0.7), (Reader.GMAIL, 0.7))},
    ],
)
def test_shares_that_are_none_are_refused(wrong: Json) -> None:
    with pytest.raises(ValueError, match=r"shares lie between 0 and 1|at least one"):
        Habits(**wrong)


def test_every_touch_in_the_log_is_in_the_truth_and_once(lively: World, world: World) -> None:
    for each in (lively, world):
        tokens = {row["provider_message_id"]: row["message_id"] for row in each.messages()}
        logged = Counter(
            (tokens[event["sg_message_id"].split(".")[0]], event.get("url"), event["ip"])
            for event in each.distinct_events()
            if event["event"] in {"open", "click"} and event["category"] != "password reset"
        )
        true = Counter((row["message_id"], row["url"], row["ip"]) for row in each.truth("touches"))
        assert logged == true


def test_messages_add_up_to_their_touches(lively: World) -> None:
    human: Counter[tuple[str, str]] = Counter()
    for touch in lively.truth("touches"):
        if touch["actor"] == "human" and "calendar" not in str(touch["url"]):
            human[touch["message_id"], touch["event_type"]] += 1
    for row in lively.truth("messages"):
        assert row["recorded_human_opens"] == human[row["message_id"], "opened"]
        assert row["human_click_count"] == human[row["message_id"], "clicked"]


def test_only_what_arrived_was_read(world: World) -> None:
    """D6: the truth alone says which share of the delivered mail was read."""
    rows = world.truth("messages")
    assert {bool(row["delivered_at"]) for row in rows} == {True, False}
    assert not [row for row in rows if row["really_read"] and not row["delivered_at"]]


def test_every_cause_has_its_actor(lively: World) -> None:
    actors = {touch["cause"]: touch["actor"] for touch in lively.truth("touches")}
    people = {cause: "human" for cause in actors if cause.endswith("reader")}
    assert len(people) == 4
    machines = {str(gateway): "machine" for gateway in Gateway if gateway is not Gateway.NONE}
    assert actors == machines | people | {
        "refetch": "machine", "privacy_proxy": "unknown", "own_team": "internal"
    }  # fmt: skip


def test_typical_habits_leave_rare_behaviour_alone(world: World) -> None:
    assert {touch["cause"] for touch in world.truth("touches")} == {
        "reader", "privacy_proxy", "agent", "fast", "burst"
    }  # fmt: skip


def test_patient_scanners_take_all_links_within_a_minute_but_no_three_at_once(
    lively: World,
) -> None:
    """R10."""
    links = {row["message_id"]: row["links"] for row in lively.messages()}
    for touches in visits(lively, "patient"):
        followed = clicks(touches)
        assert {click["url"] for click in followed} == set(links[followed[0]["message_id"]])
        gaps = [seconds(followed[0], click) for click in followed]
        assert gaps[-1] <= 60
        assert all(later > 2 for later in gaps[1:])


def test_the_shared_scanner_meets_many_people_within_a_minute(lively: World) -> None:
    """R12."""
    rounds: Counter[str] = Counter()
    for touches in visits(lively, "shared"):
        (click,) = clicks(touches)
        assert click["ip"] == SHARED_ADDRESSES[31]
        rounds[click["occurred_at"][:16]] += 1
    assert max(rounds.values()) >= 10


def test_scanners_fall_for_what_no_person_sees(lively: World) -> None:
    """R03, R11."""
    for cause, part, within in (("honeypot", "/h/", 5), ("unsubscribe", "/unsubscribe", 10)):
        for touches in visits(lively, cause):
            first, second = clicks(touches)
            assert (part in first["url"]) + (part in second["url"]) == 1
            assert seconds(first, second) < within + 1


def test_quick_scanners_click_without_an_open(lively: World) -> None:
    """R14."""
    delivered = {row["message_id"]: row for row in lively.truth("messages")}
    for touches in visits(lively, "quick"):
        (click,) = touches
        arrival = {"occurred_at": delivered[click["message_id"]]["delivered_at"]}
        assert 5 < seconds(arrival, click) < 30


@pytest.mark.parametrize(
    ("cause", "network"),
    [("own_team", OWN_NETWORK), ("cloud", CLOUD_NETWORK), ("cloud_reader", CLOUD_NETWORK)],
)
def test_networks_are_kept_to(lively: World, cause: str, network: str) -> None:
    """R04, R13."""
    for touches in visits(lively, cause):
        for click in clicks(touches):
            assert ip_address(click["ip"]) in ip_network(network)


def test_a_mail_program_fetches_again_what_was_just_opened(lively: World) -> None:
    """R15."""
    opens: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for touch in lively.truth("touches"):
        if touch["event_type"] == "opened":
            opens[touch["message_id"], touch["ip"]].append(touch)
    for (again,) in (touches[:1] for touches in visits(lively, "refetch")):
        same = [
            touch
            for touch in opens[again["message_id"], again["ip"]]
            if touch["actor"] == "human" and touch["occurred_at"][:10] == again["occurred_at"][:10]
        ]
        assert not same or any(0 < seconds(touch, again) < 10 for touch in same)


def test_fewer_click_where_nobody_sees_the_opens(tmp_path: Path) -> None:
    """D6: opening and clicking can be made to depend on each other."""
    readers = ((Reader.IMAGES_OFF, 0.5), (Reader.GMAIL, 0.5))
    shares = []
    for factor in (1.0, 0.1):
        habits = Habits(readers=readers, gateways=ALONE, images_off_clicks=factor)
        rows = World(tmp_path, simulate(600, 3, 17, tmp_path, habits=habits)).truth("messages")
        unseen = [row for row in rows if row["really_read"] and row["human_open_count"] == 0]
        shares.append(sum(row["human_click_count"] > 0 for row in unseen) / len(unseen))
    assert shares[1] < shares[0] / 2


def test_truth_is_one_json_object_per_line(lively: World) -> None:
    text = (lively.out / "truth" / "touches.ndjson").read_text()
    assert [json.loads(line) for line in text.splitlines()] == lively.truth("touches")
