"""The neutral sequence format (A5) is told four times: landing, schema, page and staging agree."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestration.landing import sequence_format
from tests.dbt_files import models
from tests.landing.folder import Folder, lines
from tests.landing.test_sequences import TABLE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "sequence-format.md").read_text(encoding="utf-8")
SCHEMA = DOCS / "schemas" / "sequence-records.schema.json"

_EXAMPLES = re.compile(r"^```jsonl\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##)", re.DOTALL | re.MULTILINE)
_ROW = re.compile(r"^\| `(\w+)` \| (yes)? ?\|", re.MULTILINE)
_READ = re.compile(r"'(\w+)': (?:'|\[)")

#: A good value of each kind.
_GOOD = (
    (sequence_format.TEXT, "text"),
    (sequence_format.IDENTIFIER, 7),
    (sequence_format.TIME, "2026-10-05T06:00:00.5+02:00"),
    (sequence_format.DATE, "2026-10-05"),
    (sequence_format.COUNTING_NUMBER, 2),
    (sequence_format.YES_OR_NO, False),
    (sequence_format.BODY_FORMAT, "plain"),
    (sequence_format.TEXTS, ["Positive"]),
    (sequence_format.COUNTS, {"views": 1}),
)

#: What is put in place of a good value; most fit no field, each fits some.
_VALUES: tuple[Any, ...] = (
    None, "", "x", "2", "2026-10-05T06:00:00Z", "2026-10-05T06:00:00", "2026-10-05 06:00:00Z",
    "2026-10-05", "2026-13-05", "1999-12-31T23:59:59Z", "true", "html", 0, 1, -1, 2.5, 2.0, 10**12,
    True, [], ["x"], {}, {"views": 1},
)  # fmt: skip


def examples() -> list[dict[str, Any]]:
    """Return the records that the page shows."""
    blocks = _EXAMPLES.findall(PAGE)
    return [json.loads(line) for block in blocks for line in block.splitlines()]


def validator() -> Draft202012Validator:
    """Return a validator of the published schema."""
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_published_schema_is_made_of_the_fields_that_landing_checks() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == sequence_format.published_schema(), (
        f"run: python -m orchestration.landing.sequence_format > {SCHEMA.relative_to(DOCS.parent)}"
    )
    Draft202012Validator.check_schema(sequence_format.json_schema())


def test_every_example_of_the_page_is_valid_and_loads(folder: Folder) -> None:
    shown = examples()
    assert {each["record_type"] for each in shown} == set(sequence_format.RECORD_TYPES)
    assert [error.message for each in shown for error in validator().iter_errors(each)] == []
    folder.write("sequences/neutral/examples.jsonl", lines(shown))
    folder.load()
    assert folder.rejects() == []
    assert folder.payloads(TABLE) == shown


def test_the_page_lists_every_field_and_which_are_needed() -> None:
    listed = {name.lower(): _ROW.findall(text) for name, text in _SECTION.findall(PAGE)}
    assert listed == {
        record_type: [(field.name, "yes" if field.is_required else "") for field in fields]
        for record_type, fields in sequence_format.RECORD_TYPES.items()
    }


@pytest.mark.parametrize("record_type", sequence_format.RECORD_TYPES)
def test_staging_reads_every_field_but_the_counters(record_type: str) -> None:
    """Counters are no events: nothing after raw knows them."""
    read = set(_READ.findall(models()[f"stg_sequences__neutral_{record_type}s"].sql))
    fields = {field.name for field in sequence_format.RECORD_TYPES[record_type]}
    assert read == (fields | {"record_type"}) - {"platform_counts"}


def test_what_the_schema_accepts_loads(folder: Folder) -> None:
    """Each field of each record replaced by whatever does not belong there.

    The schema is stricter about how a value is spelled; about what is missing they agree.
    """
    changed = [
        (filled | {name: value}, value)
        for filled in map(_filled, sequence_format.RECORD_TYPES)
        for name in filled
        for value in _VALUES
    ]
    folder.write("sequences/neutral/all.ndjson", lines(record for record, _ in changed))
    folder.load()
    refused = dict(folder.rejects())
    is_valid = validator().is_valid
    verdicts = [
        (is_valid(record), number not in refused, record, value)
        for number, (record, value) in enumerate(changed, 1)
    ]
    assert [each for each in verdicts if each[:2] == (True, False)] == []
    assert [each for each in verdicts if each[:2] == (False, True) and each[3] is None] == []
    assert {each[:2] for each in verdicts} == {(True, True), (False, False), (False, True)}


def _filled(record_type: str) -> dict[str, Any]:
    """Return a record of the type with every field filled in."""
    fields = sequence_format.RECORD_TYPES[record_type]
    values = {field.name: next(v for kind, v in _GOOD if kind is field.kind) for field in fields}
    return {"record_type": record_type, **values}
