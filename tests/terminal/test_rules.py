"""How rules and a what-if of them look: what would move stands out, what would not does not."""

import io

from rich.console import Console, RenderableType

from orchestration.rule_changes import PARAMETERS, Rule
from orchestration.terminal.rules import comparison_parts, rules_table
from orchestration.what_if import Comparison, Move, Rates


def shown(*parts: RenderableType) -> str:
    output = io.StringIO()
    console = Console(file=output, width=200)
    for part in parts:
        console.print(part)
    return output.getvalue()


def rule(rule_id: str, **parameters: float | int | bool | str) -> Rule:
    return Rule(rule_id, {name: parameters.get(name) for name in PARAMETERS})


RULES = [
    rule("R02_no_request", priority=20, is_enabled=True, verdict="no_event"),
    rule("R07_too_fast_click", priority=70, is_enabled=True, verdict="machine", seconds=5.0),
    rule("R12_shared_ip", priority=120, is_enabled=False, verdict="machine", minimum_count=10),
]


def test_rules_stand_in_their_order_with_what_they_decided() -> None:
    text = shown(rules_table(RULES, {"R07_too_fast_click": {"clicked": 1_234}}))
    second, third, fourth = text.splitlines()[2:]
    assert second.split() == ["R02_no_request", "no", "event", "0", "0"]
    assert third.split() == ["R07_too_fast_click", "machine", "seconds=5", "0", "1,234"]
    assert fourth.split() == ["R12_shared_ip", "switched", "off", "minimum_count=10", "0", "0"]


def test_a_comparison_shows_before_and_after_only_where_they_differ() -> None:
    comparison = Comparison(
        {"R07": {"seconds": 30.0}, "R12": {"is_enabled": False}},
        (Rates("s1", "Warm introduction", (100, 100), (40, 40), (200, 200), (50, 45)),),
        (Move("clicked", "R16_default", "human", "R07_too_fast_click", "machine", 5),),
        1,
    )
    text = shown(*comparison_parts(comparison))
    assert "With R07.seconds=30, R12.is_enabled=false" in text
    assert "50 → 45 (-5)" in text
    assert "25.0 % → 22.5 %" in text
    assert "40.0 %" in text
    assert "40 →" not in text
    assert "human (R16_default)" in text
    assert "1 message would be in another discrepancy class." in text


def test_a_change_without_effect_is_said_to_have_none() -> None:
    comparison = Comparison({"R07": {"seconds": 4.0}}, (), (), 0)
    assert "No open or click would be judged otherwise." in shown(*comparison_parts(comparison))
