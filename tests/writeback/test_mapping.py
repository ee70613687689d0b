"""The mapping file: what it takes, what it refuses, and how it says so (I1, I4)."""

from pathlib import Path

import pytest

from orchestration.crm.schema import parse_describe
from orchestration.writeback.mapping import MappingError, load_mapping, parse_mapping
from orchestration.writeback.refusals import check_mapping
from tests.writeback.stage import DESCRIBE, METRIC_COLUMNS, contact_mapping, field

SCHEMAS = {"Contact": parse_describe({"name": "Contact", "fields": DESCRIBE})}
COLUMNS = {
    "Contact": {
        name: type_.upper()
        for name, type_ in (column.split() for column in METRIC_COLUMNS.split(", "))
    }
}


def problems(line: str) -> list[str]:
    """Return what is said about a mapping of one line, held against the test org."""
    with pytest.raises(MappingError) as caught:
        check_mapping(contact_mapping(line), SCHEMAS, COLUMNS)
    return [str(problem) for problem in caught.value.problems]


def test_i1_the_default_mapping_covers_both_objects_alike() -> None:
    mapping = load_mapping()
    assert mapping.objects["Contact"] == mapping.objects["Lead"]
    by_metric = {each.metric: each for each in mapping.objects["Contact"]}
    assert len(by_metric) == 16
    assert by_metric["open_count"].policy == "owned"
    assert by_metric["first_sequence"].policy == "fill_blank"
    assert by_metric["is_opted_out"].policy == "opt_out"
    assert mapping.target_fields()["Lead"][0] == "Touchline_Open_Count__c"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "metric: open_count, field: Nowhere__c, policy: owned",
            (
                "is unknown to the org, or hidden from the user that Touchline logs in as. "
                "Create it: Setup > Object Manager > Contact > Fields & Relationships > New. If it "
                "is there: Setup > Permission Sets > Touchline Integration > Object Settings > "
                "Contacts > Field Permissions: enable Read and Edit Access for Nowhere__c."
            ),
        ),
        (
            "metric: first_sequence, field: ReadOnly__c, policy: owned",
            (
                "cannot be edited by the user that Touchline logs in as. "
                "Setup > Permission Sets > Touchline Integration > Object Settings > Contacts > "
                "Field Permissions: enable Read and Edit Access for ReadOnly__c. Or map to another "
                "field."
            ),
        ),
        (
            "metric: most_recent_sequence, field: Campaign__c, policy: owned",
            (
                "is a lookup to a campaign, which takes no metric. Say `campaign_members: "
                "{fill: true}`: what came of a sequence goes to the members."
            ),
        ),
        (
            "metric: is_replied, field: HasResponded, policy: owned",
            (
                "is set by Salesforce from the status of a campaign member. "
                "Say `campaign_members: {fill: true}`: the status is written."
            ),
        ),
        (
            "metric: clicked_at, field: LastActivityDate, policy: owned",
            (
                "is set by Salesforce from the activities of the record. "
                "Log activities (`activities:`), or map to a date field of your own."
            ),
        ),
        (
            "metric: is_replied, field: IsEmailBounced, policy: owned",
            ("is set by Salesforce from EmailBouncedReason. Map to a checkbox of your own."),
        ),
        (
            "metric: open_count, field: opens__C, policy: owned",
            "is written otherwise than the org writes it. Write Opens__c.",
        ),
        (
            "metric: open_count, field: Formula__c, policy: owned",
            "is calculated by Salesforce. Map to a field that can be edited.",
        ),
        (
            "metric: sequence_status, field: Many__c, policy: owned",
            (
                "is a multi-select picklist, where one value would replace several. "
                "Map to a text field or to a single-select picklist."
            ),
        ),
        (
            "metric: sequence_status, field: OwnerId, policy: owned",
            "is a lookup, which holds a record id and no metric. Map to a text field instead.",
        ),
        (
            "metric: sequence_status, field: Where__c, policy: owned",
            "has the type location, which takes no metric. Map to a field of another type.",
        ),
        (
            "metric: sequence_status, field: MailingCountry, policy: owned",
            "is filled by Salesforce from its code field. Map to MailingCountryCode instead.",
        ),
        (
            "metric: sequence_status, field: Status__c, policy: owned",
            (
                "is a picklist without a default in the mapping. "
                "Add `default:` with the value that stands in for one the picklist lacks."
            ),
        ),
        (
            "metric: sequence_status, field: Status__c, policy: owned, default: Nurture",
            "has no active value 'Nurture'. Use one of: Active, Finished.",
        ),
        (
            "metric: initial_reply_tags, field: Status__c, policy: owned, default: Active",
            "is a picklist, and tags are free text. Map tags to a text field.",
        ),
        (
            "metric: first_sequence, field: First__c, policy: owned, default: Active",
            "is no picklist and takes no default. Remove `default:`.",
        ),
        (
            "metric: is_replied, field: Replied__c, policy: owned, clears: true",
            "cannot be empty. Remove `clears: true`.",
        ),
        (
            "metric: is_replied, field: Replied__c, policy: fill_blank",
            "is a checkbox, which is never blank. Use the policy owned or opt_out.",
        ),
        (
            "metric: first_sequence, field: First__c, policy: never_decrease",
            "is no number, and never_decrease needs one. Use the policy owned.",
        ),
        (
            "metric: is_replied, field: Opens__c, policy: owned",
            (
                "is of the type double, and the metric is_replied is boolean. "
                "Map the metric to a field of a matching type."
            ),
        ),
    ],
)
def test_i4_what_cannot_be_written_is_refused_with_a_remedy(line: str, said: str) -> None:
    target = line.split("field: ", maxsplit=1)[1].split(",", maxsplit=1)[0]
    assert problems(line) == [f"mapping.yml:4: Contact.{target}: {said}"]


