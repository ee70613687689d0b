"""Tables say what they are given, also when a log or a record holds rich's own markup."""

import io

import pytest
from rich.console import Console, RenderableType

from orchestration.terminal import tables
from orchestration.terminal.rejects import Rejects, Skips
from orchestration.terminal.summary import Summary

HOSTILE = "[/b] [bold]x"

SUMMARY = Summary(
    loads=[(HOSTILE, 1, 2, 3, 4, None)],
    rejects=[Rejects(HOSTILE, HOSTILE, [(HOSTILE, 1)], 1, 1, HOSTILE, 1)],
    headlines=(4, 4, 3, 2, 2, 4, 1, 1),
    discrepancies=[(HOSTILE, HOSTILE, 1, 1.0)],
    reply_rates=[(HOSTILE, 10, 1, 0.1, 0.02, 0.4)],
    statuses=[(HOSTILE, HOSTILE, HOSTILE, 1)],
    loose_ends=[(HOSTILE, HOSTILE, 1)],
)


def shown(part: RenderableType) -> str:
    output = io.StringIO()
    Console(file=output, width=200).print(part)
    return output.getvalue()


@pytest.mark.parametrize(
    "table",
    [
        tables.loads_table(HOSTILE, SUMMARY.loads),
        tables.rejects_table(SUMMARY.rejects),
        tables.skips_table([Skips(HOSTILE, HOSTILE, 1)]),
        tables.discrepancies_table(SUMMARY),
        tables.reply_rates_table(SUMMARY),
        tables.statuses_table(SUMMARY),
        tables.loose_ends_table(SUMMARY.loose_ends),
        tables.fields_table([("Contact", HOSTILE, HOSTILE, 1, 2, 3)]),
        tables.changes_table(HOSTILE, [("Contact", HOSTILE, HOSTILE, HOSTILE, None, "write", "r")]),
    ],
    ids=[
        "loads",
        "rejects",
        "skips",
        "discrepancies",
        "rates",
        "statuses",
        "loose_ends",
        "fields",
        "cells",
    ],
)
def test_markup_in_the_data_is_shown_and_not_obeyed(table: RenderableType) -> None:
    assert HOSTILE in shown(table)


def test_a_name_gives_the_terminal_no_orders() -> None:
    escape = "\x1b[2J\x07 ü\u202e.json"
    text = shown(tables.loads_table("", [(escape, 1, 2, 3, 4, None)]))
    assert r"\x1b[2J\x07 ü\u202e.json" in text


def test_a_share_names_what_it_is_a_share_of() -> None:
    text = shown(tables.engagement_table(SUMMARY))
    assert "of tracked" in text
    assert "75.0 %" in text


def test_a_table_without_a_denominator_shows_no_rate() -> None:
    nothing = Summary([], [], (0, 0, 0, 0, 0, 0, 0, 0), [], [], [], [])
    assert "%" not in shown(tables.engagement_table(nothing))
