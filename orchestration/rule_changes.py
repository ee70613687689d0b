"""What somebody would change in the actor rules (C1), read from `R07.seconds=2` and checked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Value = float | int | bool | str

VERDICTS = ("human", "machine", "unknown", "internal")
_SWITCH = {"true": True, "false": False}


class RuleChangeError(ValueError):
    """A change that no rule can take; the message says what can be changed."""


@dataclass(frozen=True)
class Rule:
    """A row of the seed `actor_rules`; parameters that the rule does not have are None."""

    rule_id: str
    parameters: Mapping[str, Value | None]

    @property
    def number(self) -> str:
        """The rule's number, which rules of one kind share: R08."""
        return self.rule_id.partition("_")[0]


def parse_changes(texts: Iterable[str], rules: Iterable[Rule]) -> dict[str, dict[str, Value]]:
    """Return what to put in place of the seed's values, by rule: {'R07': {'seconds': 2.0}}.

    Raises:
        RuleChangeError: a text is no change, or names a rule, parameter or value that is none.
    """
    known = list(rules)
    changes: dict[str, dict[str, Value]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        rule, _, parameter = name.strip().partition(".")
        if not (rule and parameter and value.strip()):
            raise RuleChangeError(f"{text!r} is no change. Write it as R07.seconds=2.")
        meant = [each for each in known if rule in (each.number, each.rule_id)]
        if not meant:
            names = ", ".join(each.rule_id for each in known)
            raise RuleChangeError(f"{text!r}: there is no rule {rule}. There are {names}.")
        for each in meant:
            _check(text, each, parameter)
        changes.setdefault(rule, {})[parameter] = _value(text, parameter, value.strip().lower())
    _check_order(changes, known)
    return changes


def _check(text: str, rule: Rule, parameter: str) -> None:
    own = [name for name, value in rule.parameters.items() if value is not None]
    if parameter not in own:
        raise RuleChangeError(
            f"{text!r}: {rule.rule_id} has no {parameter}. It has {', '.join(own)}."
        )


def _value(text: str, parameter: str, value: str) -> Value:
    read, what = _READERS[parameter]
    try:
        return read(value)
    except (KeyError, ValueError):
        raise RuleChangeError(f"{text!r}: {parameter} must be {what}.") from None


def _verdict(value: str) -> str:
    if value not in VERDICTS:
        raise ValueError(value)
    return value


def _not_negative(value: str) -> float:
    number = float(value)
    if not 0 <= number < float("inf"):
        raise ValueError(value)
    return number


def _whole(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number


_READERS: Mapping[str, tuple[Callable[[str], Value], str]] = {
    "priority": (_whole, "a whole number from 1"),
    "is_enabled": (_SWITCH.__getitem__, "true or false"),
    "verdict": (_verdict, f"one of {', '.join(VERDICTS)}"),
    "seconds": (_not_negative, "a number of seconds"),
    "minimum_count": (_whole, "a whole number from 1"),
    "minimum_domains": (_whole, "a whole number from 1"),
}
PARAMETERS = tuple(_READERS)


def _check_order(changes: Mapping[str, Mapping[str, Value]], rules: Iterable[Rule]) -> None:
    places: dict[Value | None, str] = {}
    for rule in rules:
        changed = {**changes.get(rule.number, {}), **changes.get(rule.rule_id, {})}
        place = changed.get("priority", rule.parameters["priority"])
        if place in places:
            raise RuleChangeError(
                f"{places[place]} and {rule.rule_id} would both have the priority {place}: which "
                f"one wins must be certain."
            )
        places[place] = rule.rule_id
