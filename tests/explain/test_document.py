"""A story as a JSON document is what its schema promises, entry for entry."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestration.explain.document import as_document
from orchestration.explain.story import KINDS
from tests.explain.ann import story

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "explain.schema.json").read_text("utf-8")
)


def test_the_document_of_a_story_fulfils_the_schema() -> None:
    document = json.loads(json.dumps(as_document(story())))
    assert {entry["kind"] for entry in document["timeline"]} == set(KINDS.values())
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []
    assert document["timeline"][2]["place"] == {
        "file": "sendgrid/1.ndjson", "line": 7, "copies": 2,
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(SCHEMA["$defs"]))
def test_the_schema_says_what_each_part_is(name: str) -> None:
    assert SCHEMA["$defs"][name]["description"]
    assert SCHEMA["$defs"][name]["additionalProperties"] is False
