"""Each entry of a story in a sentence or two, for whatever shows it."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.explain import words
from orchestration.explain.story import (
    Attempt,
    Cell,
    CrmFact,
    Entry,
    Event,
    Place,
    Planned,
    Reply,
    Sent,
    StatusChange,
    Value,
)

_ARTICLES = {
    "human": "by a person",
    "machine": "by a machine",
    "internal": "by the team itself",
    "unknown": "by a person or a machine",
}
_OUTCOMES: Mapping[str | None, str] = {
    "written": "written",
    "failed": "refused",
    "retried": "to be retried",
    "undone": "undone",
    None: "sent",
}

_DECIDED = {"write": "to write"}
#: What is to be written comes first, what is the same last.
_LAST = {"write": -1, "unchanged": 1}

#: The seed names where a rule is from, in brackets at the end.
_SOURCES_NAMED = re.compile(r"\s*\([^()]*\)(?=;|$)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What happened in a word, the account of it, further lines, and where it is written."""

    what: str
    account: str
    details: tuple[str, ...]
    place: Place | None


def sentence(entry: Entry) -> Sentence:
    """Tell an entry."""
    match entry:
        case Sent():
            return _sent(entry)
        case Event():
            return _event(entry)
        case Reply():
            return _reply(entry)
        case StatusChange():
            return _status_change(entry)
        case CrmFact():
            account = f"{entry.crm_object} {entry.crm_id} {entry.words}"
            return Sentence("Salesforce", account, (), entry.place)
        case Planned():
            return _planned(entry)
        case Attempt():
            return _attempt(entry)


def cell_change(cell: Cell) -> str:
    """Tell what a plan makes of a field."""
    return f"{cell.field}: {_shown(cell.old_value)} → {_shown(cell.new_value)}"


def decision(value: Value) -> str:
    """Tell in a word or two what the newest plan decided of a field, and what came of it."""
    if value.decision == "write":
        return _OUTCOMES.get(value.outcome, value.outcome) if value.outcome else "to write"
    if value.unchanged_since:
        return f"unchanged since {value.unchanged_since}"
    return value.decision or "not listed"


def cell_reason(cell: Cell | Value) -> str:
    """Tell why a plan decided so; the decision itself is said beside it."""
    return (cell.reason or "").removeprefix(f"{cell.decision}: ")


def rule_account(event: Event) -> str:
    """Tell who caused an event, and by which rule that is known, in the rule's own words."""
    if event.actor is None:
        return ""
    said = _SOURCES_NAMED.sub("", event.rule_words or "")
    return f"{_ARTICLES.get(event.actor, event.actor)}: {said or 'no words'} ({event.rule_id})"


def _sent(entry: Sent) -> Sentence:
    if entry.origin == "sequence":
        account = f"step {entry.step_number} of {entry.sequence_name or 'a sequence'}"
    else:
        account = "by hand"
    account += f": “{entry.subject or ''}”, from {entry.mailbox}"
    details = []
    if entry.discrepancy_class and entry.discrepancy_class != "none":
        cause = entry.discrepancy_cause
        likely = f", likely because of {cause}" if cause and cause != "none" else ""
        details.append(f"what came of it: {entry.discrepancy_class}{likely}".replace("_", " "))
    return Sentence("sent", account, tuple(details), entry.place)


def _event(entry: Event) -> Sentence:
    parts = [f"step {entry.step_number}"] if entry.step_number is not None else []
    if entry.event_subtype:
        parts.append("by link" if entry.event_subtype == "link" else entry.event_subtype)
    if entry.is_other_recipient:
        parts.append("of a mail to somebody else, who is not charged with it")
    elif entry.message_key is None:
        parts.append("of no message that is known")
    if told := rule_account(entry):
        parts.append(told)
    details = [entry.url] if entry.url else []
    if entry.link_kind == "unsubscribe" and entry.actor != "internal" and entry.url:
        details.append("the unsubscribe link: an opt-out, whoever followed it")
    if entry.is_counted is False and entry.message_key is not None:
        details.append("not counted: no tracked domain")
    what = entry.event_type.replace("_", " ")
    account = ", ".join(parts) or f"by {entry.source}"
    return Sentence(what, account, tuple(details), entry.place)


def _reply(entry: Reply) -> Sentence:
    account = f"“{entry.subject or ''}” from {entry.sender_email or 'no sender'}"
    if entry.event_subtype:
        account = f"{entry.event_subtype}, {account}"
    group = f" ({entry.reply_group})" if entry.reply_group not in {None, entry.reply_class} else ""
    details = (
        words.match(entry.match, entry.thread_rule),
        f"{entry.reply_class}{group}: {entry.classified_words}",
    )
    return Sentence(entry.event_type.replace("_", " "), account, details, entry.place)


def _status_change(entry: StatusChange) -> Sentence:
    change = f"{entry.previous_status} → {entry.status}" if entry.previous_status else entry.status
    account = f"{entry.sequence_name or entry.enrollment_id}: {change}"
    reason = f"{entry.reason_words} ({entry.reason})"
    return Sentence("status", account, (reason,), entry.place)


def _planned(entry: Planned) -> Sentence:
    counts = Counter(cell.decision for cell in entry.cells)
    order = sorted(counts, key=lambda decision: (_LAST.get(decision, 0), decision))
    decided = ", ".join(f"{counts[decision]} {_DECIDED.get(decision, decision)}"
                        for decision in order)  # fmt: skip
    return Sentence("planned", f"{entry.plan_id}, {_record(entry)}: {decided}", (), None)


def _attempt(entry: Attempt) -> Sentence:
    account = f"{_record(entry)}: {len(entry.new_values)} fields of {entry.plan_id}"
    details = []
    if entry.outcome is None:
        details.append("no answer came back; the next run looks what became of it")
    if entry.error_code:
        fields = f" ({', '.join(entry.error_fields)})" if entry.error_fields else ""
        details.append(f"{entry.error_code}: {entry.error_message}{fields}")
    what = _OUTCOMES.get(entry.outcome, str(entry.outcome))
    return Sentence(what, account, tuple(details), None)


def _shown(value: str | None) -> str:
    return "(empty)" if value is None else value


def _record(entry: Planned | Attempt) -> str:
    return f"{entry.crm_object} {entry.crm_id}"
