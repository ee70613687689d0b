"""Values as text and as JSON: Python compares them as the plan's SQL does (I7, K6)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.crm.schema import FieldSchema
from orchestration.writeback.comparison import Cell
from orchestration.writeback.mapping import FieldMapping
from orchestration.writeback.refusals import Target
from orchestration.writeback.values import as_json, as_text, holds, holds_withheld


def schema(type_: str, scale: int = 0) -> FieldSchema:
    return FieldSchema(
        name="F__c",
        label="F",
        type=type_,
        length=255,
        precision=18,
        scale=scale,
        active_values=(),
        is_updateable=True,
        is_createable=True,
        is_nillable=True,
        is_calculated=False,
        is_filterable=True,
    )


@pytest.mark.parametrize(
    ("type_", "found", "text"),
    [
        ("double", 4.0, "4"),
        ("double", None, None),
        ("boolean", None, "false"),
        ("boolean", True, "true"),
        ("datetime", "2026-10-22T21:03:23.000+0000", "2026-10-22T21:03:23Z"),
        ("date", "2026-10-22", "2026-10-22"),
        ("email", "Ann@X.example", "ann@x.example"),
        ("reference", "003000000000001AAA", "003000000000001AAA"),
        ("string", "", None),
        ("textarea", "one\r\ntwo ", "one\ntwo"),
    ],
)
def test_i7_what_the_crm_answers_is_the_text_that_was_planned(
    type_: str, found: Any, text: str | None
) -> None:
    assert holds(schema(type_), found, text)
    assert as_text(schema(type_), found) == text


def test_an_id_is_the_same_with_15_characters_and_with_18() -> None:
    assert holds(schema("reference"), "003000000000001AAA", "003000000000001")
    assert not holds(schema("reference"), "003000000000001AAA", "003000000000002")


def test_another_value_is_not_held() -> None:
    assert not holds(schema("double"), 5.0, "4")
    assert not holds(schema("double"), None, "0")
    assert not holds(schema("string"), "A", "a")


def test_a_withheld_text_is_known_by_its_length() -> None:
    assert holds_withheld(schema("textarea"), "fo\r\nr ", "4 characters")
    assert not holds_withheld(schema("textarea"), "five!", "4 characters")
    assert not holds_withheld(schema("textarea"), None, "4 characters")
    assert not holds_withheld(schema("textarea"), "4", "4")


def test_i7_json_takes_numbers_and_booleans_as_such() -> None:
    assert [as_json("4", "double"), as_json("1.25", "double"), as_json(None, "double")] == [
        *(4, 1.25, None)
    ]
    assert [as_json("true", "boolean"), as_json("true", "string")] == [True, "true"]


def in_sql(field: FieldSchema, found: Sequence[str]) -> list[Any]:
    cell = Cell(Target(FieldMapping(metric="m", field="F__c", policy="owned"), field), 0)
    key = cell.old_key("found")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select {cell.as_text('key')} from (select {key} as key, place from (select "
            "unnest($found::varchar[]) as found, generate_subscripts($found, 1) as place)) "
            "order by place",
            {"found": list(found)},
        ).fetchall()
    return [text for (text,) in rows]


TEXTS = st.lists(st.text(alphabet="aB \t\r\n'é", max_size=6), min_size=50, max_size=200)
NUMBERS = st.lists(st.decimals(-1000, 1000, places=3), min_size=50, max_size=200)


@settings(max_examples=5, deadline=None)
@given(TEXTS, st.sampled_from(["string", "textarea", "email"]))
def test_k6_text_is_compared_as_the_plan_compares_it(texts: list[str], type_: str) -> None:
    assert [as_text(schema(type_), text) for text in texts] == in_sql(schema(type_), texts)


@settings(max_examples=5, deadline=None)
@given(NUMBERS, st.sampled_from([0, 2]))
def test_k6_numbers_are_compared_as_the_plan_compares_them(
    numbers: list[Decimal], scale: int
) -> None:
    field, found = schema("double", scale), [str(number) for number in numbers]
    assert [as_text(field, number) for number in found] == in_sql(field, found)
