"""A bare org, and the package that an admin deploys to it (I9)."""

from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestration.local_org.deploy import deploy as deploy_to
from orchestration.local_org.org import Org, OrgSettings
from tests.local_org.caller import ADA, CALL, SENT_MAIL, TEAM, Caller, write_seed
from tests.local_org.packages import SCORE, SHIPPED, Project, rights

EMAIL_OPT_OUT = "HasOptedOutOfEmail"


@pytest.fixture
def bare(org: Caller, seed_folder: Path) -> Caller:
    """An org with the team and without Touchline's fields."""
    org.admin("POST", "/reset", json={"seed": str(seed_folder), "bare": True})
    org.sign_in()
    return org


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def deploy(org: Caller, folder: Path) -> dict[str, str]:
    """Deploy, and return what became of each component."""
    result = org.admin("POST", "/deploy", json={"folder": str(folder)})
    assert result["success"], result["details"]["componentFailures"]
    return {
        each["fullName"]: "created" if each["created"] else ("changed" if each["changed"] else "")
        for each in result["details"]["componentSuccesses"]
    }


def problems(org: Caller, folder: Path) -> dict[str, str]:
    """Deploy what must fail, and return the problem of each component that failed."""
    result = org.admin("POST", "/deploy", json={"folder": str(folder)})
    assert not result["success"]
    return {each["fullName"]: each["problem"] for each in result["details"]["componentFailures"]}


def assign(org: Caller, name: str) -> None:
    org.admin("POST", "/assign", json={"permission_set": name})


def described(org: Caller, name: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in org.get(f"/sobjects/{name}/describe").json()["fields"]}


