"""What runs leave beside the warehouse, and how much of it is kept."""

import shutil
from pathlib import Path

#: dbt's manifest, log and compiled SQL of a run are about 13 MB.
BUILDS_KEPT = 5
LOGS_KEPT = 50


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the newest `count` files and folders in a folder of runs' leftovers."""
    if not folder.is_dir():
        return
    left = sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns, reverse=True)
    for path in left[count:]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
