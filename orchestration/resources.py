"""What Dagster gives to assets beyond the plain core: the warehouse in turn, dbt, its project."""

import fcntl
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject
from packaging.version import Version

from orchestration.killed_runs import close_killed_runs
from orchestration.settings import Settings
from orchestration.sync_lock import SyncLock
from orchestration.warehouse import Warehouse


def warehouse_in_turn(settings: Settings) -> dg.ResourceDefinition:
    """Return the warehouse as a resource that only one run at a time gets.

    Dagster makes a run's resources once, before its first step, and takes them down after its
    last (in-process executor). So whoever starts it, command, schedule, sensor or UI, a run with
    a step that touches the warehouse holds the sync lock from its beginning to its end.
    """
    lock = SyncLock(settings.locks, settings.wait_seconds)

    @dg.resource(description="The DuckDB file; a run waits here until no other one is at work.")
    def warehouse(context: dg.InitResourceContext) -> Iterator[Warehouse]:
        run, instance = context.run, context.instance
        if run is None or instance is None or context.log is None:
            raise dg.DagsterInvariantViolationError("The warehouse is given to runs only.")
        with lock.held(run.run_id, context.log.info):
            close_killed_runs(instance, lock)
            yield Warehouse(settings.warehouse)

    return warehouse


class DbtResource(DbtCliResource):
    """dbt as a child process, without what takes five seconds before it starts."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """Give none: with it Dagster would count rows and ask for columns, which nobody wants."""


def dbt_command(settings: Settings) -> DbtResource:
    """Return the dbt that is installed beside this interpreter, whatever PATH finds first.

    `make demo` activates no environment, and elsewhere PATH may know another dbt, or dbt Fusion.
    """
    return DbtResource(
        project_dir=str(settings.dbt_project),
        profiles_dir=str(settings.dbt_project),
        dbt_executable=str(Path(sysconfig.get_path("scripts")) / "dbt"),
    )


def dbt_project(settings: Settings) -> DbtProject:
    """Return the dbt project with a manifest that is as new as the project's files."""
    project = DbtProject(project_dir=settings.dbt_project, profiles_dir=settings.dbt_project)
    manifest = project.manifest_path
    manifest.parent.mkdir(parents=True, exist_ok=True)
    # Whoever comes while another process parses waits, and finds the manifest whole.
    with (manifest.parent / "manifest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not manifest.exists() or manifest.stat().st_mtime < _last_change(settings.dbt_project):
            parse = ["parse", "--quiet"]
            dbt_command(settings).cli(parse, target_path=project.target_path).wait()
    return project


def _last_change(folder: Path) -> float:
    rooms = [folder / name for name in ("models", "macros", "seeds", "tests")]
    files = [path for room in rooms for path in room.rglob("*")]
    return max(path.stat().st_mtime for path in [*files, folder / "dbt_project.yml"])
