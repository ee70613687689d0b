"""The proof of writes: one line per record that a request or a job really changed.

Values are kept as a digest only.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

REST, BULK, ADMIN = "rest", "bulk", "admin"
_FILTERS = {
    "request_id": "request_id = cast(? as integer)",
    "job_id": "job_id = ?",
    "source": "source = ?",
    "object": "object = ?",
    "record_id": "record_id = ?",
    "operation": "operation = ?",
    "external_key": "external_key = ?",
    "since": "at >= ?",
    "after_id": "write_id > cast(? as integer)",
}


@dataclass(frozen=True)
class Origin:
    """Where a write comes from: a request, for a job perhaps that it started."""

    request_id: int = 0
    source: str = REST
    job_id: str | None = None


@dataclass(frozen=True)
class Written:
    """One record that was written; `is_change` unless every value was there already."""

    record_id: str
    external_key: str | None
    values: Mapping[str, Any]
    is_change: bool


def note(
    connection: sqlite3.Connection,
    origin: Origin,
    at: str,
    *,
    object_name: str,
    operation: str,
    rows: Iterable[Written],
) -> None:
    """Append what was written, in the transaction that writes it."""
    connection.executemany(
        "insert into record_writes (request_id, job_id, source, object, record_id, operation, "
        "external_key, fields, digest, is_change, at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                origin.request_id,
                origin.job_id,
                origin.source,
                object_name,
                row.record_id,
                operation,
                row.external_key,
                orjson.dumps(sorted(row.values)).decode(),
                _digest(row.values),
                row.is_change,
                at,
            )
            for row in rows
        ),
    )


def read(connection: sqlite3.Connection, filters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the lines in the order of the writes, all of them unless `limit` says otherwise.

    Raises:
        ValueError: a filter that does not exist.
    """
    conditions, parameters = _conditions(filters)
    cursor = connection.execute(
        f"select * from record_writes where {conditions} order by write_id limit ?",
        (*parameters, int(filters.get("limit", "-1"))),
    )
    names = [column[0] for column in cursor.description]
    lines = [dict(zip(names, row, strict=True)) for row in cursor]
    for line in lines:
        line["fields"] = orjson.loads(line["fields"])
        line["is_change"] = bool(line["is_change"])
    return lines


def summary(connection: sqlite3.Connection, filters: Mapping[str, str]) -> dict[str, Any]:
    """Return the lines in figures, and what looks as if it had been written twice.

    `repeated`: a record that got equal values more than once. `twins`: records that were created
    with equal values, or under one external key. `without_change`: every value was there already.
    """
    conditions, parameters = _conditions(filters)
    chosen = f"(select * from record_writes where {conditions})"
    totals = connection.execute(
        f"select count(*), count(distinct record_id), count(*) filter (where not is_change) "
        f"from {chosen}",
        parameters,
    ).fetchone()
    operations = connection.execute(
        f"select object, operation, count(*) from {chosen} group by 1, 2 order by 1, 2", parameters
    )
    repeated = connection.execute(
        f"select object, record_id, operation, count(*), group_concat(request_id) from {chosen} "
        f"group by 1, 2, 3, digest having count(*) > 1 order by 1, 2",
        parameters,
    )
    twins = connection.execute(
        f"select object, external_key, count(*), group_concat(record_id) from {chosen} "
        f"where operation = 'create' group by 1, coalesce(external_key, digest) "
        f"having count(*) > 1 order by 1, 2",
        parameters,
    )
    return {
        **dict(zip(("writes", "records", "without_change"), totals, strict=True)),
        "by_operation": _named(operations, ("object", "operation", "writes")),
        "repeated": _named(repeated, ("object", "record_id", "operation", "writes", "request_ids")),
        "twins": _named(twins, ("object", "external_key", "records", "record_ids")),
    }


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _named(rows: Iterable[tuple[Any, ...]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _conditions(filters: Mapping[str, str]) -> tuple[str, list[str]]:
    conditions, parameters = ["1"], []
    for name, value in filters.items():
        if name == "limit":
            continue
        if name not in _FILTERS:
            raise ValueError(f"No filter {name!r}. Use {', '.join((*_FILTERS, 'limit'))}.")
        conditions.append(_FILTERS[name])
        parameters.append(value)
    return " and ".join(conditions), parameters
