"""Rules that must hold for any input: ids, quoted text, values on their way in."""

import string
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from lark import Token

from orchestration.local_org import bulk_csv, identifiers, schema, soql_parser, values
from orchestration.local_org.errors import ApiError, RowRejected
from orchestration.local_org.soql_compiler import compile_query

SCHEMA = schema.load()
ONE_FIELD_PER_TYPE = list({each.type: each for one in SCHEMA for each in one.fields}.values())
ID15 = st.text(string.ascii_letters + string.digits, min_size=15, max_size=15)
CELLS = st.characters(exclude_categories=["Cs"])
JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


def quoted(text: str) -> str:
    """Write text as a SOQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def test_a_known_id_has_its_known_suffix() -> None:
    assert identifiers.canonical("00530000003T2PG") == "00530000003T2PGAA0"


@given(ID15)
def test_an_id_is_the_same_with_and_without_its_suffix(id15: str) -> None:
    id18 = identifiers.canonical(id15)
    assert id18 is not None
    assert identifiers.canonical(id18) == id18
    assert id18[:15] == id15


@given(ID15, st.integers(0, 14))
def test_an_18_character_id_whose_case_was_lost_is_none(id15: str, at: int) -> None:
    damaged = id15[:at] + id15[at].swapcase() + id15[at + 1 :]
    if damaged != id15:
        assert identifiers.canonical(damaged + identifiers.suffix(id15)) is None


@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=2, unique=True))
def test_ids_ascend_with_their_numbers(numbers: list[int]) -> None:
    lower, higher = sorted(numbers)
    assert identifiers.build("003", lower) < identifiers.build("003", higher)


@given(st.text())
def test_quoted_text_means_itself(text: str) -> None:
    assert soql_parser.unescape(Token("STRING", quoted(text))) == text
    condition = soql_parser.parse(f"select Id from Contact where Title = {quoted(text)}").where
    assert isinstance(condition, soql_parser.Comparison)
    assert soql_parser.unescape(condition.value.token) == text


@given(st.text())
def test_any_text_as_a_query_is_answered_or_refused(text: str) -> None:
    for soql in (text, f"select Id from Contact where {text}"):
        with suppress(ApiError):
            compile_query(SCHEMA, soql, include_deleted=False)


@given(st.lists(st.tuples(st.text(CELLS), st.text(CELLS)), max_size=5))
def test_any_text_survives_the_csv_of_a_job(rows: list[tuple[str, str]]) -> None:
    content = bulk_csv.write(["Id", "Title"], rows)
    table = bulk_csv.read(content, "LF", "COMMA")
    assert table.header == bulk_csv.header(content, "COMMA") == ["Id", "Title"]
    assert [tuple(cells) for cells in table.rows] == rows


@given(st.binary(), st.sampled_from(sorted(bulk_csv.LINE_ENDINGS)))
def test_any_upload_is_read_or_fails_its_job(content: bytes, line_ending: str) -> None:
    bulk_csv.header(content, "COMMA")
    with suppress(bulk_csv.JobError):
        table = bulk_csv.read(content, line_ending, "COMMA")
        assert all(len(cells) == len(table.header) for cells in table.rows)


@given(st.sampled_from(ONE_FIELD_PER_TYPE), JSON)
def test_any_value_is_refused_or_kept_and_then_kept_again(
    field: schema.Field, value: object
) -> None:
    with suppress(RowRejected):
        kept = values.to_stored(field, value)
        shown = bool(kept) if field.type == "boolean" else kept
        assert values.to_stored(field, shown) == kept
