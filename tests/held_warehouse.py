"""A warehouse that a test's process holds open: to open the file takes longer than most tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.warehouse import Warehouse


class HeldWarehouse(Warehouse):
    """One whose readers may write: a process that writes to a file cannot open it for reading."""

    def _open(self, *, read_only: bool) -> DuckDBPyConnection:
        del read_only
        return super()._open(read_only=False)


@contextmanager
def held_warehouse(path: Path) -> Iterator[Warehouse]:
    """Yield a warehouse in which every connection but the first one is quick."""
    warehouse = HeldWarehouse(path)
    with warehouse.connect():
        yield warehouse
