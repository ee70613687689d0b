"""Dagster's record of a run's events, kept open in SQLite while the run writes to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage


@contextmanager
def held_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold open the files that the run's events go to.

    Dagster opens and closes both files for each of a run's thousand events, and whoever is the
    last to close a write-ahead log must copy it into its file and sync that: more than half of
    what an event costs. Nobody is the last one as long as we are in. Other storages are left
    alone.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    with (
        _opened(Path(storage.path_for_shard(run_id))),
        _opened(Path(storage.path_for_shard("index"))),
    ):
        yield


@contextmanager
def _opened(file: Path) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file, check_same_thread=False)) as connection:
        # As Dagster sets it itself; a first read is what opens the log.
        connection.execute("pragma journal_mode = wal")
        connection.execute("select count(*) from sqlite_master")
        yield
