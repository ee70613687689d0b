"""A8: rejects and skipped records by reason, with a place to look at and what to do; no payload."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.cli import main, warn_of_rejects
from orchestration.landing.load import load
from orchestration.landing.reasons import REMEDIES, SKIPPED
from orchestration.landing.settling import settle_by_hand
from orchestration.settings import Settings
from orchestration.terminal.rejects import read_rejects, read_skips
from orchestration.warehouse import Warehouse

SECRET = "hush-hush"

EVENTS = [
    {"event": "teleported", "email": "a@visitor.example", "password": SECRET},
    {"event": "teleported", "email": "a@visitor.example", "password": SECRET},
    {"event": "beamed", "email": "a@visitor.example"},
    {"event": "x" * 90, "email": "a@visitor.example"},
    {"event": "moved: there", "email": "a@visitor.example"},
    {"event": "open", "email": "a@visitor.example", "timestamp": SECRET},
]

Run = Callable[..., str]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse with rejects of several reasons and skipped records, one file settled."""
    landing = tmp_path / "landing"
    texts = {
        "sendgrid/a.ndjson": "".join(json.dumps(event) + "\n" for event in EVENTS),
        "sendgrid/b.ndjson": f"{SECRET}\n",
        "ses/a.ndjson": '{"Type": "SubscriptionConfirmation", "Token": "hush-hush"}\n' * 2,
        "notes.txt": SECRET,
    }
    for name, text in texts.items():
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text(text, encoding="utf-8")
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    load(warehouse, landing)
    settle_by_hand(warehouse, ["notes.txt"])
    return warehouse


@pytest.fixture
def touchline(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The command on that warehouse's data folder; returns what it prints."""

    def run(*arguments: str) -> str:
        monkeypatch.setenv("TOUCHLINE_DATA", str(warehouse.path.parent))
        monkeypatch.setattr(sys, "argv", ["touchline", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    return run


def test_a8_rejects_are_grouped_by_what_stands_before_the_variable_part(
    warehouse: Warehouse,
) -> None:
    with warehouse.connect(read_only=True) as connection:
        unknown, broken, invalid = read_rejects(connection)
    assert (unknown.source, unknown.reason, unknown.records) == (
        "sendgrid",
        "unknown_event_type",
        5,
    )
    assert unknown.example == "sendgrid/a.ndjson:1"
    assert (
        unknown.told
        == "unknown_event_type: teleported (2), beamed (1), moved: there (1) and 1 more"
    )
    assert unknown.remedy == REMEDIES["unknown_event_type"]
    assert (broken.told, broken.example) == ("broken_json", "sendgrid/b.ndjson:1")
    assert (invalid.told, invalid.example) == ("invalid_timestamp", "sendgrid/a.ndjson:6")


def test_a8_a_long_value_is_cut_short(warehouse: Warehouse) -> None:
    settle_by_hand(warehouse, ["sendgrid/*"])
    (warehouse.path.parent / "landing/sendgrid/c.ndjson").write_text(json.dumps(EVENTS[3]))
    load(warehouse, warehouse.path.parent / "landing")
    with warehouse.connect(read_only=True) as connection:
        [only] = read_rejects(connection)
    assert only.told == f"unknown_event_type: {'x' * 39}…"


def test_a8_settled_rejects_come_when_they_are_asked_for(warehouse: Warehouse) -> None:
    with warehouse.connect(read_only=True) as connection:
        assert {each.reason for each in read_rejects(connection)}.isdisjoint({"unrecognised_file"})
        *_, settled = read_rejects(connection, with_settled=True)
    assert (settled.source, settled.example) == ("unrecognised", "notes.txt")
    assert (settled.records, settled.open_records) == (1, 0)


def test_skipped_records_are_counted_by_reason(warehouse: Warehouse) -> None:
    with warehouse.connect(read_only=True) as connection:
        [skips] = read_skips(connection)
    assert (skips.source, skips.reason, skips.records) == ("ses", "subscription_confirmation", 2)
    assert skips.meaning == SKIPPED["subscription_confirmation"]


def test_a8_status_shows_reason_place_and_remedy_and_never_a_payload(touchline: Run) -> None:
    plain, everything = touchline("status"), touchline("status", "--all")
    for shown in (plain, everything):
        assert "sendgrid/a.ndjson:1" in shown
        assert REMEDIES["broken_json"] in shown
        assert SKIPPED["subscription_confirmation"] in shown
        assert SECRET not in shown
    assert "1 settled reject not shown" in plain
    assert "unrecognised_file" not in plain
    assert "still open" in everything
    assert "unrecognised_file" in everything


def test_a8_status_tells_machines_the_same(touchline: Run) -> None:
    text = touchline("status", "--json")
    assert SECRET not in text
    told = json.loads(text)
    assert told["rejects"][1] == {
        "source": "sendgrid",
        "reason": "broken_json",
        "variants": [],
        "records": 1,
        "open": 1,
        "example": "sendgrid/b.ndjson:1",
        "remedy": REMEDIES["broken_json"],
    }
    assert told["rejects"][0]["variants"][0] == {"value": "teleported", "records": 2}
    assert told["settled_rejects"] == 1
    assert told["skips"] == [
        {
            "source": "ses",
            "reason": "subscription_confirmation",
            "records": 2,
            "meaning": SKIPPED["subscription_confirmation"],
        }
    ]
    skipped = {each["source"]: each["skipped"] for each in told["loads"]}
    assert skipped == {"sendgrid": 0, "ses": 2, "unrecognised": 0}


def test_reload_and_settle_say_how_many_files_they_speak_of(touchline: Run) -> None:
    assert touchline("reload", "sendgrid/*") == (
        "The next run loads 2 files again: `touchline run`.\n"
    )
    assert touchline("settle", "sendgrid/a*") == "Settled 6 rejects of 1 file.\n"
    assert json.loads(touchline("settle", "sendgrid/b*", "--json")) == {
        "files": {"sendgrid/b.ndjson": 1}
    }
    assert json.loads(touchline("reload", "ses/*", "--json")) == {"files": ["ses/a.ndjson"]}


def test_l7_a_spike_is_a_warning_of_the_run(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"TOUCHLINE_DATA": str(warehouse.path.parent)}
    warn_of_rejects(Settings.from_environment(data))
    assert capsys.readouterr().err == ""
    warn_of_rejects(Settings.from_environment(data | {"TOUCHLINE_REJECT_MINIMUM": "7"}))
    assert capsys.readouterr().err == (
        "warning: sendgrid: 7 of 7 records rejected (100.0%, usually 0.0%): unknown_event_type 5, "
        "broken_json 1, invalid_timestamp 1. See `touchline status`.\n"
    )


def test_a_warehouse_of_an_earlier_version_is_shown_as_it_is(
    warehouse: Warehouse, touchline: Run
) -> None:
    with warehouse.connect() as connection:
        connection.execute("alter table raw.rejects drop settled_at")
        connection.execute("alter table raw.loads drop skipped")
        connection.execute("drop table raw.skipped")
    told = json.loads(touchline("status", "--json"))
    assert sum(each["open"] for each in told["rejects"]) == 8
    assert told["skips"] == []
