"""How the actor rules and a what-if of them look on a terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestration.rule_changes import Rule, Value
from orchestration.terminal.tables import counted, titled
from orchestration.what_if import Comparison, Rates


def rules_table(rules: Sequence[Rule], decided: Mapping[str, Mapping[str, int]]) -> Table:
    """Show the rules in their order, with their parameters and what they decided."""
    table = titled(
        "Who opened and clicked: the first rule that applies wins",
        "rule", "says", "parameters", "opens", "clicks",
        numbers=(3, 4),
    )  # fmt: skip
    for rule in rules:
        counts = decided.get(rule.rule_id, {})
        parameters = {
            name: value
            for name, value in rule.parameters.items()
            if value is not None and name not in {"priority", "verdict", "is_enabled"}
        }
        says = str(rule.parameters["verdict"]).replace("no_event", "no event")
        table.add_row(
            rule.rule_id,
            says if rule.parameters["is_enabled"] else "switched off",
            ", ".join(f"{name}={shown(value)}" for name, value in parameters.items()),
            f"{counts.get('opened', 0):,}",
            f"{counts.get('clicked', 0):,}",
        )
    return table


def comparison_parts(comparison: Comparison) -> Iterator[RenderableType]:
    """Show what would move: rates per sequence, then which rules would decide instead."""
    changed = ", ".join(
        f"{rule}.{name}={shown(value)}"
        for rule, values in comparison.changes.items()
        for name, value in values.items()
    )
    yield _rates_table(f"With {changed}", comparison.rates)
    if not comparison.moves:
        yield Text("No open or click would be judged otherwise.")
        return
    moves = titled("What would be judged otherwise", "", "now", "then", "events", numbers=(3,))
    for move in comparison.moves:
        moves.add_row(
            move.event_type,
            f"{move.actor_before} ({move.rule_before})",
            f"{move.actor_after} ({move.rule_after})",
            f"{move.events:,}",
        )
    yield moves
    moved = comparison.reclassified_messages
    yield Text(f"{counted(moved, 'message')} would be in another discrepancy class.")


def shown(value: Value) -> str:
    """Return a value as somebody types it."""
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def _rates_table(title: str, rates: Sequence[Rates]) -> Table:
    table = titled(
        title,
        "sequence", "clicked", "click-through rate", "opened by people", "open rate, at least",
        numbers=(1, 2, 3, 4),
    )  # fmt: skip
    for each in rates:
        table.add_row(
            each.sequence_name,
            _change(each.clicked),
            _rate_change(each.clicked, each.click_tracked),
            _change(each.opened),
            _rate_change(each.opened, each.open_tracked),
        )
    return table


def _change(counts: tuple[int, int]) -> str:
    before, after = counts
    return f"{before:,}" if before == after else f"{before:,} → {after:,} ({after - before:+,})"


def _rate_change(parts: tuple[int, int], wholes: tuple[int, int]) -> str:
    before, after = (
        f"{100 * part / whole:.1f} %" if whole else "-"
        for part, whole in zip(parts, wholes, strict=True)
    )
    return before if before == after else f"{before} → {after}"
