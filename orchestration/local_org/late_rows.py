"""Late visibility: queries see rows as they were until their time has come.

What was written is undone inside a transaction that is never kept, latest first.
"""

import sqlite3
import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from orchestration.local_org.schema import Schema
from orchestration.local_org.store import quoted


def remember(
    connection: sqlite3.Connection,
    object_name: str,
    seconds: float,
    befores: Iterable[tuple[str, Mapping[str, Any] | None]],
) -> None:
    """Keep records as they were before a write; None for a record that was not there."""
    now = time.time()
    connection.execute("delete from late_rows where visible_at < ?", (now,))
    connection.executemany(
        "insert into late_rows (object, record_id, visible_at, before) values (?, ?, ?, ?)",
        (
            (object_name, record_id, now + seconds, orjson.dumps(before).decode())
            for record_id, before in befores
        ),
    )


def undo(connection: sqlite3.Connection, schema: Schema) -> None:
    """Take back what is not visible yet; the caller rolls back."""
    waiting = connection.execute(
        "select object, record_id, before from late_rows where visible_at > ? "
        "order by late_id desc",
        (time.time(),),
    ).fetchall()
    for name, record_id, text in waiting:
        before = orjson.loads(text)
        if schema.find(name) is None:
            continue
        if before is None:
            connection.execute(f'delete from {quoted(name)} where "Id" = ?', (record_id,))
        else:
            assignments = ", ".join(f"{quoted(column)} = ?" for column in before)
            connection.execute(
                f'update {quoted(name)} set {assignments} where "Id" = ?',
                (*before.values(), record_id),
            )
