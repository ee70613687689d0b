"""Preflight: whether this org takes what the mapping wants, and what to do where not (I4, K8)."""

from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from orchestration.crm.client import (
    Crm,
    CrmError,
    CrmForbiddenError,
    CrmLimitError,
    CrmLoginError,
    CrmMissingObjectError,
    Limits,
    Operation,
)
from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.writeback.mapping import Mapping
from orchestration.writeback.preflight_checks import CHECKS
from orchestration.writeback.preflight_facts import Facts, Finding

#: How Salesforce words that the API itself is off, for the org or for the user.
_API_OFF = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found, in the order of the checks; `schemas` are the describes just read."""

    findings: tuple[Finding, ...]
    schemas: MappingOf[str, ObjectSchema]
    limits: Limits | None

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What forbids a write."""
        return tuple(each for each in self.findings if each.severity == "problem")

    def refusal(self) -> str | None:
        """Say why nothing may be written, one line per problem; None where all is well."""
        if not self.problems:
            return None
        return "\n".join(["The preflight found what forbids a write:", *map(str, self.problems)])


def preflight(
    crm: Crm,
    mapping: Mapping,
    objects: MappingOf[str, Collection[Operation]],
    calls_needed: int,
    *,
    is_planned: bool = True,
    earlier: MappingOf[str, ObjectSchema] | None = None,
    columns: MappingOf[str, MappingOf[str, str]] | None = None,
    vocabularies: MappingOf[str, Collection[str]] | None = None,
) -> Preflight:
    """Ask the org for its limits and for the describe of each of `objects`, and check them.

    One call for the limits and one per object, besides a login. What the org refuses to answer
    becomes a finding, never an exception. `objects`: what is to be done to which; of the mapping
    only these are checked. `calls_needed`: the calls that are still to come.

    `is_planned`: a plan has writes for these objects, so none of them may be missing. The last
    three widen the checks: the describes of the last snapshot, the columns of the marts (as
    `check_mapping` takes them), and the values that a metric may take.
    """
    schemas: dict[str, ObjectSchema] = {}
    findings: list[Finding] = []
    limits: Limits | None = None
    try:
        limits, found = _limits(crm)
        findings += found
        for name in sorted(objects):
            try:
                schemas[name] = parse_describe(crm.describe(name))
            except CrmMissingObjectError:
                continue  # its absence is what the checks find
    except CrmError as error:
        # Without an answer there is nothing to check, and each further question would wait, too.
        findings.append(_no_answer(error))
        return Preflight(tuple(findings), schemas, limits)
    # What the describes told in passing is all that a login without View Setup gets to see.
    limits = limits or crm.latest_limits
    facts = Facts(
        mapping=mapping,
        objects={name: frozenset(operations) for name, operations in sorted(objects.items())},
        schemas=schemas,
        limits=limits,
        calls_needed=calls_needed,
        is_planned=is_planned,
        earlier=earlier or {},
        columns=columns,
        vocabularies=vocabularies or {},
    )
    findings.append(Finding("login", "ok", "login", "the login works, and the API is enabled"))
    findings += [finding for check in CHECKS for finding in check(facts)]
    return Preflight(tuple(findings), schemas, limits)


def _limits(crm: Crm) -> tuple[Limits | None, list[Finding]]:
    """Ask for the limits; a login that may not see them is no reason to end here."""
    try:
        return crm.limits(), []
    except CrmForbiddenError as error:
        if error.code in _API_OFF:
            raise
    hidden = Finding(
        "limits",
        "warning",
        "daily API calls",
        "this login may not see the org's limits",
        "Setup > Permission Sets > Touchline Integration > System Permissions: enable View Setup "
        "and Configuration.",
    )
    return None, [hidden]


def _no_answer(error: CrmError) -> Finding:
    """Put what the org answered instead of an answer into a finding."""
    if isinstance(error, CrmLimitError):
        return Finding(
            "limits",
            "problem",
            "daily API calls",
            str(error),
            "Setup > System Overview shows who uses them; wait, or buy more.",
        )
    if isinstance(error, CrmLoginError):
        remedy = (
            "Setup > External Client App Manager > (the app) > Policies: see that the flow is "
            "enabled, that its run-as user is active and pre-authorized by the permission set; "
            "then compare key, secret or certificate with docs/operations.md."
        )
    elif isinstance(error, CrmForbiddenError):
        remedy = (
            "Setup > Permission Sets > Touchline Integration > System Permissions: enable API "
            "Enabled, and assign the set to the user that Touchline logs in as."
        )
    else:
        remedy = "Try again; https://status.salesforce.com tells of outages."
    return Finding("login", "problem", "login", str(error), remedy)
