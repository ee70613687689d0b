"""The org's SQLite file: one table per object, short transactions, many readers."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue

from orchestration.local_org import tables
from orchestration.local_org.schema import TEXT_TYPES, Field, Schema, SObject

BUSY_SECONDS = 15.0

#: Columns that queries and lookups filter by; unique fields have indexes of their own.
_INDEXED = ("SystemModstamp", "Email", "WhoId", "EmailMessageId", "CampaignId", "ParentId")


def quoted(name: str) -> str:
    """Quote a table or column name of our own schema (`User` and `Group` are reserved words)."""
    return f'"{name}"'


class Store:
    """Connections to one SQLite file; every request runs in exactly one transaction.

    Readers never wait (WAL). Writers queue in this process, so that none of them ever meets
    a busy database; `BUSY_SECONDS` only bounds the wait for another process.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._writer = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one consistent state of the org."""
        with self._connection() as connection:
            connection.execute("begin")
            try:
                yield connection
            finally:
                connection.execute("rollback")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose changes are kept together, or not at all on an exception."""
        with self._writer, self._connection() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    @contextmanager
    def trying(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose changes are never kept."""
        with self._writer, self._connection() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            finally:
                connection.execute("rollback")

    def close(self) -> None:
        """Close the idle connections (the last one to close tidies the write-ahead log)."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._open()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("pragma journal_mode = wal")
        # A crash of the machine may lose the last transactions, never the file's consistency.
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma temp_store = memory")
        connection.execute("pragma cache_size = -16384")
        return connection


def create_housekeeping(connection: sqlite3.Connection) -> None:
    """Create the org's own tables where they are missing."""
    for statement in tables.HOUSEKEEPING.split(";"):
        connection.execute(statement)
    _add_column(connection, "request_log", "fault", "text not null default ''")


def create_tables(connection: sqlite3.Connection, schema: Schema) -> None:
    """Create the objects' tables; older ones get the columns that they lack."""
    for sobject in schema:
        table = quoted(sobject.name)
        columns = ", ".join(_column(each) for each in sobject.fields)
        connection.execute(f"create table if not exists {table} ({columns})")
        present = _columns(connection, table)
        for field in sobject.fields:
            if field.name not in present:
                connection.execute(f"alter table {table} add column {_column(field)}")
    for union in (each for each in schema.objects if each.union_of):
        connection.execute(f"drop view if exists {quoted(union.name)}")
        connection.execute(f"create view {quoted(union.name)} as {_union(schema, union)}")


def empty(connection: sqlite3.Connection, before: Schema, after: Schema) -> None:
    """Forget every record; another schema gets tables of its own."""
    if before.fingerprint == after.fingerprint:
        for sobject in before:
            connection.execute(f"delete from {quoted(sobject.name)}")
        return
    for sobject in before:
        connection.execute(f"drop table {quoted(sobject.name)}")
    create_tables(connection, after)
    create_indexes(connection, after)


def create_indexes(connection: sqlite3.Connection, schema: Schema) -> None:
    """Create the indexes; after a bulk load, because that is several times faster."""
    for sobject in schema:
        for field in sobject.fields:
            if field.unique or field.name in _INDEXED:
                unique = "unique" if field.unique else ""
                # A deleted record no longer holds its key.
                held = 'where "IsDeleted" = 0' if field.unique and sobject.is_soft_deleted else ""
                connection.execute(
                    f"create {unique} index if not exists "
                    f"{quoted(f'{sobject.name}_{field.name}')} "
                    f"on {quoted(sobject.name)} ({quoted(field.name)}) {held}"
                )


def drop_indexes(connection: sqlite3.Connection, schema: Schema) -> None:
    """Drop what `create_indexes` creates."""
    for sobject in schema:
        for field in sobject.fields:
            connection.execute(f"drop index if exists {quoted(f'{sobject.name}_{field.name}')}")


def meta(connection: sqlite3.Connection, key: str) -> str | None:
    """Read one note that the org keeps about itself."""
    row = connection.execute("select value from org_meta where key = ?", (key,)).fetchone()
    return row[0] if row else None


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Write one note that the org keeps about itself."""
    connection.execute("insert or replace into org_meta values (?, ?)", (key, value))


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"pragma table_info({table})")}


def _add_column(connection: sqlite3.Connection, table: str, name: str, definition: str) -> None:
    if name not in _columns(connection, table):
        connection.execute(f"alter table {table} add column {name} {definition}")


def _column(field: Field) -> str:
    name = quoted(field.name)
    if field.type == "id":
        return f"{name} text primary key"
    if field.type == "boolean":
        return f"{name} integer not null default {int(bool(field.default))}"
    if field.type == "int":
        return f"{name} integer"
    if field.type in {"double", "currency", "percent"}:
        return f"{name} real"
    # SOQL compares text without regard to case, but for keys that mind it; ids, dates and times
    # compare as they are.
    minds_case = field.type not in TEXT_TYPES or field.case_sensitive
    return f"{name} text" if minds_case else f"{name} text collate nocase"


def _union(schema: Schema, union: SObject) -> str:
    parts = []
    for name in union.union_of:
        member = schema.find(name)
        if member is None:
            raise ValueError(f"{union.name} is a union of {name}, which objects/ does not define.")
        columns = [
            f"'{name}' as {quoted(field.name)}"
            if field.name == "Type"
            else f"{quoted(field.name)}"
            if member.find(field.name)
            else f"null as {quoted(field.name)}"
            for field in union.fields
        ]
        parts.append(f"select {', '.join(columns)} from {quoted(name)}")
    return " union all ".join(parts)
