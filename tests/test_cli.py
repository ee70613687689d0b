"""The `touchline` command as people and machines meet it: help, figures, and refusals."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import typer
from typer.testing import CliRunner

from orchestration.cli import app, main
from orchestration.local_org import process
from orchestration.sync_report import Calls, Loads, Planned, SyncReport, Written
from orchestration.warehouse import Warehouse
from orchestration.writeback.tables import create_writeback_tables

ROOT = Path(__file__).parents[1]

PLAN: tuple[Any, ...] = (
    "plan-00001", "2026-10-22 21:03:23", "2026-10-22 21:00:00", "planned", 1, 1, 2, 3, []
)  # fmt: skip
CELLS = [
    ("plan-00001", "Contact", "003A", None, "Opens__c", "1", "2", "owned", "write", "differs"),
    ("plan-00001", "Contact", "003A", None, "First__c", None, "a, [b]", "fill_blank", "write", "x"),
    ("plan-00000", "Contact", "003B", None, "Opens__c", "1", "7", "owned", "write", "older"),
]


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    status: int
    out: str
    beside: str


class Touchline(Protocol):
    """Runs a command on the data folder of the test."""

    def __call__(self, *arguments: str, **variables: str) -> Answer:
        """Return its answer; `variables` are the environment besides the data folder."""
        ...


@pytest.fixture
def touchline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Touchline]:
    """The command's entry point in this process: starting one costs more than most tests."""

    def run(*arguments: str, **variables: str) -> Answer:
        around = {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_ORG_PORT": "0"} | variables
        for name in [name for name in os.environ if name.startswith(("TOUCHLINE_", "SALESFORCE_"))]:
            monkeypatch.delenv(name)
        for name, value in around.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["touchline", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    yield run
    # Some commands start the org before they find that there is nothing to do.
    process.stop(tmp_path / "org")


def every_command() -> list[list[str]]:
    """Return the words of each command and group."""
    top = typer.main.get_command(app)
    found: list[list[str]] = [[]]
    for name, command in sorted(getattr(top, "commands", {}).items()):
        found.append([name])
        found += [[name, below] for below in sorted(getattr(command, "commands", {}))]
    return found


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A data folder whose warehouse holds a plan of two cells and an older one."""
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as connection:
        create_writeback_tables(connection)
        connection.execute(
            "insert into writeback.plans (plan_id, created_at, snapshot_at, state, records, "
            "changed_records, changed_cells, api_calls_estimate, notes) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            PLAN,
        )
        connection.executemany(
            "insert into writeback.changes (plan_id, object, record_id, external_key, field, "
            "old_value, new_value, policy, decision, reason) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            CELLS,
        )
    return tmp_path


@pytest.fixture
def waiting(planned: Path) -> Path:
    """The same, and the newer plan waits."""
    with Warehouse(planned / "warehouse.duckdb").connect() as connection:
        connection.execute(
            "update writeback.plans set approval = 'waiting', gates = ['it is too large']"
        )
    return planned


def test_the_commands_are_those_of_the_manual() -> None:
    named = {"demo", "run", "plan", "apply", "explain", "status", "reload", "settle", "org"}
    named |= {"rules", "simulate", "undo", "ledger"}
    assert named <= {words[0] for words in every_command() if words}
    below = {words[1] for words in every_command() if words[:1] == ["org"] and words[1:]}
    assert below == {"start", "stop", "reset", "deploy", "assign", "status", "log"}


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_commands_help_says_what_it_does_and_shows_an_example(words: list[str]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    if words:
        assert f"Example: touchline {' '.join(words)}" in shown.stdout


def test_help_comes_before_anything_heavy_is_imported() -> None:
    """The first output is due within a second; Dagster alone takes longer to import."""
    ask = (
        "import sys; from orchestration.cli import main\n"
        "sys.argv = ['touchline', '--help']\n"
        "try: main()\n"
        "finally: print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "Usage: touchline" in done.stdout
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert loaded & {"dagster", "dagster_dbt", "dbt", "polars", "uvicorn", "starlette"} == set()


@pytest.mark.parametrize("command", [["status"], ["run"], ["demo"], ["org", "status"]])
def test_an_unknown_environment_ends_with_a_message_and_status_1(
    tmp_path: Path, touchline: Touchline, command: list[str]
) -> None:
    refused = touchline(*command, TOUCHLINE_ENV="prod")
    assert (refused.status, refused.out) == (1, "")
    assert refused.beside.startswith("error: TOUCHLINE_ENV='prod' is not declared.")
    assert list(tmp_path.iterdir()) == []


def test_brackets_in_a_message_are_shown_and_no_markup(touchline: Touchline) -> None:
    refused = touchline("status", TOUCHLINE_ENV="[/red] [bold]")
    assert refused.status == 1
    assert "'[/red] [bold]'" in refused.beside


@pytest.mark.parametrize("command", [["demo"], ["org", "start"]])
def test_what_belongs_to_the_local_org_is_refused_elsewhere(
    tmp_path: Path, touchline: Touchline, command: list[str]
) -> None:
    refused = touchline(
        *command,
        TOUCHLINE_ENV="sandbox",
        SALESFORCE_HOST="acme--test.sandbox.my.salesforce.com",
        SALESFORCE_CONSUMER_KEY="key",
        SALESFORCE_CONSUMER_SECRET="secret",
    )
    assert refused.status == 1
    assert "Unset TOUCHLINE_ENV" in refused.beside
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [["status"], ["plan", "--stored"], ["apply"], ["explain", "ann@x.example"]]
)
def test_before_the_first_run_the_way_to_it_is_shown(
    touchline: Touchline, command: list[str]
) -> None:
    refused = touchline(*command)
    assert (refused.status, refused.out) == (1, "")
    assert "touchline run" in refused.beside
    assert "Traceback" not in refused.beside


@pytest.mark.parametrize("command", [["plan", "--stored"], ["apply"], ["apply", "plan-00007"]])
def test_a_first_run_that_ended_early_left_no_plan(
    tmp_path: Path, touchline: Touchline, command: list[str]
) -> None:
    with Warehouse(tmp_path / "warehouse.duckdb").connect():
        pass
    refused = touchline(*command)
    assert refused.status == 1
    said = refused.beside.splitlines()[-1]
    assert said.startswith(("error: No plan yet.", "error: There is no plan plan-00007."))


def test_status_of_a_first_run_that_ended_early_is_empty(
    tmp_path: Path, touchline: Touchline
) -> None:
    with Warehouse(tmp_path / "warehouse.duckdb").connect():
        pass
    shown = touchline("status", "--json")
    assert shown.status == 0, shown.beside
    assert json.loads(shown.out) == {
        "loads": [], "rejects": [], "settled_rejects": 0, "skips": [], "loose_ends": [],
        "plan": None, "skipped": [],
    }  # fmt: skip


def test_a_read_copy_without_marts_tells_no_stories_and_says_so(
    tmp_path: Path, touchline: Touchline
) -> None:
    with Warehouse(tmp_path / "published.duckdb").connect():
        pass
    refused = touchline("explain", "ann@x.example")
    assert (refused.status, refused.out) == (1, "")
    assert refused.beside.startswith("error: The read copy does not have what a story needs")


def test_a_moment_that_is_none_is_refused(touchline: Touchline) -> None:
    refused = touchline("explain", "ann@x.example", "--as-of", "last week")
    assert refused.status == 1
    assert refused.beside.startswith("error: 'last week' is no moment.")


def test_an_org_that_does_not_run_is_no_success(touchline: Touchline) -> None:
    shown = touchline("org", "status")
    assert (shown.status, shown.out) == (1, "The local org is not running.\n")
    told = touchline("org", "status", "--json")
    assert (told.status, json.loads(told.out)) == (0, {"running": False})


def test_simulate_prints_one_json_object(tmp_path: Path, touchline: Touchline) -> None:
    out = tmp_path / "team"
    done = touchline("simulate", "--people", "5", "--weeks", "1", "--out", str(out), "--json")
    assert done.status == 0, done.beside
    figures = json.loads(done.out)
    assert figures["out"] == str(out)
    assert figures["enrollments"] > 0
    assert figures["files"] == len([path for path in out.rglob("*") if path.is_file()])


@pytest.mark.usefixtures("planned")
def test_a_stored_plan_is_printed_as_one_json_object(touchline: Touchline) -> None:
    shown = touchline("plan", "--stored", "--json")
    assert shown.status == 0, shown.beside
    found = json.loads(shown.out)
    assert found["plan_id"] == "plan-00001"
    assert (found["changed_records"], found["changed_cells"]) == (1, 2)


@pytest.mark.usefixtures("planned")
def test_a_stored_plan_is_shown_cell_by_cell(touchline: Touchline) -> None:
    shown = touchline("plan", "--stored")
    assert shown.status == 0, shown.beside
    assert "1 → 2" in shown.out
    assert "(empty) → a, [b]" in shown.out


@pytest.mark.parametrize("name", ["changes.txt", "changes", "nowhere/changes.csv"])
def test_an_export_that_cannot_be_written_is_refused_before_the_work(
    planned: Path, touchline: Touchline, name: str
) -> None:
    refused = touchline("plan", "--export", str(planned / name))
    assert refused.status == 2
    assert "--export" in refused.beside
    assert "Starting" not in refused.beside


def test_the_report_of_a_run_has_the_shape_that_machines_read() -> None:
    report = SyncReport(
        loads=Loads(files=23, rows=3838, rejected=4),
        plan=Planned("plan-00001", 208, 1974, approval="waiting", gates=("every plan waits",)),
        writeback=Written(written=207, failed=1, skipped=2),
        crm_calls=Calls(read=14, write=2),
        seconds=21.0,
        is_waiting=True,
        problems=("told beside the output",),
    )
    assert json.loads(json.dumps(report.as_json())) == {
        "loads": {"files": 23, "rows": 3838, "rejected": 4},
        "plan": {
            "plan_id": "plan-00001",
            "changed_records": 208,
            "changed_cells": 1974,
            "approval": "waiting",
            "gates": ["every plan waits"],
        },
        "writeback": {"written": 207, "failed": 1, "skipped": 2},
        "crm_calls": {"read": 14, "write": 2},
        "seconds": 21.0,
    }


@pytest.mark.parametrize(
    ("failed", "problems", "succeeded"),
    [(0, (), True), (1, (), False), (0, ("A test failed.",), False)],
)
def test_a_run_succeeds_when_nothing_failed_anywhere(
    failed: int, problems: tuple[str, ...], succeeded: bool
) -> None:
    report = SyncReport(
        Loads(), Planned(), Written(failed=failed), Calls(), seconds=1.0, problems=problems
    )
    assert report.succeeded is succeeded


@pytest.mark.parametrize("command", [["apply"], ["apply", "--json"], ["approve"]])
def test_k1_a_plan_that_waits_is_named_where_nobody_can_be_asked(
    touchline: Touchline, waiting: Path, command: list[str]
) -> None:
    answer = touchline(*command)
    assert answer.status == 1
    assert "`touchline approve plan-00001`" in answer.beside
    assert _approvals(waiting) == [("waiting", None)]


@pytest.mark.parametrize(
    ("command", "answer", "approval"),
    [("apply", "n", "waiting"), ("approve", "n", "waiting"), ("approve", "y", "approved")],
)
def test_k1_at_a_terminal_a_plan_that_waits_is_shown_before_somebody_says_yes(
    waiting: Path, command: str, answer: str, approval: str
) -> None:
    around = {"TOUCHLINE_DATA": str(waiting), "TOUCHLINE_ORG_PORT": "0", "TTY_COMPATIBLE": "1"}
    done = CliRunner().invoke(app, [command], input=f"{answer}\n", env=around)
    assert done.exit_code == (answer != "y")
    for words in ("1 record to change in 2 fields", "it is too large", "approve plan-00001?"):
        assert words in done.output
    assert [each for each, _ in _approvals(waiting)] == [approval]


def _approvals(data: Path) -> list[tuple[str, str | None]]:
    with Warehouse(data / "warehouse.duckdb").connect(read_only=True) as connection:
        return connection.execute("select approval, approved_by from writeback.plans").fetchall()
