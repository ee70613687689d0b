"""What Dagster gives to assets beyond the plain core: dbt and its project."""

import fcntl
import sysconfig
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from dagster_dbt import DbtCliResource, DbtProject
from packaging.version import Version

from orchestration.settings import Settings


class DbtResource(DbtCliResource):
    """dbt as a child process, without the four seconds of asking it for its version first."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


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
