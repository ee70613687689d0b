"""The Salesforce package: what is generated, what is committed, and what the org has (I9)."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from orchestration.crm.salesforce import API_VERSION
from orchestration.settings import PROJECT_ROOT
from orchestration.writeback.mapping import Mapping, load_mapping, parse_mapping
from orchestration.writeback.package import Package, make_package, write_package
from orchestration.writeback.package_fields import ORDER
from orchestration.writeback.vocabularies import read_vocabularies

COMMITTED = PROJECT_ROOT / "salesforce"
OBJECTS = COMMITTED / "force-app" / "main" / "default" / "objects"
PERMISSIONS = "force-app/main/default/permissionsets/Touchline_Integration.permissionset-meta.xml"
ORG = PROJECT_ROOT / "orchestration" / "local_org" / "objects"
VOCABULARIES = read_vocabularies(PROJECT_ROOT / "dbt_project" / "seeds")

#: Salesforce's types: as metadata names them, and as a describe does.
DESCRIBED = {
    "Number": "double",
    "Text": "string",
    "Checkbox": "boolean",
    "DateTime": "datetime",
    "Picklist": "picklist",
}
#: Custom fields of tasks live on Activity.
DEFINED_ON = {
    "Contact": "Contact",
    "Lead": "Lead",
    "Task": "Activity",
    "EmailMessage": "EmailMessage",
}


def package(text: str = "") -> Package:
    lines = f"version: 1\nextends: default\n{text}"
    return make_package(parse_mapping(lines, "m.yml"), VOCABULARIES)


def elements(text: str) -> ET.Element:
    """Return the root of a metadata file, with plain names."""
    return ET.fromstring(re.sub(r' xmlns="[^"]+"', "", text, count=1))  # noqa: S314 - our own


def fields_of(folder: str) -> dict[str, ET.Element]:
    files = (OBJECTS / folder / "fields").glob("*.field-meta.xml")
    return {file.name.split(".")[0]: elements(file.read_text("utf-8")) for file in files}


def as_described(field: ET.Element) -> dict[str, Any]:
    """Return of a field what the local org says of it, too."""
    return {
        "name": field.findtext("fullName"),
        "label": field.findtext("label"),
        "type": DESCRIBED[field.findtext("type") or ""],
        "length": int(field.findtext("length") or 0),
        "precision": int(field.findtext("precision") or 0),
        "scale": int(field.findtext("scale") or 0),
        "externalId": field.findtext("externalId") == "true",
        "unique": field.findtext("unique") == "true",
        "restricted": field.findtext("valueSet/restricted") == "true",
        "values": [
            each.text for each in field.findall("valueSet/valueSetDefinition/value/fullName")
        ],
    }


def as_the_org_has_it(field: dict[str, Any]) -> dict[str, Any]:
    plain = {"length": 0, "precision": 0, "scale": 0, "values": []}
    flags = dict.fromkeys(("externalId", "unique", "restricted"), False)
    kept = {"name", "label", "type", *plain, *flags}
    return plain | flags | {key: value for key, value in field.items() if key in kept}


def permissions(mapping_text: str, kind: str, name: str) -> dict[str, dict[str, str]]:
    root = elements(package(mapping_text).files[PERMISSIONS])
    found = [{part.tag: part.text or "" for part in each} for each in root.findall(kind)]
    return {each[name]: each for each in found}


def test_i9_the_committed_package_is_what_the_default_mapping_gives(tmp_path: Path) -> None:
    made = make_package(load_mapping(), VOCABULARIES)
    write_package(made, tmp_path)
    there = {
        file.relative_to(COMMITTED).as_posix(): file.read_text("utf-8")
        for file in COMMITTED.rglob("*")
        if file.is_file()
    }
    assert there == dict(made.files), "touchline metadata --out salesforce"
    assert made.left_out == ()


@pytest.mark.parametrize("name", DEFINED_ON)
def test_i9_package_and_local_org_have_the_same_custom_fields(name: str) -> None:
    described = json.loads((ORG / f"{name}.json").read_text("utf-8"))["fields"]
    ours = {each["name"]: each for each in described if each["name"].startswith("Touchline_")}
    package_fields = fields_of(DEFINED_ON[name])
    assert {name: as_described(field) for name, field in package_fields.items()} == {
        name: as_the_org_has_it(field) for name, field in ours.items()
    }


@pytest.mark.parametrize("name", ["Contact", "Lead"])
def test_i1_the_default_mapping_names_just_the_packages_fields(name: str) -> None:
    mapped = {each.field for each in load_mapping().objects[name] if each.field.endswith("__c")}
    assert set(fields_of(name)) == mapped


def test_i9_each_file_is_shaped_as_salesforce_writes_it() -> None:
    files = sorted(COMMITTED.rglob("*.field-meta.xml"))
    assert len(files) > 30
    for file in files:
        text = file.read_text("utf-8")
        root = elements(text)
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<CustomField xmlns=')
        names = [part.tag for part in root]
        assert names == [name for name in ORDER if name in names]
        assert root.findtext("fullName") == file.name.removesuffix(".field-meta.xml")
        # What Salesforce takes at most.
        assert 0 < len(root.findtext("label") or "") <= 40
        assert 0 < len(root.findtext("inlineHelpText") or "") <= 255
        assert 0 < len(root.findtext("description") or "") <= 1000


def test_i9_the_permission_set_is_in_salesforces_order_and_names_no_field_twice() -> None:
    root = elements((COMMITTED / PERMISSIONS).read_text("utf-8"))
    tags = [part.tag for part in root]
    assert tags == sorted(tags)
    fields = [each.findtext("field") or "" for each in root.findall("fieldPermissions")]
    assert fields == sorted(set(fields))


def test_i9_the_project_is_of_the_api_version_that_touchline_speaks() -> None:
    project = json.loads((COMMITTED / "sfdx-project.json").read_text("utf-8"))
    assert project["sourceApiVersion"] == API_VERSION


def test_i9_the_permission_set_edits_what_is_written_and_reads_what_is_read() -> None:
    fields = permissions("", "fieldPermissions", "field")
    assert fields["Contact.Touchline_Open_Count__c"]["editable"] == "true"
    assert fields["Lead.HasOptedOutOfEmail"]["editable"] == "true"
    assert fields["Contact.Email"]["editable"] == "false"
    without = permissions(
        "objects: {Lead: [{field: HasOptedOutOfEmail, off: true}]}", "fieldPermissions", "field"
    )
    assert without["Lead.HasOptedOutOfEmail"]["editable"] == "false"


def test_i9_rights_come_with_what_the_mapping_turns_on() -> None:
    off = (
        "activities: {log: 'off'}\ntasks: {kinds: []}\ncampaign_members: {fill: false}\n"
        "create_missing: null\n"
    )
    objects = permissions(off, "objectPermissions", "object")
    assert objects.keys() == {"Account", "Contact", "Lead"}
    assert {(each["allowCreate"], each["allowDelete"]) for each in objects.values()} == {
        ("false", "false")
    }
    assert objects["Account"]["allowEdit"] == "false"
    assert "EditTask" not in permissions(off, "userPermissions", "name")
    tasks = off.replace("kinds: []", "kinds: [reply]")
    assert "EditTask" in permissions(tasks, "userPermissions", "name")
    assert permissions(tasks, "fieldPermissions", "field")["Task.WhoId"]["editable"] == "true"
    funnel = off.replace("fill: false", "fill: true")
    assert "Campaign" in permissions(funnel, "objectPermissions", "object")
    creating = "{object: Lead, defaults: {Company: Unknown, Region__c: EU}}"
    creating = off.replace("create_missing: null", f"create_missing: {creating}")
    assert permissions(creating, "objectPermissions", "object")["Lead"]["allowCreate"] == "true"
    fields = permissions(creating, "fieldPermissions", "field")
    assert fields["Lead.Region__c"]["editable"] == "true"
    # Salesforce refuses a permission set with a field that everybody sees anyway.
    assert "Lead.Company" not in fields


def test_i9_without_enhanced_email_nothing_is_asked_of_email_messages() -> None:
    files = package("activities: {log: task}").files
    assert [path for path, text in files.items() if "EmailMessage" in path + text] == ["README.md"]


def test_i9_fields_of_your_own_are_named_and_not_made() -> None:
    mine = (
        "objects:\n  Lead:\n    - {metric: open_count, field: Opens__c, policy: owned}\n"
        "    - {metric: shoe_size, field: Touchline_Shoe_Size__c, policy: owned}\n"
    )
    made = package(mine)
    assert made.left_out == (
        "Lead.Opens__c: a field of your own, which has to be there",
        "Lead.Touchline_Shoe_Size__c: no type is known for shoe_size",
    )
    assert [path for path in made.files if "Shoe" in path or "/Opens" in path] == []
    assert permissions(mine, "fieldPermissions", "field")["Lead.Opens__c"]["editable"] == "true"


def test_i9_a_picklist_has_the_values_of_its_vocabulary_and_its_default() -> None:
    mine = (
        "objects:\n  Lead:\n    - {field: Touchline_Sequence_Status__c, vocabulary: detailed, "
        "default: Other}\n"
    )
    path = "force-app/main/default/objects/Lead/fields/Touchline_Sequence_Status__c.field-meta.xml"
    values = as_described(elements(package(mine).files[path]))["values"]
    assert values == [*VOCABULARIES["sequence_status_detailed"], "Other"]


def columns_of_the_marts() -> Sequence[str]:
    text = (PROJECT_ROOT / "dbt_project/models/crm/contact_fields.yml").read_text("utf-8")
    return re.findall(r"^      - name: (\w+)$", text.split("exposures:")[0], re.MULTILINE)


def test_i9_every_metric_that_may_be_mapped_has_a_type() -> None:
    unknown: list[str] = []
    for column in columns_of_the_marts():
        line = f"{{metric: {column}, field: Touchline_X__c, policy: owned}}"
        mapping: Mapping = parse_mapping(f"version: 1\nobjects: {{Lead: [{line}]}}", "m.yml")
        unknown += make_package(mapping, VOCABULARIES).left_out
    assert unknown == ["Lead.Touchline_X__c: no type is known for crm_id"]
