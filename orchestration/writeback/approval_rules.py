"""Which plans wait for somebody's yes: the environment's rule and the mapping's (I8)."""

from dataclasses import dataclass
from typing import Literal

#: Which plans wait: every one, large ones, or none.
ApprovalRule = Literal["every", "large", "none"]


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """The rule that holds for a plan, and who says so."""

    rule: ApprovalRule
    because: str


def rule_in_force(
    of_environment: ApprovalRule, of_mapping: ApprovalRule | None = None
) -> RuleInForce:
    """Return the rule that holds: the mapping's, but it never frees what the environment guards.

    A mapping file is shared by environments: what is written for the local org must not let an
    environment write by itself that asks for approvals.
    """
    if of_mapping is None or of_mapping == of_environment:
        return RuleInForce(of_environment, "this environment asks for it")
    if of_mapping == "none":
        why = "this environment asks for it, and approval.required: none does not change that"
        return RuleInForce(of_environment, why)
    return RuleInForce(of_mapping, f"the mapping says approval.required: {of_mapping}")
