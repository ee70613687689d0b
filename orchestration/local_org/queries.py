"""SOQL over REST: query, queryAll, and the pages that follow."""

import re
import sqlite3
import time

import orjson

from orchestration.local_org import identifiers, soql_compiler
from orchestration.local_org.calls import Call, Reply
from orchestration.local_org.errors import ApiError
from orchestration.local_org.soql_compiler import Compiled

MIN_BATCH, MAX_BATCH = 200, 2000
CURSOR_SECONDS = 2 * 86_400
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_ID_LENGTH = 18


def query(call: Call) -> Reply:
    """Answer `/query?q=`: deleted records do not exist."""
    return _run(call, include_deleted=False)


def query_all(call: Call) -> Reply:
    """Answer `/queryAll?q=`: the recycle bin is included."""
    return _run(call, include_deleted=True)


def next_page(call: Call) -> Reply:
    """Answer `/query/{cursor}-{offset}`: the next records of a query that did not fit a page."""
    cursor_id, _, offset_text = call.path["locator"].partition("-")
    with call.org.querying() as connection:
        row = connection.execute(
            "select soql, include_deleted, page_size, ids from query_cursors where cursor_id = ?",
            (cursor_id,),
        ).fetchone()
        if row is None or not offset_text.isdigit():
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        soql, include_deleted, page_size, ids = row
        compiled = soql_compiler.compile_query(
            call.org.schema, soql, include_deleted=bool(include_deleted)
        )
        offset = int(offset_text)
        page = ids[offset * _ID_LENGTH : (offset + page_size) * _ID_LENGTH]
        wanted = [page[at : at + _ID_LENGTH] for at in range(0, len(page), _ID_LENGTH)]
        rows = connection.execute(compiled.select_page(), (orjson.dumps(wanted).decode(),))
        return _page(
            call, compiled, rows.fetchall(), len(ids) // _ID_LENGTH, cursor_id, offset + page_size
        )


def _run(call: Call, *, include_deleted: bool) -> Reply:
    soql = call.query.get("q")
    if not soql:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    compiled = soql_compiler.compile_query(
        call.org.schema, soql, include_deleted=include_deleted, now=call.org.now()
    )
    page_size = _page_size(call)
    with call.org.querying() as connection:
        cursor = connection.execute(compiled.select(), compiled.parameters)
        if compiled.is_count:
            (total,) = cursor.fetchone()
            return Reply(content={"totalSize": total, "done": True, "records": []})
        if compiled.aggregates:
            return _aggregate(compiled, cursor.fetchone())
        rows = cursor.fetchmany(page_size + 1)
        if len(rows) <= page_size:
            return _page(call, compiled, rows, len(rows))
        ids = "".join(
            identifier
            for (identifier,) in connection.execute(compiled.select_ids(), compiled.parameters)
        )
    cursor_id = _remember(call, soql, include_deleted, page_size, ids)
    return _page(call, compiled, rows[:page_size], len(ids) // _ID_LENGTH, cursor_id, page_size)


def _page(
    call: Call,
    compiled: Compiled,
    rows: list[tuple[object, ...]],
    total: int,
    cursor_id: str = "",
    following: int = 0,
) -> Reply:
    is_done = not cursor_id or following >= total
    content: dict[str, object] = {"totalSize": total, "done": is_done}
    if not is_done:
        content["nextRecordsUrl"] = f"{call.base}/query/{cursor_id}-{following}"
    content["records"] = [compiled.shape.build(row, call.base) for row in rows]
    return Reply(content=content, records=len(rows))


def _aggregate(compiled: Compiled, row: tuple[object, ...]) -> Reply:
    record = {
        "attributes": {"type": "AggregateResult"},
        **dict(zip(compiled.aggregates, row, strict=True)),
    }
    return Reply(content={"totalSize": 1, "done": True, "records": [record]}, records=1)


def _page_size(call: Call) -> int:
    asked = _BATCH_SIZE.search(call.headers.get("sforce-query-options", ""))
    if not asked:
        return call.org.settings.page_size
    return max(MIN_BATCH, min(MAX_BATCH, int(asked.group(1))))


def _remember(call: Call, soql: str, include_deleted: bool, page_size: int, ids: str) -> str:
    """Keep which records the query found, in order: later pages then neither skip nor repeat."""
    now = time.time()
    with call.org.store.writing() as connection:
        connection.execute(
            "delete from query_cursors where created_at < ?", (now - CURSOR_SECONDS,)
        )
        cursor_id = identifiers.build("01g", _next_number(connection))
        connection.execute(
            "insert into query_cursors values (?, ?, ?, ?, ?, ?)",
            (cursor_id, soql, include_deleted, page_size, ids, now),
        )
    return cursor_id


def _next_number(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute(
        "insert into id_numbers values ('query_cursor', 1) "
        "on conflict (object) do update set last = last + 1 returning last"
    ).fetchone()
    return int(number)
