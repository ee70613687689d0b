"""How a story looks: who and where they stand, what happened and where it is written."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from orchestration.explain.story import Story
from orchestration.terminal.explain import story_parts
from tests.explain.ann import clicked, story


def shown(told: Story, *, width: int = 80, limit: int | None = 60) -> str:
    output = io.StringIO()
    console = Console(file=output, width=width)
    for part in story_parts(told, width=width, limit=limit):
        console.print(part)
    return output.getvalue()


def test_the_head_says_who_it_is_and_where_they_stand() -> None:
    text = shown(story(), width=120)
    head = text.splitlines()
    assert head[0] == "ann@acme.example"
    assert head[1].rstrip() == (
        "Contact 003Hs0000000001IAA; found by email address; owner Mara Lind"
    )
    assert "also ann@old.example (earlier)" in text
    assert "stands for Lead 00QHs0000000001MAA (converted)" in text
    assert "left alone, though they have one of the addresses: Contact 003Hs0000000002IAA" in text
    assert "Finished: Replied (replied)" in text
    assert "what was loaded until 2026-10-06 12:00" in text


def test_fields_that_are_empty_and_stay_so_come_with_all_only() -> None:
    assert "Tags__c" not in shown(story())
    assert "Tags__c" in shown(story(), limit=None)
    assert "kept" in shown(story())


def test_a_long_reason_leaves_names_of_fields_whole() -> None:
    told = story()
    field = "Touchline_Initial_Reply_Class__c"
    kept = replace(told.values[1], field=field)
    for width in (80, 120, 140):
        text = shown(replace(told, values=(kept,), timeline=()), width=width)
        assert field in text
        assert "kept" in text
        assert "kept:" not in text
        assert "fill_blank" in text


def test_alike_events_are_one_line_unless_all_are_asked_for() -> None:
    assert "2 times until 09:00:03, step 1, by a machine" in shown(story(), width=120)
    assert shown(story()).count("clicked ") == 2
    assert shown(story(), limit=None).count("clicked ") == 3


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"event_type": "bounced", "event_subtype": "soft"}, {"event_subtype": "hard"}),
        ({"event_type": "bounced"}, {}),
        ({"message_key": None}, {}),
        ({"actor": "human"}, {"actor": "machine"}),
        ({"event_subtype": "link"}, {"event_subtype": None}),
        ({"is_counted": True}, {"is_counted": False}),
    ],
)
def test_events_that_read_differently_or_are_no_opens_or_clicks_are_lines_of_their_own(
    first: dict[str, object], then: dict[str, object]
) -> None:
    timeline = (clicked("09:00:02", **first), clicked("09:00:03", **(first | then)))
    text = shown(replace(story(), timeline=timeline), width=120)
    assert "times until" not in text
    assert "09:00:03" in text


def test_a_rule_speaks_in_its_own_words_without_its_sources() -> None:
    text = " ".join(shown(story(), width=120).split())
    assert "No person clicks within 5 s of delivery, let alone before it (R07_too_fast_c" in text
    assert "Value Builder" not in text
    assert "not counted: no tracked domain" in text


def test_each_line_says_where_it_is_written() -> None:
    narrow, wide = shown(story(), width=80), shown(story(), width=140)
    for text in (narrow, wide):
        assert "sendgrid/1.ndjson:7 (2 copies)" in text
        assert "mailboxes/mara.mbox:12" in text
        assert "Salesforce Lead, load 2" in text
    assert "where it is written" in wide
    assert "where it is written" not in narrow


def test_cells_and_outcomes_close_the_story() -> None:
    text = " ".join(shown(story(), width=140).split())
    assert "plan-00001, Contact 003Hs0000000001IAA: 1 to write, 1 kept, 1 unchanged" in text
    assert "write Replied__c: false → true" in text
    assert "kept First__c: Cold → Warm, already filled" in text
    assert "refused Contact 003Hs0000000001IAA: 1 fields of plan-00001" in text
    assert "UNABLE_TO_LOCK_ROW: busy (Replied__c)" in text


def test_of_a_long_story_the_newest_lines_are_shown() -> None:
    text = shown(story(), limit=2)
    assert "6 earlier lines not shown" in text
    assert "sendgrid" not in text
    assert "UNABLE_TO_LOCK_ROW" in text


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert "\x1b" not in shown(story())
    assert "Hi \\x1b[31mAnn" in shown(story(), width=120)


def test_without_a_record_the_reason_stands_there() -> None:
    told = story()
    nobody = replace(told.person, crm_object=None, crm_id=None, unmatched_reason="record_deleted")
    text = " ".join(shown(replace(told, person=nobody, timeline=())).split())
    assert "not in Salesforce: the record, or every one with this address, was deleted" in text
    assert "Nothing is known to have happened." in text
