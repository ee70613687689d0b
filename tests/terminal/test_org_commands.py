"""The local org's commands: figures for machines, whole lines in a pipe."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TOUCHLINE = Path(sys.executable).with_name("touchline")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder; its org is stopped at the end."""
    folder = tmp_path_factory.mktemp("data")
    yield folder
    org(folder, "stop")


def org(data: Path, *words: str) -> str:
    """Return what a command of the local org printed."""
    ours = {"TOUCHLINE_ENV": "local", "TOUCHLINE_DATA": str(data), "TOUCHLINE_ORG_PORT": "0"}
    done = subprocess.run(
        [TOUCHLINE, "org", *words],
        env={**os.environ, **ours, "COLUMNS": "40"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def figures(data: Path, *words: str) -> Any:
    return json.loads(org(data, *words, "--json"))


def test_every_command_has_figures_for_machines(data: Path) -> None:
    started = figures(data, "start")
    assert started["running"] is True
    assert figures(data, "status")["url"] == started["url"]
    assert figures(data, "reset")["running"] is True
    assert figures(data, "log") == []
    assert figures(data, "stop") == {"running": False, "stopped": True}
    assert figures(data, "stop") == {"running": False, "stopped": False}


def test_the_log_shows_the_apis_requests_and_cuts_nothing_in_a_pipe(data: Path) -> None:
    org(data, "start")
    org(data, "status")
    assert org(data, "log").strip() == "No such request."
    kinds = {call["kind"] for call in figures(data, "log", "--all")}
    assert kinds == {"admin"}
    assert "/__admin/requests/summary" in org(data, "log", "--all")
