"""Describe and single records: `/sobjects/…`."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from orchestration.local_org import (
    describe,
    identifiers,
    soql_compiler,
    validation,
    values,
)
from orchestration.local_org.calls import Call, Reply, header_date, http_date, not_found, split_list
from orchestration.local_org.errors import ApiError, RowError
from orchestration.local_org.guard import Guard
from orchestration.local_org.record_writes import Origin
from orchestration.local_org.schema import Field, SObject
from orchestration.local_org.store import quoted
from orchestration.local_org.writes import Saved, Writer

_STAMP = "LastModifiedDate"
_NOT_FOUND_CODES = {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}


def describe_global(call: Call) -> Reply:
    """Answer `/sobjects`."""
    return _described(call, describe.describe_global(call.org.schema, call.base))


def describe_object(call: Call) -> Reply:
    """Answer `/sobjects/{object}/describe`."""
    return _described(call, describe.describe_object(call.sobject(), call.base))


def basic_info(call: Call) -> Reply:
    """Answer `GET /sobjects/{object}`."""
    full = describe.describe_object(call.sobject(), call.base)
    return Reply(content={"objectDescribe": full, "recentItems": []})


def create(call: Call) -> Reply:
    """Answer `POST /sobjects/{object}`: 201, or 400 with the first thing that is wrong."""
    sobject, record = call.sobject(), call.record()
    validation.check_readable(sobject, [record], call.body)
    with call.org.store.writing() as connection:
        saved = writer(call, connection).create(sobject, [record])[0]
        if not saved.is_success:
            raise _refused(saved)
    return Reply(201, saved.body(), records=1)


def retrieve(call: Call) -> Reply:
    """Answer `GET /sobjects/{object}/{id}[?fields=…]`; deleted records do not exist."""
    sobject = call.sobject()
    names = split_list(call.query.get("fields", "")) or [each.name for each in sobject.fields]
    record_id = _record_id(sobject, call.path["id"])
    since = header_date(call.headers, "if-modified-since")
    is_stamp_wanted = _STAMP.lower() in {name.lower() for name in names}
    selected = names if is_stamp_wanted else [*names, _STAMP]
    soql = f"select {', '.join(selected)} from {sobject.name} where Id = '{record_id}'"
    compiled = soql_compiler.compile_query(call.org.schema, soql, include_deleted=False)
    with call.org.store.reading() as connection:
        row = connection.execute(compiled.select(), compiled.parameters).fetchone()
    record = compiled.shape.build(row, call.base) if row else None
    if record is None:
        raise not_found()
    stamp = record[_STAMP] if is_stamp_wanted else record.pop(_STAMP)
    modified = values.parse_datetime(stamp) or datetime.now(UTC)
    headers = {"Last-Modified": http_date(modified)}
    if since is not None and modified <= since:
        return Reply(304, headers=headers)
    return Reply(content=record, headers=headers, records=1)


def update(call: Call) -> Reply:
    """Answer `PATCH /sobjects/{object}/{id}`: 204, or 412 if it moved since If-Unmodified-Since."""
    sobject, record = call.sobject(), call.record()
    if any(key.lower() == "id" for key in record):
        message = "The Id field should not be specified in the sobject data."
        raise ApiError(400, "INVALID_FIELD", message, ["Id"])
    record_id = _record_id(sobject, call.path["id"])
    validation.check_readable(sobject, [record], call.body)
    unmodified_since = header_date(call.headers, "if-unmodified-since")
    with call.org.store.writing() as connection:
        row = connection.execute(
            f'select "LastModifiedDate" from {quoted(sobject.name)} where "Id" = ?', (record_id,)
        ).fetchone()
        modified = values.parse_datetime(row[0]) if row else None
        if unmodified_since and modified and modified > unmodified_since:
            raise ApiError(
                412,
                "PRECONDITION_FAILED",
                "One or more of the precondition request headers is not satisfied",
            )
        saved = writer(call, connection).update(sobject, [{**record, "id": record_id}])[0]
        if not saved.is_success:
            raise _refused(saved)
    return Reply(204, records=1)


def delete(call: Call) -> Reply:
    """Answer `DELETE /sobjects/{object}/{id}`: 204."""
    sobject = call.sobject()
    record_id = _record_id(sobject, call.path["id"])
    with call.org.store.writing() as connection:
        saved = writer(call, connection).delete(sobject, [record_id])[0]
        if not saved.is_success:
            raise _refused(saved)
    return Reply(204, records=1)


def upsert(call: Call) -> Reply:
    """Answer `PATCH /sobjects/{object}/{external id field}/{value}`: 201 created, 200 updated."""
    sobject, record = call.sobject(), call.record()
    key_field = external_key(sobject, call.path["field"])
    if any(key.lower() in {"id", key_field.name.lower()} for key in record):
        message = f"The {key_field.name} field should not be specified in the sobject data."
        raise ApiError(400, "INVALID_FIELD", message, [key_field.name])
    value = call.path["value"]
    validation.check_readable(sobject, [record], call.body)
    with call.org.store.writing() as connection:
        found = connection.execute(
            f'select "Id" from {quoted(sobject.name)} where {quoted(key_field.name)} = ? '
            f'and "IsDeleted" = 0',
            (value,),
        ).fetchone()
        if found:
            saved = writer(call, connection).update(sobject, [{**record, "id": found[0]}])[0]
        elif call.query.get("updateOnly", "").lower() == "true":
            raise not_found("Provided external ID field does not exist or is not accessible")
        else:
            new = {**record, key_field.name: value}
            saved = writer(call, connection).create(sobject, [new])[0]
        if not saved.is_success:
            raise _refused(saved)
    return Reply(200 if found else 201, {**saved.body(), "created": not found}, records=1)


def writer(call: Call, connection: sqlite3.Connection) -> Writer:
    """Return a writer for the caller's user, at this moment."""
    header = call.headers.get("sforce-duplicate-rule-header", "")
    guard = Guard(
        call.org.rules,
        call.faults,
        allow_duplicates="allowsave=true" in header.replace(" ", "").lower(),
        auto_assign=call.headers.get("sforce-auto-assign", "").lower() != "false",
    )
    origin = Origin(call.request_id)
    return Writer(connection, call.org.schema, call.user_id, call.org.now_text(), origin, guard)


def external_key(sobject: SObject, name: str) -> Field:
    """Return the external id field of that name.

    Raises:
        ApiError: 404, as there is no such key.
    """
    found = sobject.find(name)
    if found is None or not found.external_id:
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise not_found(message)
    return found


def _described(call: Call, content: dict[str, Any]) -> Reply:
    changed_at = call.org.schema_changed_at
    fingerprint = call.org.schema.fingerprint[:8]
    headers = {"Last-Modified": http_date(changed_at), "ETag": f'"{fingerprint}"'}
    since = header_date(call.headers, "if-modified-since")
    if since is not None and (values.parse_datetime(changed_at) or since) <= since:
        return Reply(304, headers=headers)
    return Reply(content=content, headers=headers)


def _record_id(sobject: SObject, given: str) -> str:
    record_id = identifiers.canonical(given)
    if record_id is None or record_id[:3] != sobject.key_prefix:
        message = f"Provided external ID field does not exist or is not accessible: {given}"
        raise not_found(message)
    return record_id


def _refused(saved: Saved) -> ApiError:
    error: RowError = saved.errors[0]
    status = 404 if error.code in _NOT_FOUND_CODES and not error.fields else 400
    return ApiError(status, error.code, error.message, error.fields)
