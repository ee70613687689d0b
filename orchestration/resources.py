"""What assets are given: the warehouse, the Salesforce org, dbt, and the settings they came from."""

from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from dagster_dbt import DbtCliResource, DbtProject
from packaging.version import Version

from orchestration.crm.client import Crm
from orchestration.crm.salesforce import connect
from orchestration.local_org import process
from orchestration.settings import Settings


@dataclass(frozen=True)
class Org:
    """The Salesforce org of the environment. A plain object, so that no secret is Dagster config."""

    settings: Settings

    def connect(self) -> Crm:
        """Return a client that logs in at its first call; the local org is started if need be."""
        login = self.settings.salesforce
        if self.settings.environment.is_local:
            running = process.start(
                self.settings.org, self.settings.org_port, self.settings.org_seed
            )
            login = replace(login, host=f"127.0.0.1:{running.port}")
        return connect(login)


class DbtResource(DbtCliResource):
    """dbt as a child process, without the four seconds of asking it for its version first."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


def dbt_project(settings: Settings) -> DbtProject:
    """Return the dbt project with a manifest that is as new as the project's files."""
    project = DbtProject(project_dir=settings.dbt_project, profiles_dir=settings.dbt_project)
    manifest = project.manifest_path
    if not manifest.exists() or manifest.stat().st_mtime < _last_change(settings.dbt_project):
        project.preparer.prepare(project)
    return project


def _last_change(folder: Path) -> float:
    rooms = [folder / name for name in ("models", "macros", "seeds", "tests")]
    files = [path for room in rooms for path in room.rglob("*")]
    return max(path.stat().st_mtime for path in [*files, folder / "dbt_project.yml"])
