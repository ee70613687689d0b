"""dbt as an analyst starts it: a command of its own, on whatever warehouse."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from orchestration.housekeeping import PARSED

DBT_PROJECT = Path(__file__).parents[1] / "dbt_project"

#: Where dbt was last started from a project.
_parsed: dict[Path, Path] = {}


def dbt(
    warehouse: Path, *arguments: str, project: Path = DBT_PROJECT
) -> subprocess.CompletedProcess[str]:
    """Run dbt; what it compiles and how it went is left in `dbt-test`, beside the warehouse.

    It starts from what this process has parsed before, wherever that warehouse was: dbt is told
    its name alone, as dbt parses everything anew for another path.
    """
    target = _target(warehouse)
    parsed = _parsed.get(project, target) / PARSED
    if parsed.exists() and not (target / PARSED).exists():
        target.mkdir(exist_ok=True)
        shutil.copy(parsed, target)
    _parsed[project] = target
    return subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            *arguments,
            *("--project-dir", project, "--profiles-dir", project, "--target-path", target),
        ],
        cwd=warehouse.parent,
        env={**os.environ, "TOUCHLINE_WAREHOUSE": warehouse.name, "DBT_LOG_LEVEL_FILE": "none"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_dbt(warehouse: Path, *arguments: str, project: Path = DBT_PROJECT) -> list[dict[str, Any]]:
    """Run dbt and return what it says of each node.

    Raises:
        RuntimeError: dbt failed; its last words are in the message.
    """
    done = dbt(warehouse, *arguments, project=project)
    if done.returncode:
        raise RuntimeError(
            f"dbt {arguments[0]} failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
        )
    results: list[dict[str, Any]] = json.loads(
        (_target(warehouse) / "run_results.json").read_text()
    )["results"]
    return results


def _target(warehouse: Path) -> Path:
    return warehouse.parent / "dbt-test"
