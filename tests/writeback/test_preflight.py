"""The preflight against a live org: what it asks, what it finds, and what it says to do (K8)."""

from collections.abc import Collection, Mapping

import pytest

from orchestration.crm.client import Operation
from orchestration.crm.salesforce import connect
from orchestration.settings import SalesforceLogin
from orchestration.writeback.mapping import load_mapping, parse_mapping
from orchestration.writeback.preflight import Preflight, preflight
from tests.crm.live_org import IMPATIENT, LiveOrg

UPDATES: Mapping[str, Collection[Operation]] = {"Contact": {"update"}, "Lead": {"update"}}


def look(org: LiveOrg, text: str = "", calls_needed: int = 0) -> Preflight:
    mapping = parse_mapping(text, "m.yml") if text else load_mapping()
    return preflight(org.crm(), mapping, UPDATES, calls_needed)


def test_k8_an_org_that_takes_the_mapping_has_no_problems(org: LiveOrg) -> None:
    found = look(org)
    assert found.refusal() is None
    assert [each for each in found.findings if each.severity != "ok"] == []
    assert set(found.schemas) == {"Contact", "Lead"}
    assert found.limits is not None


def test_k3_the_preflight_costs_one_call_for_limits_and_one_per_object(org: LiveOrg) -> None:
    crm = org.crm()
    preflight(crm, load_mapping(), UPDATES, 0)
    assert (crm.calls.read, crm.calls.write) == (3, 0)
    asked = [each["path"].rpartition("v66.0/")[2] for each in org.requests(kind="rest")]
    assert asked == ["limits/", "sobjects/Contact/describe", "sobjects/Lead/describe"]


def test_i4_a_hidden_field_is_a_problem_with_a_place_in_setup(org: LiveOrg) -> None:
    org.hide(Contact=["Touchline_Open_Count__c"])
    found = look(org)
    (problem,) = found.problems
    assert problem.subject == "Contact.Touchline_Open_Count__c"
    assert "Setup > " in problem.remedy
    assert str(problem) in (found.refusal() or "")


def test_k8_a_hidden_opt_out_is_a_warning(org: LiveOrg) -> None:
    org.hide(Lead=["HasOptedOutOfEmail"])
    found = look(org)
    assert found.refusal() is None
    warnings = [each for each in found.findings if each.severity == "warning"]
    assert {each.subject for each in warnings} == {"Lead.HasOptedOutOfEmail"}


def test_k3_calls_that_would_break_into_the_reserve_are_refused(org: LiveOrg) -> None:
    found = look(org, calls_needed=10_000_000)
    (problem,) = found.problems
    assert problem.check == "limits"


def test_k8_a_refused_login_is_a_finding(org: LiveOrg) -> None:
    login = SalesforceLogin(org.login.host, "touchline-local", "wrong")
    found = preflight(connect(login, IMPATIENT), load_mapping(), UPDATES, 0)
    (problem,) = found.problems
    assert problem.check == "login"
    assert "External Client App Manager" in problem.remedy
    assert found.schemas == {}


@pytest.mark.parametrize("planned", [True, False])
def test_k8_an_object_that_is_missing_is_named(org: LiveOrg, planned: bool) -> None:
    wanted: Mapping[str, Collection[Operation]] = {"Opportunity": {"update"}}
    found = preflight(org.crm(), load_mapping(), wanted, 0, is_planned=planned)
    (problem,) = found.problems
    assert (problem.check, problem.subject) == ("objects", "Opportunity")
