"""Dagster's record of runs in SQLite, kept open from one event to the next."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, event

from orchestration.settings import Settings

#: The index, the run at work, and a few that somebody looks at.
FILES_KEPT_OPEN = 8


class KeptOpenEventLogStorage(SqliteEventLogStorage):
    """Dagster's own event log, without the price of opening it for each of a run's thousand events.

    Dagster makes an engine for each event and each of its two files, compiles each statement anew,
    and closes the files again; and whoever is the last to close a write-ahead log must copy it into
    its file and sync that.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Read and write the files in `base_dir`, where Dagster's own class has them."""
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing is asked for: the files stay where Dagster keeps them by itself."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "KeptOpenEventLogStorage":
        """Return the storage of $DAGSTER_HOME."""
        history = Settings.from_environment().dagster_home / "history" / "runs"
        return cls(str(history), inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; Dagster asks at each check, and none ever goes."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        # Dagster forgets which files it has when it removes them.
        if shard not in self._initialized_dbs:
            self._close(shard)
            self._engines[shard] = self._opened(shard)
            self._initialized_dbs.add(shard)
        engine = self._engines[shard] = self._engines.pop(shard)
        for oldest in list(self._engines)[:-FILES_KEPT_OPEN]:
            self._close(oldest)
        return engine

    def _opened(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard),
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        event.listen(engine, "connect", _sync_less)
        self._initdb(engine)
        return engine

    def _close(self, shard: str) -> None:
        self._initialized_dbs.discard(shard)
        if engine := self._engines.pop(shard, None):
            engine.dispose()

    def dispose(self) -> None:
        """Close the files."""
        for shard in list(self._engines):
            self._close(shard)
        super().dispose()


def _sync_less(connection: Any, _: Any) -> None:
    """Sync when a log is copied into its file, not after each event: a killed run loses nothing."""
    connection.execute("pragma synchronous = normal")
