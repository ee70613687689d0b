"""Checks of a record before it is saved: fields, values, references, uniqueness."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from orchestration.local_org import values
from orchestration.local_org.errors import ApiError, RowError, RowRejected, unwritable
from orchestration.local_org.schema import Field, Schema, SObject
from orchestration.local_org.store import quoted
from orchestration.local_org.values import Stored

#: Id prefixes of objects that records may point to but that this org does not hold.
OUTSIDE_PREFIXES = {
    "Account": "001",
    "Opportunity": "006",
    "Case": "500",
    "Group": "00G",
    "Profile": "00e",
    "UserRole": "00E",
    "EmailTemplate": "00X",
}

#: What a record carries beside its fields.
_NO_FIELDS = frozenset({"attributes", "id"})


@dataclass
class Draft:
    """One row on its way into the org: what was asked for, and what spoke against it."""

    record_id: str | None = None
    changes: dict[str, Stored] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def read_fields(
    sobject: SObject, record: Mapping[str, Any], *, is_create: bool, is_system: bool = False
) -> Draft:
    """Check a record's fields and values; all errors of a row are reported together.

    An unknown name ends the check at once; in a request, `check_readable` has met it before.
    """
    draft = Draft()
    read_only: list[str] = []
    for key, value in record.items():
        if key.lower() in _NO_FIELDS:
            continue
        found = sobject.find(key)
        if found is None:
            draft.errors = [RowError("INVALID_FIELD", _no_such_column(sobject, key))]
            return draft
        if not (is_system or (found.createable if is_create else found.updateable)):
            read_only.append(found.name)
            continue
        try:
            draft.changes[found.name] = values.to_stored(found, value)
        except RowRejected as rejected:
            draft.errors.append(rejected.error)
        draft.fields.append(found)
    if read_only:
        draft.errors.append(unwritable(read_only))
    return draft


def check_readable(sobject: SObject, records: Iterable[Mapping[str, Any]], body: bytes) -> None:
    """Refuse a request as Salesforce's reader does, before it looks at any row.

    Raises:
        ApiError: 400 for an unknown field, or for a value that is none of its field's type.
    """
    for record in records:
        for key, value in record.items():
            if key.lower() in _NO_FIELDS:
                continue
            found = sobject.find(key)
            if found is None:
                raise ApiError(400, "INVALID_FIELD", _no_such_column(sobject, key), [])
            message = values.unreadable(found, value)
            if message:
                column = body.find(orjson.dumps(value)) + 1
                message = f"{message} at [line:1, column:{column}]"
                raise ApiError(400, "JSON_PARSER_ERROR", message)


def required_missing(sobject: SObject, row: Mapping[str, Stored]) -> RowError | None:
    """Return the error for required fields that the record would be without."""
    missing = tuple(
        each.name
        for each in sobject.fields
        if each.required
        and (each.createable or each.updateable)
        and each.name in row
        and row[each.name] is None
    )
    if not missing:
        return None
    names = ", ".join(missing)
    return RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{names}]", missing)


def check_references(
    connection: sqlite3.Connection, schema: Schema, drafts: Iterable[Draft]
) -> None:
    """Add an error to every draft that points to a record of the wrong kind, or to none."""
    wanted = [
        (draft, each, str(draft.changes[each.name]))
        for draft in drafts
        for each in draft.fields
        if each.type == "reference" and draft.changes.get(each.name) is not None
    ]
    existing = _existing(connection, schema, {identifier for _, _, identifier in wanted})
    for draft, each, identifier in wanted:
        if identifier[:3] not in _prefixes(schema, each):
            message = f"{each.label}: id value of incorrect type: {identifier}"
            draft.errors.append(RowError("FIELD_INTEGRITY_EXCEPTION", message, (each.name,)))
        elif identifier[:3] in schema.by_prefix and identifier not in existing:
            draft.errors.append(
                RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (each.name,))
            )


def check_unique(connection: sqlite3.Connection, sobject: SObject, drafts: Iterable[Draft]) -> None:
    """Add DUPLICATE_VALUE where a unique field would hold a value twice, here or in the org."""
    rows = list(drafts)
    for each in (one for one in sobject.fields if one.unique):
        given = [draft for draft in rows if draft.changes.get(each.name) is not None]
        holders = _holders(connection, sobject, each, [draft.changes[each.name] for draft in given])
        taken: set[str] = set()
        for draft in given:
            key = each.folded(draft.changes[each.name])
            holder = holders.get(key)
            if holder is not None and holder != draft.record_id:
                draft.errors.append(_duplicate(each, holder[:15]))
            elif key in taken:
                draft.errors.append(_duplicate(each, "<unknown>"))
            elif not draft.errors:
                taken.add(key)


def _no_such_column(sobject: SObject, name: str) -> str:
    return f"No such column '{name}' on sobject of type {sobject.name}"


def _duplicate(each: Field, holder: str) -> RowError:
    return RowError(
        "DUPLICATE_VALUE",
        f"duplicate value found: {each.name} duplicates value on record with id: {holder}",
        (each.name,),
    )


def _holders(
    connection: sqlite3.Connection, sobject: SObject, each: Field, wanted: list[Stored]
) -> dict[str, str]:
    live = ' and "IsDeleted" = 0' if sobject.is_soft_deleted else ""
    rows = connection.execute(
        f'select {quoted(each.name)}, "Id" from {quoted(sobject.name)} '
        f"where {quoted(each.name)} in (select value from json_each(?)){live}",
        (orjson.dumps(wanted).decode(),),
    )
    return {each.folded(value): identifier for value, identifier in rows}


def _existing(connection: sqlite3.Connection, schema: Schema, identifiers: set[str]) -> set[str]:
    by_object: dict[str, list[str]] = {}
    for identifier in identifiers:
        target = schema.by_prefix.get(identifier[:3])
        if target is not None:
            by_object.setdefault(target.name, []).append(identifier)
    found: set[str] = set()
    for name, group in by_object.items():
        target = schema.find(name)
        live = ' and "IsDeleted" = 0' if target is not None and target.is_soft_deleted else ""
        rows = connection.execute(
            f'select "Id" from {quoted(name)} where "Id" in (select value from json_each(?)){live}',
            (orjson.dumps(group).decode(),),
        )
        found.update(identifier for (identifier,) in rows)
    return found


def _prefixes(schema: Schema, each: Field) -> set[str | None]:
    targets = ((name, schema.find(name)) for name in each.references)
    return {
        target.key_prefix if target is not None else OUTSIDE_PREFIXES.get(name)
        for name, target in targets
    }
