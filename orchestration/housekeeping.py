"""What runs leave beside the warehouse, and how much of it is kept."""

import shutil
from pathlib import Path

#: dbt's manifest, log and compiled SQL of a run are about 13 MB.
BUILDS_KEPT = 5
LOGS_KEPT = 50
#: The project as dbt has read it. What has not changed since needs no reading again.
PARSED = "partial_parse.msgpack"


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the newest `count` files and folders in a folder of runs' leftovers."""
    for path in _newest_first(folder)[count:]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def hand_on_parsed(builds: Path, build: Path) -> None:
    """Give a build what the newest one before it has parsed; Dagster sees to the first one.

    dbt parses everything anew once the warehouse is another file than that of whoever parsed last
    in the project's own folder; a data folder's builds all have the same.
    """
    for earlier in _newest_first(builds):
        if (earlier / PARSED).is_file():
            build.mkdir(parents=True, exist_ok=True)
            shutil.copy(earlier / PARSED, build / PARSED)
            return


def _newest_first(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns, reverse=True)
