"""The back door for tests and people, `/__admin/…`, never counted as API calls."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from orchestration.local_org import auth, identifiers, record_writes, request_log
from orchestration.local_org.calls import Call, Reply, not_found, split_list
from orchestration.local_org.errors import ApiError
from orchestration.local_org.record_writes import Origin
from orchestration.local_org.schema import SObject
from orchestration.local_org.seed import SeedError
from orchestration.local_org.store import quoted
from orchestration.local_org.writes import Writer


def health(call: Call) -> Reply:
    """Say who answers."""
    path = str(call.org.store.path.resolve())
    return Reply(content={"status": "ok", "pid": os.getpid(), "database": path})


def requests(call: Call) -> Reply:
    """Return log entries; filters: kind, method, path (LIKE), status, is_write, since, limit."""
    with call.org.store.reading() as connection:
        return filtered(call, connection, request_log.read)


def summary(call: Call) -> Reply:
    """Return the log in figures, by the same filters."""
    with call.org.store.reading() as connection:
        return filtered(call, connection, request_log.summary)


def clear_requests(call: Call) -> Reply:
    """Empty the log; the count of API calls begins anew with it."""
    with call.org.store.writing() as connection:
        removed = connection.execute("delete from request_log").rowcount
        call.org.usage.restore(connection)
    return Reply(content={"removed": removed})


def expire_sessions(call: Call) -> Reply:
    """End all sessions: the next call of each client gets 401 INVALID_SESSION_ID."""
    with call.org.store.writing() as connection:
        return Reply(content={"expired": auth.expire_sessions(connection)})


def register_app(call: Call) -> Reply:
    """Register a connected app: consumer_key, and public_key (PEM) or secret."""
    data = call.record()
    key = data.get("consumer_key") or auth.LOCAL_KEY
    with call.org.store.writing() as connection:
        try:
            auth.register_app(
                connection,
                key,
                run_as=call.org.integration_user,
                secret=data.get("secret"),
                public_key=data.get("public_key"),
            )
        except ValueError as error:
            raise bad(f"public_key is no PEM public key or certificate: {error}") from error
    return Reply(content={"consumer_key": key})


def set_fields(call: Call) -> Reply:
    """Change a record by hand, as a user: `{"fields": {…}, "user": "<id or username>"}`.

    Without `user` the record's owner does it, or else its last editor. All of Salesforce's
    checks hold, except that `"force": true` also sets read-only fields, as automation would.
    """
    sobject, data = call.sobject(), call.record()
    fields = data.get("fields")
    if not isinstance(fields, dict):
        raise bad('Give {"fields": {"<field>": <value>}}.')
    record_id = identifiers.canonical(call.path["id"])
    with call.org.store.writing() as connection:
        user = _user(connection, sobject, record_id, data.get("user"))
        writer = Writer(
            connection,
            call.org.full_schema,
            user,
            call.org.now_text(),
            Origin(call.request_id, record_writes.ADMIN),
            is_system=bool(data.get("force")),
        )
        saved = writer.update(sobject, [{**fields, "id": record_id}])[0]
    if not saved.is_success:
        first = saved.errors[0]
        raise ApiError(400, first.code, first.message, first.fields)
    return Reply(content=saved.body(), records=1)


def dump(call: Call) -> Reply:
    """Return every record of an object, deleted ones too, ordered by id."""
    sobject = call.sobject()
    with call.org.store.reading() as connection:
        records = list(_records(connection, sobject))
    return Reply(content=records, records=len(records))


def state(call: Call) -> Reply:
    """Return count and hash of every object: equal hashes mean equal records.

    `?without=SystemModstamp,…` leaves fields out: a value that was written and taken back leaves
    its stamps behind.
    """
    left_out = frozenset(split_list(call.query.get("without", "")))
    with call.org.store.reading() as connection:
        content = {each.name: _digest(connection, each, left_out) for each in call.org.full_schema}
    return Reply(content=content)


def reset(call: Call) -> Reply:
    """Empty the org and seed it anew: `{"seed": "<folder>"}`, or nothing for an empty org.

    `"bare": true` leaves it without Touchline's fields.
    """
    wanted = call.record() if call.body else {}
    folder = wanted.get("seed")
    try:
        loaded = call.org.reset(
            Path(folder) if folder else None, bare=wanted.get("bare", False) is True
        )
    except (SeedError, OSError) as error:
        raise bad(str(error)) from error
    return Reply(content={"records": loaded.records, "left_out_of_seed": loaded.left_out})


def hide_fields(call: Call) -> Reply:
    """Say which fields the API user may not see: `{"Contact": ["HasOptedOutOfEmail"]}`."""
    wanted = call.record()
    pairs = []
    for name, fields in wanted.items():
        sobject = call.org.full_schema.find(name)
        for field_name in fields:
            found = sobject.find(field_name) if sobject else None
            if sobject is None or found is None:
                raise bad(f"The org has no field {name}.{field_name}.")
            pairs.append((sobject.name, found.name))
    with call.org.store.writing() as connection:
        connection.execute("delete from hidden_fields")
        connection.executemany("insert into hidden_fields values (?, ?)", pairs)
        call.org.apply_rules(connection)
    return Reply(content={"hidden": [f"{name}.{field}" for name, field in pairs]})


def filtered(call: Call, connection: sqlite3.Connection, read: Any) -> Reply:
    """Answer with what a log says under the filters of the query string."""
    try:
        return Reply(content=read(connection, call.query))
    except ValueError as error:
        raise bad(str(error)) from error


def bad(message: str) -> ApiError:
    """Return the error for an admin call that makes no sense."""
    return ApiError(400, "BAD_ADMIN_REQUEST", message)


def _user(
    connection: sqlite3.Connection, sobject: SObject, record_id: str | None, given: object
) -> str:
    if given is None:
        owner = '"OwnerId"' if sobject.find("OwnerId") else '"LastModifiedById"'
        row = connection.execute(
            f'select {owner} from {quoted(sobject.name)} where "Id" = ?', (record_id,)
        ).fetchone()
        if row is None:
            raise not_found()
        return str(row[0])
    row = connection.execute(
        'select "Id" from "User" where "Id" = ? or "Username" = ?',
        (identifiers.canonical(given), given),
    ).fetchone()
    if row is None:
        raise bad(f"The org has no user {given!r}; give an id or a username.")
    return str(row[0])


def _records(connection: sqlite3.Connection, sobject: SObject) -> Iterator[dict[str, Any]]:
    names = [each.name for each in sobject.fields]
    flags = [each.name for each in sobject.fields if each.type == "boolean"]
    columns = ", ".join(map(quoted, names))
    for row in connection.execute(f'select {columns} from {quoted(sobject.name)} order by "Id"'):
        record = dict(zip(names, row, strict=True))
        record.update({name: bool(record[name]) for name in flags})
        yield record


def _digest(
    connection: sqlite3.Connection, sobject: SObject, left_out: frozenset[str]
) -> dict[str, Any]:
    total, digest = 0, hashlib.sha256()
    for record in _records(connection, sobject):
        total += 1
        kept = {name: value for name, value in record.items() if name not in left_out}
        digest.update(orjson.dumps(kept))
    return {"count": total, "hash": digest.hexdigest()}
