"""Mapping files laid over each other: what wins, what is refused, and where it is said (I1)."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from orchestration.writeback.mapping import Mapping, MappingError, load_mapping, parse_mapping
from orchestration.writeback.mapping_schema import schema_text

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "schemas" / "mapping.schema.json"
DEFAULT = ROOT / "orchestration" / "writeback" / "default_mapping.yml"

BASE = """\
version: 1
approval: {required: large, changed_share: 0.5}
objects:
  Contact:
    - {metric: open_count, field: Opens__c, policy: owned}
    - {metric: first_sequence, field: First__c, policy: fill_blank}
"""


def said(text: str, file: str = "m.yml") -> list[str]:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, file)
    return [str(each) for each in caught.value.problems]


def laid(folder: Path, above: str, below: str = BASE) -> Mapping:
    """Return the mapping of a file that extends `base.yml`."""
    (folder / "base.yml").write_text(below, encoding="utf-8")
    (folder / "mine.yml").write_text(f"version: 1\nextends: base.yml\n{above}", encoding="utf-8")
    return load_mapping(folder / "mine.yml")


def test_i1_three_lines_change_one_thing_of_the_default_mapping() -> None:
    mine = parse_mapping("version: 1\nextends: default\napproval: {required: every}\n", "m.yml")
    assert mine.objects == load_mapping().objects
    assert mine.sections.approval.required == "every"
    assert mine.sections.approval.changed_share == 0.25


def test_i1_a_field_over_another_changes_only_what_it_says(tmp_path: Path) -> None:
    mine = laid(tmp_path, "objects:\n  Contact:\n    - {field: OPENS__C, policy: never_decrease}\n")
    assert [(each.field, each.metric, each.policy) for each in mine.objects["Contact"]] == [
        ("Opens__c", "open_count", "never_decrease"),
        ("First__c", "first_sequence", "fill_blank"),
    ]


def test_i1_a_field_is_taken_away_and_another_added(tmp_path: Path) -> None:
    above = (
        "objects:\n  Contact:\n    - {field: First__c, off: true}\n"
        "    - {metric: score, field: Score__c, policy: owned}\n"
    )
    assert [each.field for each in laid(tmp_path, above).objects["Contact"]] == [
        "Opens__c",
        "Score__c",
    ]


def test_i1_sections_are_laid_over_key_by_key(tmp_path: Path) -> None:
    approval = laid(tmp_path, "approval: {changed_share: 0.1}\n").sections.approval
    assert (approval.required, approval.changed_share) == ("large", 0.1)


def test_i1_off_and_on_are_words_as_editors_read_them() -> None:
    mine = parse_mapping("version: 1\nextends: default\nactivities: {log: off}\n", "m.yml")
    assert mine.sections.activities.log == "off"


def test_i1_a_file_over_a_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "teams").mkdir()
    (tmp_path / "company.yml").write_text(
        "version: 1\nextends: default\ntasks: {kinds: [reply]}\n", encoding="utf-8"
    )
    mine = tmp_path / "teams" / "mine.yml"
    mine.write_text(
        "version: 1\nextends: ../company.yml\nlimits: {failed_share: 1}\n", encoding="utf-8"
    )
    mapping = load_mapping(mine)
    assert mapping.sections.tasks.kinds == ("reply",)
    assert mapping.sections.limits.failed_share == 1
    assert len(mapping.objects["Lead"]) == 16


def test_i1_a_problem_is_told_with_the_file_and_line_where_it_is_said(tmp_path: Path) -> None:
    below = BASE.replace("policy: owned", "policy: mine")
    with pytest.raises(MappingError) as caught:
        laid(
            tmp_path,
            "approval: {minimum_records: 0}\nobjects:\n  Contact:\n    - {field: New__c}\n",
            below,
        )
    told = {(Path(each.file).name, each.line, each.value) for each in caught.value.problems}
    assert told == {
        ("mine.yml", 3, "0"),
        ("base.yml", 5, "mine"),
        ("mine.yml", 6, "metric"),
        ("mine.yml", 6, "policy"),
    }


def test_i4_what_the_org_refuses_is_told_where_the_field_is_said_last(tmp_path: Path) -> None:
    mine = laid(tmp_path, "objects:\n  Contact:\n    - {field: First__c, policy: owned}\n")
    opens, first = mine.objects["Contact"]
    assert str(mine.problem("Contact", opens, "x", "y.")).startswith(f"{tmp_path / 'base.yml'}:5:")
    assert str(mine.problem("Contact", first, "x", "y.")).startswith(f"{tmp_path / 'mine.yml'}:5:")


def test_i1_a_section_is_told_where_its_key_is_said(tmp_path: Path) -> None:
    mine = laid(tmp_path, "tasks:\n  kinds: [reply]\n  key_field: Key__c\n")
    told = str(mine.section_problem("tasks", "key_field", "is unknown", "Create it."))
    assert told == f"{tmp_path / 'mine.yml'}:5: tasks.key_field: is unknown. Create it."
    unsaid = mine.section_problem("activities", "key_field", "is unknown", "Create it.")
    assert (unsaid.file, unsaid.line) == (str(tmp_path / "mine.yml"), 1)


def test_i1_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        MappingError, match=r"base\.yml:2: mine\.yml: leads back to a file above it"
    ):
        laid(tmp_path, "", "version: 1\nextends: mine.yml\n")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("version: 1\nextends: none.yml\n", "m.yml:2: none.yml: No such file or directory. Name"),
        ("version: 1\nextends: 5\n", "m.yml:2: 5: extends: Input should be a valid string. Use"),
        (
            "version: 1\nextends: default\nobjects:\n  Lead:\n    - {field: No__c, off: true}\n",
            "m.yml:5: Lead.No__c: is turned off, but nothing below maps it. Remove the line",
        ),
        (
            (
                "version: 1\nextends: default\nobjects:\n  Lead:\n"
                "    - {field: A__c, metric: a, policy: owned}\n"
                "    - {field: a__c, metric: b, policy: owned}\n"
            ),
            "m.yml:6: Lead.a__c: is the target of two metrics. Keep one of them.",
        ),
        (
            "version: 1\nextends: default\ntasks:\n  kinds: [reply, call]\n",
            "m.yml:4: call: is no kinds. Give a list of reply, manual_step, audience.",
        ),
        (
            "version: 1\nextends: default\nactivities:\n  log: everything\n",
            "m.yml:4: everything: is no log. Use one of email_message, task, off.",
        ),
        (
            "version: 1\nextends: default\nactivities:\n  open_count: IsOpened\n",
            "m.yml:4: IsOpened: is no open_count. Use the API name of a custom field, or null",
        ),
        (
            "version: 1\nextends: default\nlimits:\n  api_reserve: 0.1\n",
            "m.yml:4: api_reserve: is no key of a mapping.",
        ),
        (
            "version: 1\nextends: default\ntasks: {}\ntasks: {kinds: [reply]}\n",
            "m.yml:4: tasks: is said twice. Keep one of them: YAML takes the last, silently.",
        ),
        ("version: 1\nextends: default\napproval: 5\n", "m.yml:3: 5: is not written as a mapping"),
        ("version: 1\nextends: default\nobjects: []\n", "m.yml:3: objects: is not written as a"),
        ("version: 1\nextends: default\nobjects: {Lead: x}\n", "m.yml:3: x: is not written as a"),
        (
            "version: 1\nextends: default\n? [a, b]\n: 1\n",
            "m.yml:3: not YAML: found unhashable key.",
        ),
        ("version: 1\x00\n", "m.yml:1: not YAML: has a character that YAML forbids. Mend"),
        ("&a [*a]", "m.yml:1: mapping: is not written as a mapping needs it."),
    ],
)
def test_i1_what_cannot_be_laid_over_is_told_by_line(text: str, start: str) -> None:
    assert said(text)[0].startswith(start)


def test_i6_the_snapshot_reads_what_the_sections_are_told_by() -> None:
    alone = parse_mapping("version: 1\nobjects: {Contact: [], Lead: []}", "m.yml")
    assert alone.target_fields().keys() == {"Contact", "Lead"}
    lines = (
        "version: 1",
        "extends: default",
        "activities: {log: email_message, clicked_at: null}",
        "tasks: {kinds: [reply], key_field: T__c}",
        "campaign_members: {fill: true}",
    )
    fields = parse_mapping("\n".join(lines), "m.yml").target_fields()
    assert fields["Task"] == ["Touchline_Key__c", "T__c"]
    assert fields["EmailMessage"] == [
        "Touchline_Key__c",
        "Touchline_Open_Count__c",
        "Touchline_Click_Count__c",
    ]
    assert fields["CampaignMember"] == ["Status"]


def test_i1_the_published_schema_is_the_one_that_files_are_read_by() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text(), (
        "python -m orchestration.writeback.mapping_schema > docs/schemas/mapping.schema.json"
    )


def test_i1_the_default_mapping_names_its_schema_for_editors() -> None:
    first = DEFAULT.read_text("utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert named != first
    assert (DEFAULT.parent / named).resolve() == SCHEMA


def valid(text: str) -> bool:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return bool(Draft202012Validator(schema).is_valid(yaml.safe_load(text)))


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        (DEFAULT.read_text("utf-8"), True),
        ("version: 1\nextends: default\n", True),
        ("version: 1\nextends: default\nobjects: {Lead: [{field: A, 'off': true}]}", True),
        ("version: 1\nextends: default\ncreate_missing: {defaults: {Company: x}}", True),
        ("version: 1\nobjects: {Lead: [{field: A, 'off': true}]}", False),
        ("version: 1\n", False),
        ("version: 1\nextends: default\nobjects: {Lead: [{metric: a}]}", False),
        ("version: 1\nextends: default\ntasks: {kinds: [call]}", False),
        (f"{BASE}create_missing: {{defaults: {{}}}}", False),
        (BASE, True),
    ],
)
def test_i1_the_schema_takes_what_the_reader_takes(text: str, is_valid: bool) -> None:
    assert valid(text) is is_valid


def descriptions(part: Any) -> list[bool]:
    """Return for each key of a mapping whether the schema describes it."""
    found = [
        "description" in key
        for each in part["$defs"].values()
        for key in each["properties"].values()
    ]
    return found + ["description" in key for key in part["properties"].values()]


def test_i1_the_schema_describes_every_key() -> None:
    told = descriptions(json.loads(SCHEMA.read_text("utf-8")))
    assert len(told) > 25
    assert all(told)
