"""The request log and the count of API calls; neither secrets nor bodies are ever kept."""

import sqlite3
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = timedelta(hours=24)
_FILTERS = {
    "kind": "kind = ?",
    "method": "method = upper(?)",
    "path": "path like ?",
    "status": "status = cast(? as integer)",
    "is_write": "is_write = ?",
    "is_api_call": "is_api_call = ?",
    "since": "at >= ?",
    "fault": "fault like ?",
    "after_id": "request_id > cast(? as integer)",
}
_FLAGS = {"true": 1, "1": 1, "yes": 1, "false": 0, "0": 0, "no": 0}


@dataclass(frozen=True)
class Entry:
    """One request; `records` were returned or sent, `failed_records` refused; `fault` fired."""

    at: str
    method: str
    path: str
    query: str
    kind: str
    is_api_call: bool
    status: int
    records: int
    failed_records: int
    is_write: bool
    duration_ms: float
    fault: str = ""
    request_id: int | None = None


class ApiUsage:
    """API calls of the last 24 hours, counted in memory and begun from the log."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._calls: deque[datetime] = deque()
        self._lock = threading.Lock()

    def restore(self, connection: sqlite3.Connection) -> None:
        """Count what the log knows of the last 24 hours."""
        since = (datetime.now(UTC) - DAY).isoformat()
        rows = connection.execute(
            "select at from request_log where is_api_call and at >= ? order by at", (since,)
        )
        with self._lock:
            self._calls = deque(datetime.fromisoformat(at) for (at,) in rows)

    def count(self) -> int:
        """Count one more call and return how many the last 24 hours saw."""
        now = datetime.now(UTC)
        with self._lock:
            self._calls.append(now)
            return self._used(now)

    def used(self) -> int:
        """Return the calls of the last 24 hours."""
        with self._lock:
            return self._used(datetime.now(UTC))

    def _used(self, now: datetime) -> int:
        while self._calls and self._calls[0] < now - DAY:
            self._calls.popleft()
        return len(self._calls)


def last_id(connection: sqlite3.Connection) -> int:
    """Return the number of the newest entry, also of one that is gone but for its writes."""
    (last,) = connection.execute(
        "select max(coalesce((select max(request_id) from request_log), 0), "
        "coalesce((select max(request_id) from record_writes), 0))"
    ).fetchone()
    return int(last)


def write(connection: sqlite3.Connection, entry: Entry) -> None:
    """Append one entry."""
    row = asdict(entry)
    columns = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    connection.execute(f"insert into request_log ({columns}) values ({marks})", row)


def read(connection: sqlite3.Connection, filters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return entries, oldest first; filters are equal-to, but `path` is a LIKE pattern.

    Raises:
        ValueError: a filter that does not exist.
    """
    conditions, parameters = _conditions(filters)
    limit = int(filters.get("limit", "1000"))
    cursor = connection.execute(
        f"select * from (select * from request_log where {conditions} "
        f"order by request_id desc limit ?) order by request_id",
        (*parameters, limit),
    )
    names = [column[0] for column in cursor.description]
    entries = [dict(zip(names, row, strict=True)) for row in cursor]
    for entry in entries:
        entry["is_api_call"] = bool(entry["is_api_call"])
        entry["is_write"] = bool(entry["is_write"])
    return entries


def summary(connection: sqlite3.Connection, filters: Mapping[str, str]) -> dict[str, int]:
    """Return how many requests, API calls, reads and writes the log holds, and rows written.

    Rows are counted by the proof of writes: a job's belong to the request that started it.
    """
    conditions, parameters = _conditions(filters)
    row = connection.execute(
        f"""with chosen as (select * from request_log where {conditions}),
            writing as (select request_id from chosen where is_write)
        select count(*), coalesce(sum(is_api_call), 0),
            coalesce(sum(is_api_call and not is_write), 0), coalesce(sum(is_write), 0),
            (select count(*) from record_writes where request_id in writing),
            coalesce(sum(case when is_write then failed_records end), 0)
                + (select coalesce(sum(failed), 0) from bulk_jobs where started_by in writing)
        from chosen""",
        parameters,
    ).fetchone()
    names = ("requests", "api_calls", "reads", "writes", "records_written", "records_failed")
    return dict(zip(names, row, strict=True))


def _conditions(filters: Mapping[str, str]) -> tuple[str, list[object]]:
    conditions = ["1"]
    parameters: list[object] = []
    for name, value in filters.items():
        if name == "limit":
            continue
        if name not in _FILTERS:
            raise ValueError(f"No filter {name!r}. Use {', '.join((*_FILTERS, 'limit'))}.")
        conditions.append(_FILTERS[name])
        parameters.append(_FLAGS.get(value.lower(), value) if name.startswith("is_") else value)
    return " and ".join(conditions), parameters
