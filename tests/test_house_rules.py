"""The rules of the house that concern Python: who may know what, and how a file looks."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "orchestration"

#: Rooms that must run without an orchestrator.
CORE = (
    "crm", "demo.py", "explain", "housekeeping.py", "known_errors.py", "landing", "local_org",
    "org.py", "rule_changes.py", "settings.py", "simulator", "standby.py", "sync_lock.py",
    "sync_report.py", "terminal", "warehouse.py", "writeback",
)  # fmt: skip

#: Everything else that is part of the package: it exists to know Dagster, or to call what does.
AROUND_DAGSTER = {
    "assets", "automation.py", "checks.py", "definitions.py", "event_log.py", "killed_runs.py",
    "resources.py", "run_problems.py", "sync.py", "what_if.py",
}  # fmt: skip
COMMANDS = {
    "cli.py", "cli_approve.py", "cli_doctor.py", "cli_explain.py", "cli_metadata.py", "cli_org.py",
    "cli_rules.py", "cli_writeback.py",
}  # fmt: skip

MOST_LINES = 400


def python_files(*rooms: str) -> list[Path]:
    """Return the Python files of these files and folders; those not built yet have none."""
    places = [PACKAGE / room for room in rooms] if rooms else [PACKAGE]
    return sorted(
        file
        for place in places
        for file in (place.rglob("*.py") if place.is_dir() else [place])
        if file.exists()
    )


def module_name(file: Path) -> str:
    """Return the dotted name under which a file of the package is imported."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it, and the names taken from them."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(*packages: str, among: list[Path]) -> set[str]:
    """Return those of the files that import one of these packages, relative to the package."""
    return {
        file.relative_to(PACKAGE).as_posix()
        for file in among
        if any(name.split(".")[0] in packages for name in imported(file))
    }


def test_core_rooms_run_without_dagster_and_dbt() -> None:
    modules = [module_name(file) for file in python_files(*CORE) if file.stem != "__main__"]
    assert len(modules) > 50
    ask = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, *modules], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = done.stdout.split()
    assert "orchestration" in loaded
    assert [name for name in loaded if name.startswith(("dagster", "dbt"))] == []


def test_only_the_layer_around_dagster_imports_dagster_or_dbt() -> None:
    found = importers("dagster", "dagster_dbt", "dbt", among=python_files())
    assert found
    assert {name.split("/")[0] for name in found} <= AROUND_DAGSTER


def test_every_file_of_the_package_is_core_or_around_dagster_or_a_command() -> None:
    files = {file.relative_to(PACKAGE).parts[0] for file in python_files()} - {"__init__.py"}
    assert files - set(CORE) - AROUND_DAGSTER - COMMANDS == set()


def test_only_the_salesforce_adapter_knows_simple_salesforce() -> None:
    assert importers("simple_salesforce", among=python_files()) == {"crm/salesforce.py"}


def test_only_the_adapter_of_buckets_knows_the_extra_that_it_needs() -> None:
    assert importers("botocore", among=python_files()) == {"landing/bucket.py"}


@pytest.mark.parametrize("room", ["local_org", "simulator"])
def test_what_stands_in_for_the_world_shares_no_code_with_the_pipeline(room: str) -> None:
    names = {name for file in python_files(room) for name in imported(file)}
    ours = {name for name in names if name.split(".")[0] == "orchestration"}
    assert ours
    assert {name for name in ours if not name.startswith(f"orchestration.{room}")} == set()


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        file.relative_to(PACKAGE).as_posix()
        for file in python_files()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "putenv"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "getenv", "putenv"})
    }
    assert readers == {"settings.py"}


def test_packages_are_empty_at_their_top() -> None:
    tops = [*PACKAGE.rglob("__init__.py")]
    assert len(tops) > 5
    assert [top for top in tops if top.read_bytes()] == []


def test_no_module_is_called_utils_or_helpers() -> None:
    shapeless = re.compile(r"_?(utils?|helpers?|common|misc)(_.*)?|.*_(utils?|helpers?)")
    places = [place for room in (PACKAGE, ROOT / "tests") for place in room.rglob("*")]
    assert [place for place in places if shapeless.fullmatch(place.stem)] == []


def test_every_module_says_in_one_sentence_what_belongs_there() -> None:
    silent = []
    for file in [*python_files(), *(ROOT / "tests").rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        label = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
        if text and not (label.endswith(".") and not re.search(r"[.!?]\s+[A-Z]", label)):
            silent.append(file.relative_to(ROOT).as_posix())
    assert silent == []


def test_no_file_is_longer_than_a_sitting() -> None:
    rooms = (
        PACKAGE,
        ROOT / "tests",
        ROOT / "dbt_project" / "models",
        ROOT / "dbt_project" / "macros",
    )
    files = [file for room in rooms for kind in ("*.py", "*.sql") for file in room.rglob(kind)]
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {file: count for file, count in lines.items() if count > MOST_LINES} == {}


def test_imports_are_absolute() -> None:
    relative = [
        file
        for file in python_files()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_what_the_package_imports_is_declared_and_not_just_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # What only some places need is an extra of its own.
    lines = chain(project["dependencies"], project["optional-dependencies"]["s3"])
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    provided_by = packages_distributions()
    tops = {name.split(".")[0] for file in python_files() for name in imported(file)}
    foreign = tops - sys.stdlib_module_names - {"orchestration"}
    # pydantic re-exports its core and fixes its version: the two are one dependency.
    undeclared = {
        top
        for top in foreign - {"pydantic_core"}
        if declared.isdisjoint(map(canonicalize_name, provided_by[top]))
    }
    assert undeclared == set()


def test_constraints_pin_every_dependency_within_its_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = chain(project["dependencies"], *project["optional-dependencies"].values())
    wanted = {
        canonicalize_name(requirement.name): requirement.specifier
        for requirement in map(Requirement, named)
    }
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert wanted.keys() - pins.keys() == set()
    assert {name for name, bounds in wanted.items() if pins[name] not in bounds} == set()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the list of tracked files")
def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    found = subprocess.run(
        ["git", "grep", "-nIE", "/(work|root|home/[a-z]+)/|/tmp/[s]tudio"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (1, "")