def custom(org: Caller) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the describe of every custom field, but for the help text that packages bring."""
    names = [each["name"] for each in org.get("/sobjects").json()["sobjects"]]
    return {
        (name, each["name"]): {key: value for key, value in each.items() if key != "inlineHelpText"}
        for name in names
        for each in described(org, name).values()
        if each["custom"]
    }


def test_i9_a_bare_org_has_none_of_touchlines_fields(bare: Caller) -> None:
    assert custom(bare) == {}
    assert (
        "Touchline_Open_Count__c"
        in bare.refused("select Touchline_Open_Count__c from Contact")["message"]
    )


def test_i9_the_shipped_package_gives_a_bare_org_every_field_of_a_full_one(
    org: Caller, seed_folder: Path
) -> None:
    full = custom(org)
    assert full
    org.admin("POST", "/reset", json={"seed": str(seed_folder), "bare": True})
    org.sign_in()
    deploy(org, SHIPPED)
    assign(org, "Touchline_Integration")
    assert custom(org) == full


def test_i9_the_same_package_again_changes_nothing(bare: Caller) -> None:
    assert set(deploy(bare, SHIPPED).values()) == {"created"}
    assert set(deploy(bare, SHIPPED).values()) == {""}


def test_values_of_a_seed_without_a_place_are_left_out_and_counted(
    org: Caller, seed_folder: Path
) -> None:
    reset = org.admin("POST", "/reset", json={"seed": str(seed_folder), "bare": True})
    assert reset["left_out_of_seed"] == {
        "Contact.Touchline_Open_Count__c": 1,
        "Task.Touchline_Key__c": 1,
    }
    assert org.admin("GET", "/metadata")["left_out_of_seed"] == reset["left_out_of_seed"]
    assert reset["records"]["Contact"] == len(TEAM["Contact"])


def test_a_deployed_field_is_hidden_until_its_permission_set_is_assigned(
    bare: Caller, project: Project
) -> None:
    project.add_field("Contact", "Score__c").add_set("Scores", "Contact.Score__c")
    deploy(bare, project.folder)
    assert "Score__c" not in described(bare, "Contact")
    assign(bare, "Scores")
    assert described(bare, "Contact")["Score__c"]["updateable"] is True


def test_a_field_that_may_only_be_read_is_not_updateable(bare: Caller, project: Project) -> None:
    project.add_field("Contact", "Score__c").add_set("S", "Contact.Score__c", editable=False)
    deploy(bare, project.folder)
    assign(bare, "S")
    field = described(bare, "Contact")["Score__c"]
    assert (field["createable"], field["updateable"]) == (False, False)


def test_in_a_bare_org_records_may_be_changed_only_with_a_permission_set(bare: Caller) -> None:
    change = {"id": ADA, "Title": "Dr."}
    assert bare.error("Contact", change)["statusCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert EMAIL_OPT_OUT not in described(bare, "Contact")
    deploy(bare, SHIPPED)
    assign(bare, "Touchline_Integration")
    assert bare.update("Contact", {**change, "Touchline_Open_Count__c": 2})[0]["success"]
    assert described(bare, "Contact")[EMAIL_OPT_OUT]["updateable"] is True
    (created,) = bare.create("Contact", {"LastName": "New"})
    assert [each["statusCode"] for each in created["errors"]] == ["INSUFFICIENT_ACCESS_OR_READONLY"]


def test_activities_may_be_logged_with_the_user_permission_to_edit_tasks(
    bare: Caller, project: Project
) -> None:
    edit = "<userPermissions><enabled>true</enabled><name>EditTask</name></userPermissions>"
    change = {"id": CALL, "Subject": "Call again"}
    assert not bare.update("Task", change)[0]["success"]
    deploy(bare, project.add_set("Tasks", inside=edit).folder)
    assign(bare, "Tasks")
    assert bare.update("Task", change)[0]["success"]
    assert bare.update("EmailMessage", {"id": SENT_MAIL, "IsExternallyVisible": True})[0]["success"]


def test_a_field_of_activities_lands_on_tasks(bare: Caller, project: Project) -> None:
    text = "<label>Key</label><length>40</length><type>Text</type>"
    key = f"{text}<unique>true</unique><externalId>true</externalId>"
    project.add_field("Activity", "Key__c", key).add_set("Keys", "Task.Key__c")
    deploy(bare, project.folder)
    assign(bare, "Keys")
    field = described(bare, "Task")["Key__c"]
    assert (field["externalId"], field["unique"], field["length"]) == (True, True, 40)
    assert field["idLookup"]
    assert field["type"] == "string"


def test_describe_says_that_it_changed(bare: Caller, project: Project) -> None:
    def modified() -> Any:
        header = bare.get("/sobjects/Contact/describe").headers["Last-Modified"]
        return parsedate_to_datetime(header)

    before = modified()
    deploy(bare, project.add_field("Contact", "Score__c").folder)
    deployed = modified()
    deploy(bare, project.folder)
    assert before < deployed == modified()


def test_help_and_picklist_values_reach_describe(bare: Caller, project: Project) -> None:
    values = "".join(
        f"<value><fullName>{value}</fullName><default>{default}</default><label>{label}</label>"
        f"</value>"
        for value, label, default in (("a", "A &amp; B", "false"), ("b", "B", "true"))
    )
    project.add_field(
        "Lead",
        "Kind__c",
        f"<inlineHelpText>What it is</inlineHelpText><label>Kind</label><type>Picklist</type>"
        f"<valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>{values}"
        f"</valueSetDefinition></valueSet>",
    ).add_set("Kinds", "Lead.Kind__c")
    deploy(bare, project.folder)
    assign(bare, "Kinds")
    field = described(bare, "Lead")["Kind__c"]
    assert (field["inlineHelpText"], field["restrictedPicklist"]) == ("What it is", True)
    assert [
        (each["value"], each["label"], each["defaultValue"], each["active"])
        for each in field["picklistValues"]
    ] == [
        ("a", "A & B", False, True),
        ("b", "B", True, True),
    ]


def test_a_changed_component_is_said_and_values_stay(bare: Caller, project: Project) -> None:
    project.add_field("Contact", "Score__c")
    project.add_set("S", "Contact.Score__c", inside=rights("Contact", "allowRead", "allowEdit")
                    + rights("Account", "allowRead"))  # fmt: skip
    deploy(bare, project.folder)
    assign(bare, "S")
    assert bare.update("Contact", {"id": ADA, "Score__c": 1.5})[0]["success"]
    project.add_field("Contact", "Score__c", SCORE.replace("3<", "9<"))
    assert deploy(bare, project.folder) == {"Contact.Score__c": "changed", "S": ""}
    assert described(bare, "Contact")["Score__c"]["precision"] == 9
    assert bare.query(f"select Score__c from Contact where Id = '{ADA}'") == [{"Score__c": 1.5}]


TEXT = "<label>T</label><type>Text</type>"
REFUSED = [
    (SCORE.replace("Number", "Text"), "Must specify 'length' for a CustomField of type Text"),
    (f"{TEXT}<length>256</length>", "The length of a Text is from 1 to 255, not 256"),
    (
        "<label>T</label><type>TextArea</type><length>255</length>",
        "Can not specify 'length' for a CustomField of type TextArea",
    ),
    (
        "<label>T</label><type>Checkbox</type>",
        "Must specify 'defaultValue' for a CustomField of type Checkbox",
    ),
    ("<type>Date</type>", "Must specify a non-empty label for the CustomField"),
    (
        "<label>T</label><type>Date</type><colour>red</colour>",
        ("Element {http://soap.sforce.com/2006/04/metadata}colour invalid at this location in type "
        "CustomField"),
    ),
    (f"{SCORE}{SCORE}", "Element label is duplicated at this location in type CustomField"),
    (f"{SCORE}<required>yes</required>",
     "'yes' is not a valid value for 'required': give true or false"),
    (
        "<label>T</label><type>Lookup</type><referenceTo>Lead</referenceTo>",
        "The local org has no custom fields of type Lookup",
    ),
    (
        f"{TEXT}<length>9</length><formula>1</formula>",
        "The local org does not know 'formula' of a CustomField",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "problem"), REFUSED)
def test_a_field_that_salesforce_refuses_is_refused(
    bare: Caller, project: Project, inside: str, problem: str
) -> None:
    project.add_field("Contact", "X__c", inside)
    assert problems(bare, project.folder) == {"Contact.X__c": problem}


def test_one_bad_component_keeps_all_others_out(bare: Caller, project: Project) -> None:
    project.add_field("Contact", "Score__c").add_field("Invoice", "Score__c")
    project.add_field("Contact", "Score")
    project.add_set("S", "Contact.Score__c", "Contact.Other__c", "Contact.LastName",
                    inside=rights("Contact", "allowRead", "allowDelete"))  # fmt: skip
    assert problems(bare, project.folder) == {
        "Invoice.Score__c": "Entity of type 'CustomObject' named 'Invoice' cannot be found",
        "Contact.Score": "fullName must end with: __c",
        "S": "You cannot deploy to a required field: Contact.LastName; "
        "In field: field - no CustomField named Contact.Other__c found; "
        "Permission Delete Contact depends on permission(s): Edit Contact; "
        "Permission Read Contact depends on permission(s): Read Account",
    }
    told = bare.admin("GET", "/metadata")
    assert (told["deployed_fields"], told["permission_sets"]) == ([], {})


def test_email_messages_take_no_fields_without_enhanced_email(bare: Caller) -> None:
    bare.admin("PATCH", "/rules", json={"enhanced_email": False})
    found = problems(bare, SHIPPED)
    assert found["EmailMessage.Touchline_Key__c"] == (
        "Entity of type 'CustomObject' named 'EmailMessage' cannot be found"
    )


def test_a_field_keeps_its_type(org: Caller, project: Project) -> None:
    project.add_field("Contact", "Touchline_Replied__c", SCORE)
    assert problems(org, project.folder) == {
        "Contact.Touchline_Replied__c": "Cannot change type due to existing data"
    }


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><CustomField>&a;</CustomField>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "a">]><x/>'.encode(
            "utf-16"
        ),
        b"<CustomField>",
        b"<CustomField/>",
    ],
    ids=["document_type", "not_utf_8", "cut_short", "other_namespace"],
)
def test_what_is_no_metadata_is_refused(bare: Caller, project: Project, content: bytes) -> None:
    project.add_field("Contact", "X__c")
    (file,) = project.room.rglob("X__c.*")
    file.write_bytes(content)
    assert problems(bare, project.folder)["Contact.X__c"].startswith("Error parsing file: ")


def test_what_is_no_project_is_refused(bare: Caller, tmp_path: Path) -> None:
    def refusal(folder: Path) -> str:
        reply = bare.http.post("/__admin/deploy", json={"folder": str(folder)})
        assert reply.status_code == httpx.codes.BAD_REQUEST
        return str(reply.json()[0]["message"])

    assert "has no sfdx-project.json" in refusal(tmp_path)
    empty = Project(tmp_path / "empty")
    assert "has no -meta.xml file" in refusal(empty.folder)
    outside = '{"packageDirectories": [{"path": "../empty"}]}'
    (Project(tmp_path / "outside").folder / "sfdx-project.json").write_text(outside, "utf-8")
    assert "is no folder of the project" in refusal(tmp_path / "outside")


def test_an_unknown_permission_set_is_not_assigned(bare: Caller) -> None:
    reply = bare.http.post("/__admin/assign", json={"permission_set": "Nobody"})
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert "has no permission set 'Nobody'" in reply.json()[0]["message"]


def test_a_reset_forgets_what_was_deployed(bare: Caller, seed_folder: Path) -> None:
    deploy(bare, SHIPPED)
    bare.admin("POST", "/reset", json={"bare": True})
    assert bare.admin("GET", "/metadata")["deployed_fields"] == []
    full = bare.admin("POST", "/reset", json={"seed": str(seed_folder)})
    bare.sign_in()
    assert full["left_out_of_seed"] == {}
    assert bare.query("select Touchline_Open_Count__c from Contact where Email like 'ben%'") == [
        {"Touchline_Open_Count__c": 3.0}
    ]


def test_the_file_remembers_how_it_began_and_what_was_deployed(
    tmp_path: Path, seed_folder: Path
) -> None:

    file = tmp_path / "org.db"
    first = Org.open(file, seed_folder=seed_folder, settings=OrgSettings(bare=True))
    deploy_to(first, SHIPPED)
    first.store.close()
    again = Org.open(file)
    try:
        contact = again.full_schema.find("Contact")
        assert contact is not None
        assert contact.find("Touchline_Open_Count__c") is not None
        seen = again.schema.find("Contact")
        assert seen is not None
        assert seen.find("Touchline_Open_Count__c") is None
        assert again.schema_changed_at == first.schema_changed_at
    finally:
        again.store.close()


def test_an_org_that_began_full_stays_full(tmp_path: Path) -> None:
    file = tmp_path / "org.db"
    Org.open(file).store.close()
    again = Org.open(file, settings=OrgSettings(bare=True))
    contact = again.schema.find("Contact")
    again.store.close()
    assert contact is not None
    assert contact.find("Touchline_Open_Count__c") is not None


def test_other_seeds_still_name_their_unknown_fields(bare: Caller, tmp_path: Path) -> None:
    folder = write_seed(tmp_path / "seed", {"Contact": [{**TEAM["Contact"][0], "Own__c": 1}]})
    reply = bare.http.post("/__admin/reset", json={"seed": str(folder), "bare": True})
    assert "Own__c is no field of Contact" in reply.json()[0]["message"]
