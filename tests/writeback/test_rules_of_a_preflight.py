"""Of the rules of a correct writer, those that hold before the first write."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from orchestration.crm.client import Limits, Operation
from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.writeback.mapping import MappingError, parse_mapping
from orchestration.writeback.preflight import Preflight
from orchestration.writeback.preflight_checks import CHECKS
from orchestration.writeback.preflight_facts import Facts, Finding
from tests.writeback.stage import DESCRIBE, field

COUNTS: Sequence[dict[str, Any]] = (
    field("Touchline_Open_Count__c", "double"),
    field("Touchline_Click_Count__c", "double"),
    field("Touchline_Clicked_At__c", "datetime"),
)


def key(**more: Any) -> dict[str, Any]:
    flags = dict.fromkeys(("externalId", "unique", "caseSensitive"), True)
    return field("Touchline_Key__c", "string", **flags | more)


def described(name: str, *fields: dict[str, Any]) -> ObjectSchema:
    return parse_describe({"name": name, "fields": list(fields)})


def found(
    lines: str,
    schemas: Sequence[ObjectSchema],
    *operations: Operation,
    limits: Limits | None = None,
    calls_needed: int = 0,
) -> list[Finding]:
    """Return the problems with these objects under this mapping."""
    facts = Facts(
        mapping=parse_mapping(f"version: 1\n{lines}", "m.yml"),
        objects={each.name: frozenset(operations) for each in schemas},
        schemas={each.name: each for each in schemas},
        limits=limits,
        calls_needed=calls_needed,
        is_planned=True,
        earlier={},
        columns=None,
        vocabularies={},
    )
    findings = [each for check in CHECKS for each in check(facts)]
    return [each for each in findings if each.severity == "problem"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("Nowhere__c", "is unknown to the org"),
        ("ReadOnly__c", "cannot be edited"),
        ("Formula__c", "is calculated by Salesforce"),
        ("Where__c", "has the type location"),
        ("Many__c", "is a multi-select picklist"),
        ("OwnerId", "is a lookup"),
    ],
)
def test_rule_06_a_target_that_cannot_take_the_metric_forbids_the_write(
    target: str, reason: str
) -> None:
    line = f"{{metric: open_count, field: {target}, policy: owned}}"
    (problem,) = found(f"objects: {{Contact: [{line}]}}", [described("Contact", *DESCRIBE)])
    assert problem.found.startswith(reason)
    assert problem.found.endswith("(m.yml:2)")
    assert Preflight((problem,), {}, None).refusal() is not None


@pytest.mark.parametrize(
    "unfit",
    [{"length": 80}]
    + [{flag: False} for flag in ("unique", "caseSensitive", "externalId", "createable")],
)
def test_rule_06_a_key_has_to_be_long_enough_unique_and_exact(unfit: dict[str, Any]) -> None:
    lines = "extends: default\nactivities: {log: task}"
    filled = [field(name, "string") for name in ("Subject", "Status", "WhoId", "TaskSubtype")]
    assert found(lines, [described("Task", key(), *filled)], "create") == []
    (problem,) = found(lines, [described("Task", key(**unfit), *filled)], "create")
    assert problem.subject == "Task.Touchline_Key__c"
    # Where the mapping names the field.
    assert re.search(r"\(default_mapping\.yml:\d+\)$", problem.found)


@pytest.mark.parametrize(("left", "is_refused"), [(130, False), (129, True)])
def test_rule_18_the_reserve_is_not_broken_into(left: int, is_refused: bool) -> None:
    lines = "extends: default\nlimits: {api_reserve_share: 0.1}"
    problems = found(lines, [], limits=Limits(1000, left), calls_needed=30)
    assert bool(problems) is is_refused


def test_rule_20_consent_that_the_login_cannot_see_forbids_nothing() -> None:
    visible = [each for each in DESCRIBE if each["name"] != "HasOptedOutOfEmail"]
    line = "{metric: is_opted_out, field: HasOptedOutOfEmail, policy: opt_out, optional: true}"
    assert found(f"objects: {{Contact: [{line}]}}", [described("Contact", *visible)]) == []


@pytest.mark.parametrize("name", ["IsOpened", "FirstOpenedDate", "MessageDate"])
def test_rule_21_of_a_logged_mail_only_custom_fields_are_mapped(name: str) -> None:
    with pytest.raises(MappingError, match=f"m.yml:3: {name}: is no open_count"):
        found(f"extends: default\nactivities: {{open_count: {name}}}", [])


@pytest.mark.parametrize("name", ["HasResponded", "LastActivityDate", "IsEmailBounced"])
def test_rule_21_what_salesforce_works_out_itself_is_never_a_target(name: str) -> None:
    line = f"{{metric: is_replied, field: {name}, policy: owned}}"
    schema = described("Contact", field(name, "boolean"))
    (problem,) = found(f"objects: {{Contact: [{line}]}}", [schema])
    assert problem.found.startswith("is set by Salesforce from")


def test_rule_21_counts_of_a_mail_need_fields_that_take_them() -> None:
    lines = "extends: default\nactivities: {log: email_message}"
    filled = [field("Subject", "string"), field("Status", "picklist"), field("MessageDate", "date")]
    assert found(lines, [described("EmailMessage", key(), *COUNTS, *filled)], "create") == []
    unfit = [field("Touchline_Open_Count__c", "string"), *COUNTS[1:]]
    lines += "\n  open_count: Touchline_Open_Count__c"
    lines = lines.replace(" {log: email_message}", "\n  log: email_message")
    (problem,) = found(lines, [described("EmailMessage", key(), *unfit, *filled)], "create")
    assert problem.subject == "EmailMessage.Touchline_Open_Count__c"
    assert problem.found.endswith("(m.yml:5)")


def test_h5_a_default_that_the_org_does_not_take_is_told_with_its_line() -> None:
    lines = "extends: default\ncreate_missing:\n  object: Contact\n  defaults: {Title: CEO}"
    filled = [field(name, "string") for name in ("LastName", "Email")]
    problems = found(lines, [described("Contact", *filled)], "create")
    (problem,) = (each for each in problems if each.check == "creations")
    assert (problem.subject, problem.found[-9:]) == ("Contact.Title", "(m.yml:5)")
