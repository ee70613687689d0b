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

    @property
    def is_default(self) -> bool:
        """Whether it takes what no other rule does."""
        return self.rule_id.endswith("_default")


def parse_changes(texts: Iterable[str], rules: Iterable[Rule]) -> dict[str, dict[str, Value]]:
    """Return what to put in place of the seed's values, by rule: {'R07_too_fast_click': {…}}.

    `R08.seconds=3` means every rule of that number; what is said of one by its whole id holds
    before that.

    Raises:
        RuleChangeError: a text is no change, or names a rule, parameter or value that is none.
    """
    known = list(rules)
    changes: dict[str, dict[str, Value]] = {}
    # Those of whole ids come last.
    for text in sorted(texts, key=lambda text: "_" in text.partition(".")[0]):
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
            read = _value(text, parameter, value.strip().lower())
            changes.setdefault(each.rule_id, {})[parameter] = read
    _check_order(changes, known)
    return changes


def _check(text: str, rule: Rule, parameter: str) -> None:
    if rule.parameters["verdict"] not in VERDICTS:
        raise RuleChangeError(
            f"{text!r}: {rule.rule_id} decides what is an event at all, while logs are read. It "
            f"cannot be tried out."
        )
    if rule.is_default and parameter in {"is_enabled", "priority"}:
        raise RuleChangeError(
            f"{text!r}: {rule.rule_id} takes what no other rule does, as the last one. Its verdict "
            f"can be changed."
        )
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
    """See that it is certain which rule wins, and that the default one comes last."""
    places: dict[Value | None, Rule] = {}
    for rule in rules:
        place = changes.get(rule.rule_id, {}).get("priority", rule.parameters["priority"])
        if place in places:
            raise RuleChangeError(
                f"{places[place].rule_id} and {rule.rule_id} would both have the priority {place}: "
                f"which one wins must be certain."
            )
        places[place] = rule
    last = max(places, key=lambda place: float(place or 0), default=None)
    default = next((rule for rule in places.values() if rule.is_default), None)
    if default and places[last] is not default:
        raise RuleChangeError(
            f"{places[last].rule_id} would come after {default.rule_id}, which leaves nothing to "
            f"it. Give it a priority below {default.parameters['priority']}."
        )
