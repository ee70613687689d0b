"""What may be changed in the actor rules from the command line (C1)."""

import pytest

from orchestration.rule_changes import PARAMETERS, Rule, RuleChangeError, Value, parse_changes


def rule(rule_id: str, priority: int, **parameters: float) -> Rule:
    values: dict[str, Value] = {"priority": priority, "is_enabled": True, "verdict": "machine"}
    values |= parameters
    return Rule(rule_id, {name: values.get(name) for name in PARAMETERS})


RULES = [
    rule("R07_too_fast_click", 70, seconds=5.0),
    rule("R08_too_fast_open", 80, seconds=2.0),
    rule("R08_too_fast_proxy_open", 81, seconds=5.0),
    rule("R12_shared_ip", 120, seconds=60.0, minimum_count=10, minimum_domains=2),
    Rule("R02_no_request", {**dict.fromkeys(PARAMETERS), "priority": 20, "verdict": "no_event"}),
    rule("R16_default", 160),
]


def test_changes_are_read_by_rule_with_the_types_of_the_seed() -> None:
    texts = [
        "R07.seconds=2", "R12.minimum_count=5", "R12.is_enabled=FALSE",
        "R08_too_fast_open.verdict=unknown", "R08_too_fast_open.seconds=1.5", "R08.seconds=3",
        "R16.verdict=unknown",
    ]  # fmt: skip
    assert parse_changes(texts, RULES) == {
        "R07_too_fast_click": {"seconds": 2.0},
        "R12_shared_ip": {"minimum_count": 5, "is_enabled": False},
        "R08_too_fast_open": {"verdict": "unknown", "seconds": 1.5},
        "R08_too_fast_proxy_open": {"seconds": 3.0},
        "R16_default": {"verdict": "unknown"},
    }


def test_rules_of_a_number_may_be_told_apart_by_their_whole_ids() -> None:
    changes = parse_changes(["R08.priority=75", "R08_too_fast_proxy_open.priority=76"], RULES)
    assert changes == {
        "R08_too_fast_open": {"priority": 75},
        "R08_too_fast_proxy_open": {"priority": 76},
    }


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("R07", "Write it as R07.seconds=2"),
        ("seconds=2", "Write it as R07.seconds=2"),
        ("R07.seconds=", "Write it as R07.seconds=2"),
        ("R99.seconds=2", "there is no rule R99. There are R07_too_fast_click"),
        ("R0.seconds=2", "there is no rule R0."),
        ("R07.minimum_count=2", "R07_too_fast_click has no minimum_count. It has priority"),
        ("R07.source=x", "has no source"),
        ("R07.seconds=-1", "seconds must be a number of seconds"),
        ("R07.seconds=nan", "seconds must be a number of seconds"),
        ("R07.seconds=inf", "seconds must be a number of seconds"),
        ("R07.seconds=2; drop table x", "seconds must be a number of seconds"),
        ("R12.minimum_count=2.5", "minimum_count must be a whole number"),
        ("R12.minimum_count=0", "minimum_count must be a whole number"),
        ("R07.is_enabled=maybe", "is_enabled must be true or false"),
        ("R07.verdict=robot", "verdict must be one of human, machine, unknown, internal"),
        ("R07.priority=80", "R07_too_fast_click and R08_too_fast_open would both have"),
        ("R16.is_enabled=false", "takes what no other rule does"),
        ("R16.priority=5", "takes what no other rule does"),
        ("R07.priority=161", "R07_too_fast_click would come after R16_default"),
        ("R02.is_enabled=false", "while logs are read"),
        ("R08.priority=5", "R08_too_fast_open and R08_too_fast_proxy_open would both have"),
    ],
)
def test_what_no_rule_can_take_is_refused_with_what_it_can(text: str, advice: str) -> None:
    with pytest.raises(RuleChangeError) as refused:
        parse_changes([text], RULES)
    assert advice in str(refused.value)
