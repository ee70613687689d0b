"""The doctor against a live org that an admin has set badly, one thing at a time (K8)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.settings import PROJECT_ROOT
from orchestration.writeback.doctor import History, diagnose, objects_of, read_history
from orchestration.writeback.mapping import parse_mapping
from orchestration.writeback.preflight import Preflight, preflight
from orchestration.writeback.preflight_checks import CHECKS
from orchestration.writeback.preflight_creations import check_creations
from orchestration.writeback.preflight_facts import Facts, Finding
from orchestration.writeback.vocabularies import read_vocabularies
from tests.crm.live_org import IMPATIENT, LiveOrg
from tests.crm.scripted_org import Answer, Script, scripted_org
from tests.writeback.activity_scene import described, with_fields
from tests.writeback.scene import ANN, plan_for
from tests.writeback.stage import Stage

VOCABULARIES = read_vocabularies(PROJECT_ROOT / "dbt_project" / "seeds")

EVERYTHING = """\
activities: {log: email_message}
tasks: {kinds: [reply]}
campaign_members: {fill: true}
"""
STATUS = "Touchline_Sequence_Status__c"


@pytest.fixture
def script() -> Iterator[Script]:
    """An org that answers what a test scripts, and nothing besides."""
    with scripted_org() as running:
        yield running


@pytest.fixture
def doctor(org: LiveOrg, tmp_path: Path) -> Any:
    """Return what the doctor finds with these lines over the default mapping."""

    def look(lines: str = "", history: History | None = None) -> Preflight:
        file = tmp_path / "mapping.yml"
        file.write_text(f"version: 1\nextends: default\n{lines}", encoding="utf-8")
        return diagnose(org.crm(), file, history or History(), VOCABULARIES)

    return look


def rules(org: LiveOrg, **changed: Any) -> None:
    org.admin.patch("/__admin/rules", json=changed).raise_for_status()


def told(found: Preflight) -> set[tuple[str, str, str]]:
    """Return (check, severity, subject) of all that is not well."""
    return {
        (each.check, each.severity, each.subject)
        for each in found.findings
        if each.severity != "ok"
    }


def about(found: Preflight, subject: str) -> Finding:
    (finding,) = [
        each for each in found.findings if each.subject == subject and each.severity != "ok"
    ]
    return finding


def test_k8_an_org_that_has_all_of_it_is_well(doctor: Any) -> None:
    found = doctor(EVERYTHING)
    assert told(found) == set()
    assert found.refusal() is None
    checked = {each.check for each in found.findings}
    assert checked == {
        "mapping", "login", "limits", "objects", "fields", "keys", "picklists", "privacy",
    }  # fmt: skip


def test_k8_what_is_found_costs_one_call_for_each_object(org: LiveOrg, doctor: Any) -> None:
    doctor(EVERYTHING)
    asked = [each["path"].rpartition("/v66.0/")[2] for each in org.requests(kind="rest")]
    names = ["CampaignMember", "Contact", "EmailMessage", "EmailMessageRelation", "Individual",
             "Lead", "Task", "User"]  # fmt: skip
    assert asked == ["limits/", *(f"sobjects/{name}/describe" for name in names)]


def test_k8_without_enhanced_email_mail_becomes_tasks(org: LiveOrg, doctor: Any) -> None:
    rules(org, enhanced_email=False)
    found = doctor(EVERYTHING)
    assert found.refusal() is None
    assert told(found) == {("objects", "warning", "EmailMessage")}
    # What is logged instead needs its key as well.
    assert [each.subject for each in found.findings if each.check == "keys"] == [
        "Task.Touchline_Key__c"
    ]
    assert about(found, "EmailMessage").remedy.startswith("Setup > Enhanced Email: enable it")


def test_k8_a_plan_that_has_email_messages_is_not_applied_without_enhanced_email(
    org: LiveOrg,
) -> None:
    rules(org, enhanced_email=False)
    mapping = parse_mapping(f"version: 1\nextends: default\n{EVERYTHING}", "m.yml")
    found = preflight(org.crm(), mapping, {"EmailMessage": {"create"}}, 0)
    assert told(found) == {("objects", "problem", "EmailMessage")}


def test_k8_rights_on_an_object_are_told_apart(org: LiveOrg, doctor: Any) -> None:
    rules(org, object_access={"Contact": ["read"], "Task": ["read", "update"], "Individual": []})
    found = doctor(EVERYTHING)
    assert told(found) >= {
        ("objects", "problem", "Contact"),
        ("objects", "problem", "Task"),
        ("objects", "warning", "Individual"),
        ("privacy", "warning", "Don't Track"),
    }
    assert about(found, "Contact").found == "the login may not edit records of it"
    assert about(found, "Contact").remedy == (
        "Setup > Permission Sets > Touchline Integration > Object Settings > Contacts: enable Edit."
    )
    assert "Access Activities and Edit Tasks" in about(found, "Task").remedy


def test_i4_a_field_that_is_read_only_or_hidden_is_a_problem(org: LiveOrg, doctor: Any) -> None:
    rules(org, read_only_fields={"Lead": ["Touchline_Replied__c"]})
    org.hide(Contact=[STATUS], EmailMessage=["Touchline_Key__c", "Touchline_Clicked_At__c"])
    found = doctor(EVERYTHING)
    assert told(found) == {
        ("fields", "problem", "Lead.Touchline_Replied__c"),
        ("fields", "problem", f"Contact.{STATUS}"),
        ("keys", "problem", "EmailMessage.Touchline_Key__c"),
        ("keys", "problem", "EmailMessage.Touchline_Clicked_At__c"),
    }
    assert "default_mapping.yml:" in about(found, f"Contact.{STATUS}").found
    assert about(found, "EmailMessage.Touchline_Key__c").remedy.startswith(
        "Deploy the package (salesforce/README.md), or create it: Setup > Object Manager > Email"
    )


def test_i4_a_value_that_a_picklist_lacks_is_told_before_the_default_stands_in(
    org: LiveOrg, doctor: Any
) -> None:
    rules(
        org,
        inactive_values={
            f"Contact.{STATUS}": ["Paused", "Finished: Bounced"],
            f"Lead.{STATUS}": ["Finished: Completed"],
        },
    )
    found = doctor()
    assert told(found) >= {
        ("picklists", "warning", f"Contact.{STATUS}"),
        ("fields", "problem", f"Lead.{STATUS}"),
    }
    assert about(found, f"Contact.{STATUS}").found == (
        "lacks Paused, Finished: Bounced: Finished: Completed is written instead"
    )


def test_h5_leads_of_free_mail_addresses_need_a_company(doctor: Any) -> None:
    found = doctor("create_missing: {object: Lead}")
    assert told(found) == {("creations", "warning", "Lead.Company")}
    assert "create_missing.defaults" in about(found, "Lead.Company").remedy
    assert told(doctor("create_missing: {object: Lead, defaults: {Company: Unknown}}")) == set()


def facts_of(lines: str, schemas: Mapping[str, ObjectSchema], *, is_planned: bool = True) -> Facts:
    """Return what the checks of creations look at; all that is described is to be created."""
    return Facts(
        mapping=parse_mapping(lines, "m.yml"),
        objects=dict.fromkeys(schemas, frozenset({"create"})),
        schemas=schemas,
        limits=None,
        calls_needed=0,
        is_planned=is_planned,
        earlier={},
        columns=None,
        vocabularies={},
    )


def test_h5_what_the_org_requires_of_new_records_needs_a_value(org: LiveOrg) -> None:
    describe = org.crm().describe("Contact")
    (field,) = [each for each in describe["fields"] if each["name"] == "Department"]
    field["nillable"] = False
    lines = "version: 1\nextends: default\ncreate_missing: {object: Contact"
    told_of = []
    for rest in ("}", ", defaults: {Department: Sales}}"):
        facts = facts_of(lines + rest, {"Contact": parse_describe(describe)})
        told_of.append([(each.severity, each.subject) for each in check_creations(facts)])
    assert told_of == [[("problem", "Contact.Department")], []]


def test_j2_what_activities_are_made_of_may_be_set(org: LiveOrg, doctor: Any) -> None:
    org.hide(Task=["WhoId", "Description"], EmailMessage=["HtmlBody"])
    assert told(doctor(EVERYTHING)) == {
        ("creations", "problem", "Task.WhoId"),
        ("creations", "warning", "Task.Description"),
        ("creations", "warning", "EmailMessage.HtmlBody"),
    }


@pytest.mark.parametrize(("is_planned", "severity"), [(False, "problem"), (True, "warning")])
def test_j2_what_touchline_writes_into_picklists_has_to_be_active(
    is_planned: bool, severity: str
) -> None:
    values = {"picklistValues": [{"value": "Open", "active": True}]}
    names = ("Status", "TaskSubtype")
    changed = {
        name: parse_describe(described(name) | with_fields(name, dict.fromkeys(names, values)))
        for name in ("Task", "EmailMessage")
    }
    facts = facts_of(
        f"version: 1\nextends: default\n{EVERYTHING}",
        changed,
        is_planned=is_planned,
    )
    assert [
        (each.severity, each.subject, each.found.split("'")[1]) for each in check_creations(facts)
    ] == [
        (severity, "Task.TaskSubtype", "Email"),
        (severity, "Task.Status", "Completed"),
        (severity, "Task.Status", "Not Started"),
        (severity, "EmailMessage.Status", "3"),
        (severity, "EmailMessage.Status", "1"),
    ]


def test_h5_a_default_has_to_be_there_and_a_value_of_its_picklist(doctor: Any) -> None:
    lines = "{Company: x, Nowhere__c: x, LeadSource: Dreams, IsConverted: true}"
    found = doctor(f"create_missing: {{object: Lead, defaults: {lines}}}")
    assert told(found) == {
        ("creations", "problem", "Lead.Nowhere__c"),
        ("creations", "problem", "Lead.LeadSource"),
    }


def test_k3_a_day_without_calls_left_is_a_problem(org: LiveOrg, doctor: Any) -> None:
    rules(org, api_limit=1)
    found = doctor()
    assert ("limits", "problem", "daily API calls") in told(found)


def test_i4_a_field_that_vanished_since_the_last_snapshot_is_told(
    org: LiveOrg, doctor: Any
) -> None:
    before = {name: parse_describe(org.crm().describe(name)) for name in ("Contact", "Lead")}
    org.hide(Contact=["Title", "Fax"])
    found = doctor(history=History(schemas=before))
    assert told(found) == {("history", "warning", "Contact.Title")}
    assert "Setup Audit Trail" in about(found, "Contact.Title").remedy


def test_i4_a_field_that_became_shorter_is_told(org: LiveOrg, doctor: Any) -> None:
    describe = org.crm().describe("Lead")
    (field,) = [each for each in describe["fields"] if each["name"] == "Touchline_Sequence__c"]
    field["length"] = 500
    found = doctor(history=History(schemas={"Lead": parse_describe(describe)}))
    assert about(found, "Lead.Touchline_Sequence__c").found == (
        "was string(500) at the last snapshot, and is string(255) now"
    )


def test_i1_a_mapping_that_cannot_be_read_is_told_by_line_and_the_login_checked(
    doctor: Any,
) -> None:
    found = doctor("tasks: {kinds: [call]}")
    (problem,) = found.problems
    assert (problem.check, problem.subject.rpartition("/")[2]) == ("mapping", "mapping.yml:3")
    assert {each.check for each in found.findings} == {"mapping", "login", "limits"}


def test_i4_a_metric_that_is_not_computed_is_told_once_the_marts_are_there(doctor: Any) -> None:
    line = "objects: {Lead: [{metric: shoe_size, field: Touchline_Open_Count__c, policy: owned}]}"
    assert told(doctor(line)) == set()
    columns = {"Contact": {"open_count": "BIGINT"}, "Lead": {"open_count": "BIGINT"}}
    found = doctor(line, History(columns=columns))
    assert "no metric shoe_size" in about(found, "Lead.Touchline_Open_Count__c").found


def test_k8_history_is_what_earlier_runs_left(stage: Stage) -> None:
    with stage.warehouse.connect() as connection:
        assert read_history(connection) == History()
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    with stage.warehouse.connect(read_only=True) as connection:
        history = read_history(connection)
    assert history.schemas.keys() == {"Contact", "Lead"}
    assert history.columns is not None
    assert history.columns["Lead"]["open_count"] == "BIGINT"
    assert history.calls_needed == plan.api_calls_estimate > 0
    with stage.warehouse.connect() as connection:
        connection.execute(
            "insert into writeback.plans by name select * replace ('plan-2' as plan_id, "
            "'superseded' as state, created_at + interval 1 hour as created_at) "
            "from writeback.plans"
        )
        assert read_history(connection).calls_needed == plan.api_calls_estimate


@pytest.mark.parametrize(
    ("status", "code", "check", "remedy"),
    [
        (403, "API_DISABLED_FOR_ORG", "login", "API Enabled"),
        (403, "REQUEST_LIMIT_EXCEEDED", "limits", "System Overview"),
        (500, "UNKNOWN_EXCEPTION", "login", "Try again"),
    ],
)
def test_k7_an_org_that_answers_nothing_is_asked_nothing_more(
    script: Script, status: int, code: str, check: str, remedy: str
) -> None:
    answer = Answer(status, [{"errorCode": code, "message": "so it is"}])
    script.answers += [answer] * IMPATIENT.attempts
    mapping = parse_mapping("version: 1\nextends: default", "m.yml")
    found = preflight(script.crm(IMPATIENT), mapping, objects_of(mapping), 0)
    (problem,) = found.problems
    assert problem.check == check
    assert remedy in problem.remedy
    assert {path.rpartition("/v66.0/")[2] for path in script.paths()} == {"limits/"}


def test_k8_limits_that_the_login_may_not_see_are_a_warning(script: Script) -> None:
    refused = Answer(403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": "x"}])
    describe = Answer(
        200,
        {"name": "User", "fields": []},
        headers={"Sforce-Limit-Info": "api-usage=99/100"},
    )
    script.answers += [refused, describe]
    mapping = parse_mapping("version: 1\nextends: default", "m.yml")
    found = preflight(script.crm(IMPATIENT), mapping, {"User": ()}, 0)
    warning, problem = (each for each in found.findings if each.severity != "ok")
    assert "View Setup" in warning.remedy
    # What the other answers tell in passing is used instead.
    assert problem.found == "1 of 100 left, 0 needed, 10 in reserve"


def test_every_check_names_its_rule() -> None:
    assert all(check.__doc__ and check.__doc__[0] in "DHIK" for check in CHECKS)