def test_i4_a_metric_that_is_not_computed_is_refused_with_those_that_are() -> None:
    (said,) = problems("metric: shoe_size, field: Opens__c, policy: owned")
    assert "no metric shoe_size is computed. Use one of: click_count, clicked_at," in said


def test_i4_all_problems_are_told_at_once() -> None:
    mapping = contact_mapping(
        "metric: open_count, field: Nowhere__c, policy: owned",
        "metric: open_count, field: Formula__c, policy: owned",
    )
    with pytest.raises(MappingError) as caught:
        check_mapping(mapping, SCHEMAS, COLUMNS)
    assert [problem.line for problem in caught.value.problems] == [4, 5]


def test_an_optional_field_may_be_hidden() -> None:
    line = "metric: is_opted_out, field: DoNotEmail__c, policy: opt_out, optional: true"
    checked = check_mapping(contact_mapping(line), SCHEMAS, COLUMNS)
    assert checked.targets == {"Contact": ()}
    assert checked.notes == ("Contact.DoNotEmail__c is not visible in this org: left out",)


def test_f3_the_detailed_vocabulary_reads_its_own_column() -> None:
    line = (
        "metric: sequence_status, field: First__c, policy: owned, vocabulary: detailed, "
        "optional: true"
    )
    (said,) = problems(line)
    assert "no metric sequence_status_detailed is computed" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "version: 1\nobjects:\n  Campaign:\n    - {metric: a, field: B, policy: owned}\n",
            (
                "m.yml:3: Campaign: cannot be written to. Say `campaign_members: {fill: true}`: "
                "what came of a sequence goes there."
            ),
        ),
        (
            "version: 1\nobjects:\n  User:\n    - {metric: a, field: B, policy: owned}\n",
            "m.yml:3: User: cannot be written to. Give fields for Contact, Lead or both.",
        ),
        (
            (
                "version: 1\nobjects:\n  Contact:\n    - metric: a\n      field: B\n"
                "      policy: mine\n"
            ),
            ("m.yml:6: mine: is no policy. Use one of owned, fill_blank, opt_out, never_decrease."),
        ),
        (
            "version: 1\nobjects:\n  Contact:\n    - {metric: a, policy: owned}\n",
            (
                "m.yml:4: field: is missing. "
                "Use the field's API name, such as Touchline_Open_Count__c."
            ),
        ),
        (
            "version: 1\nobjects:\n  Contact:\n    - {metric: a, field: 'x; y', policy: owned}\n",
            (
                "m.yml:4: x; y: is no field. "
                "Use the field's API name, such as Touchline_Open_Count__c."
            ),
        ),
        (
            (
                "version: 1\nobjects:\n  Contact:\n    - {metric: a, field: B, policy: owned}\n"
                "    - {metric: c, field: b, policy: owned}\n"
            ),
            "m.yml:5: Contact.b: is the target of two metrics. Keep one of them.",
        ),
        (
            "version: 1\nobjects:\n  Contact:\n   - {metric: a,\n",
            (
                "m.yml:5: not YAML: expected the node content, but found '<stream end>'. "
                "Mend the YAML there: indentation, quotes and colons are the usual causes."
            ),
        ),
        (
            (
                "version: 1\nobjects:\n  Contact:\n"
                "    - {metric: a, field: B, policy: fill_blank, clears: true}\n"
            ),
            (
                "m.yml:4: Contact.B: clears: true contradicts the policy fill_blank. "
                "Remove it, or use the policy owned."
            ),
        ),
        (
            "version: 1\nobjects:\n  Contact:\n    - {metric: a, field: B, policy: owned, x: 1}\n",
            "m.yml:4: x: is no key of a mapping. See docs/mapping.md",
        ),
        ("", "m.yml:1: mapping: is not written as a mapping needs it. See docs/mapping.md"),
    ],
)
def test_i1_an_unreadable_mapping_names_file_line_value_and_remedy(text: str, said: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "m.yml")
    assert str(caught.value).startswith(said)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="No such file or directory"):
        load_mapping(tmp_path / "none.yml")


def test_i4_a_text_field_takes_any_metric() -> None:
    schemas = {"Contact": parse_describe({"name": "Contact", "fields": [field("T__c", "string")]})}
    line = "metric: open_count, field: T__c, policy: owned"
    assert len(check_mapping(contact_mapping(line), schemas, COLUMNS).targets["Contact"]) == 1
