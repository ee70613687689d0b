"""sObject Collections: up to 200 records in one call, each with a verdict of its own."""

import sqlite3
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from orchestration.local_org import identifiers, soql_compiler, validation
from orchestration.local_org.calls import Call, Reply, split_list
from orchestration.local_org.errors import ApiError, RowError
from orchestration.local_org.schema import SObject
from orchestration.local_org.sobjects import writer
from orchestration.local_org.writes import Saved

MAX_RECORDS = 200
MAX_RETRIEVED = 2000
MAX_CHUNKS = 10
_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using "
    "AllOrNone header",
)

Record = Mapping[str, Any]


class _RollBack(Exception):  # noqa: N818 - ends a transaction on purpose
    """Carries the verdicts out of a transaction that must not be kept."""

    def __init__(self, results: list[Saved]) -> None:
        super().__init__("allOrNone")
        self.results = results


def create(call: Call) -> Reply:
    """Answer `POST /composite/sobjects`."""
    return _save(call, is_create=True)


def update(call: Call) -> Reply:
    """Answer `PATCH /composite/sobjects`: 200 even if every row failed."""
    return _save(call, is_create=False)


def delete(call: Call) -> Reply:
    """Answer `DELETE /composite/sobjects?ids=…&allOrNone=…`."""
    ids = split_list(call.query.get("ids", ""))
    _check_count(len(ids), MAX_RECORDS)
    all_or_none = call.query.get("allOrNone", "").lower() == "true"
    results: list[Saved] = []

    def run(connection: sqlite3.Connection) -> list[Saved]:
        for prefix, group in groupby(ids, key=lambda each: each[:3]):
            sobject = call.org.schema.by_prefix.get(prefix)
            given = list(group)
            if sobject is None:
                error = RowError("MALFORMED_ID", f"malformed id {given[0]}")
                results.extend(Saved(None, (error,)) for _ in given)
            else:
                results.extend(writer(call, connection).delete(sobject, given))
        return results

    return _reply(_transact(call, run, all_or_none=all_or_none))


def retrieve(call: Call) -> Reply:
    """Answer `POST /composite/sobjects/{object}` (`ids`, `fields`) and its GET form.

    Records come in the order of the ids; an id without a record gives null.
    """
    sobject = call.sobject()
    if call.method == "POST":
        data = call.record()
        ids, fields = data.get("ids", []), data.get("fields", [])
    else:
        ids, fields = (
            split_list(call.query.get("ids", "")),
            split_list(call.query.get("fields", "")),
        )
    _check_count(len(ids), MAX_RETRIEVED)
    if not fields:
        raise ApiError(400, "MISSING_ARGUMENT", "The fields parameter is required")
    wanted = [identifiers.canonical(each) for each in ids]
    literals = ", ".join(f"'{each}'" for each in wanted if each) or "''"
    compiled = soql_compiler.compile_query(
        call.org.schema,
        f"select {', '.join(fields)} from {sobject.name} where Id in ({literals})",
        include_deleted=False,
    )
    with call.org.store.reading() as connection:
        rows = connection.execute(compiled.select(), compiled.parameters).fetchall()
    found = {row[compiled.shape.id_at]: compiled.shape.build(row, call.base) for row in rows}
    return Reply(content=[found.get(each) for each in wanted], records=len(rows))


def _save(call: Call, *, is_create: bool) -> Reply:
    data = call.record()
    records = data.get("records")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ApiError(400, "JSON_PARSER_ERROR", "The records property must be an array of objects")
    _check_count(len(records), MAX_RECORDS)
    chunks = [(name, list(group)) for name, group in groupby(records, key=_type_of)]
    if len(chunks) > MAX_CHUNKS:
        raise ApiError(
            400,
            "LIMIT_EXCEEDED",
            f"Cannot have more than {MAX_CHUNKS} chunks in a single operation. Please rearrange "
            f"the data to reduce chunking.",
        )
    typed = [(_find(call, name), group) for name, group in chunks]
    for sobject, group in typed:
        validation.check_readable(sobject, group, call.body)

    def run(connection: sqlite3.Connection) -> list[Saved]:
        saving = writer(call, connection)
        method = saving.create if is_create else saving.update
        results: list[Saved] = []
        for sobject, group in typed:
            results.extend(method(sobject, group))
        return results

    return _reply(_transact(call, run, all_or_none=data.get("allOrNone") is True))


def _transact(
    call: Call, run: Callable[[sqlite3.Connection], list[Saved]], *, all_or_none: bool
) -> list[Saved]:
    try:
        with call.org.store.writing() as connection:
            results = run(connection)
            if all_or_none and not all(each.is_success for each in results):
                raise _RollBack(results)
    except _RollBack as undone:
        return [
            each if not each.is_success else Saved(None, (_ROLLED_BACK,)) for each in undone.results
        ]
    return results


def _reply(results: list[Saved]) -> Reply:
    failed = sum(not each.is_success for each in results)
    content = [each.body() for each in results]
    return Reply(content=content, records=len(results), failed=failed)


def _check_count(count: int, most: int) -> None:
    if count > most:
        message = f"record limit reached. cannot submit more than {most} records into this call"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", message)


def _type_of(record: Record) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise ApiError(400, "INVALID_INPUT", "Include a type attribute with every record")
    return name


def _find(call: Call, name: str) -> SObject:
    try:
        return call.sobject(name)
    except ApiError as error:
        message = f"sObject type '{name}' is not supported."
        raise ApiError(400, "INVALID_TYPE", message) from error
