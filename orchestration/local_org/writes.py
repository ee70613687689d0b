"""Saving records the way Salesforce does: row by row verdicts, derived fields, stamps."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from orchestration.local_org import identifiers, late_rows, record_writes, rules, validation
from orchestration.local_org.errors import RowError
from orchestration.local_org.guard import Guard, Pair
from orchestration.local_org.record_writes import Origin, Written
from orchestration.local_org.schema import Schema, SObject
from orchestration.local_org.store import quoted
from orchestration.local_org.validation import Draft
from orchestration.local_org.values import Stored

_RESERVED_NUMBERS = 1000


@dataclass(frozen=True)
class Saved:
    """The verdict on one row; `record_id` is None on a failed row, as in Salesforce."""

    record_id: str | None
    errors: tuple[RowError, ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether the row was saved."""
        return not self.errors

    def body(self) -> dict[str, Any]:
        """Return the row's SaveResult; a failed row carries no id [R]."""
        if self.is_success:
            return {"id": self.record_id, "success": True, "errors": []}
        return {"success": False, "errors": [each.body() for each in self.errors]}


@dataclass(frozen=True)
class Writer:
    """Writes as one user, at one moment, within the caller's transaction.

    `is_system` writes as automation does: read-only fields are open to it.
    """

    connection: sqlite3.Connection
    schema: Schema
    user_id: str
    now: str
    origin: Origin
    guard: Guard = field(default_factory=Guard)
    is_system: bool = False

    def create(self, sobject: SObject, records: Sequence[Mapping[str, Any]]) -> list[Saved]:
        """Insert records; each row stands for itself."""
        drafts = [self._new(sobject, record) for record in records]
        self._check(sobject, drafts)
        rules.check_new(self.connection, sobject, drafts)
        complete = [(draft, self._complete(sobject, draft)) for draft in _sound(drafts)]
        self.guard.check_new(self.connection, sobject, complete)
        good = [(draft, row) for draft, row in complete if not draft.errors]
        first = self._numbers(sobject, len(good))
        for number, (draft, row) in enumerate(good, start=first):
            draft.record_id = identifiers.build(sobject.key_prefix or "", number)
            row["Id"] = draft.record_id
        self._insert(sobject, [row for _, row in good])
        self._note(sobject, "create", good, {})
        return [_saved(draft) for draft in drafts]

    def update(self, sobject: SObject, records: Sequence[Mapping[str, Any]]) -> list[Saved]:
        """Update records by the `id` that each carries; each row stands for itself.

        Equal values move LastModifiedDate and SystemModstamp too: a write is a write.
        """
        drafts = self._identified(sobject, records)
        current = self._current(sobject, [each.record_id for each in drafts if each.record_id])
        for draft in drafts:
            if draft.record_id is not None and not draft.errors:
                self._judge(sobject, draft, current.get(draft.record_id))
        self._check(sobject, drafts)
        complete: list[Pair] = []
        for draft in _sound(drafts):
            row = {**current[str(draft.record_id)], **draft.changes}
            complete.append((draft, row))
        self.guard.check_changed(sobject, complete)
        good = [(draft, row) for draft, row in complete if not draft.errors]
        self._note(sobject, "update", good, current)
        for draft, row in good:
            draft.changes.update(rules.derive(sobject, row, self.now))
        self._store(sobject, [draft for draft, _ in good])
        return [_saved(draft) for draft in drafts]

    def delete(self, sobject: SObject, given_ids: Sequence[str | None]) -> list[Saved]:
        """Put records into the recycle bin (`IsDeleted`)."""
        drafts = self._identified(sobject, [{"id": each} for each in given_ids])
        current = self._current(sobject, [each.record_id for each in drafts if each.record_id])
        for draft in drafts:
            if draft.record_id is None or draft.errors:
                continue
            row = current.get(draft.record_id)
            if row is None:
                draft.errors.append(_unknown_record())
            elif row.get("IsDeleted"):
                draft.errors.append(RowError("ENTITY_IS_DELETED", "entity is deleted"))
            elif not sobject.is_soft_deleted:
                message = f"entity type {sobject.name} does not support delete"
                draft.errors.append(RowError("INSUFFICIENT_ACCESS_OR_READONLY", message))
            draft.changes["IsDeleted"] = 1
        complete = [(draft, current[str(draft.record_id)]) for draft in _sound(drafts)]
        self.guard.check_deleted(sobject, complete)
        good = [(draft, row) for draft, row in complete if not draft.errors]
        self._note(sobject, "delete", good, current)
        self._store(sobject, [draft for draft, _ in good])
        return [_saved(draft) for draft in drafts]

    def _complete(self, sobject: SObject, draft: Draft) -> dict[str, Stored]:
        row = self._with_defaults(sobject, draft.changes)
        row.update(rules.derive(sobject, row, self.now))
        return row

    def _note(
        self,
        sobject: SObject,
        operation: str,
        pairs: Sequence[Pair],
        current: Mapping[str, Mapping[str, Stored]],
    ) -> None:
        """Prove what is written, and remember what late readers are still to see."""
        key = next((each.name for each in sobject.fields if each.external_id), "")
        written = []
        for draft, row in pairs:
            identifier, held = str(draft.record_id), row.get(key)
            before = current.get(identifier, {})
            is_change = any(before.get(name) != value for name, value in draft.changes.items())
            name = None if held is None else str(held)
            written.append(Written(identifier, name, dict(draft.changes), is_change))
        record_writes.note(
            self.connection,
            self.origin,
            self.now,
            object_name=sobject.name,
            operation=operation,
            rows=written,
        )
        seconds = self.guard.rules.late_seconds
        if seconds:
            befores = ((each.record_id, current.get(each.record_id)) for each in written)
            late_rows.remember(self.connection, sobject.name, seconds, befores)

    def _new(self, sobject: SObject, record: Mapping[str, Any]) -> Draft:
        draft = validation.read_fields(sobject, record, is_create=True)
        if any(key.lower() == "id" for key in record):
            message = "cannot specify Id in an insert call"
            draft.errors.append(RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, ("Id",)))
        if not draft.errors:
            row = self._with_defaults(sobject, draft.changes)
            missing = validation.required_missing(sobject, row)
            if missing:
                draft.errors.append(missing)
        return draft

    def _with_defaults(self, sobject: SObject, changes: Mapping[str, Stored]) -> dict[str, Stored]:
        row: dict[str, Stored] = {}
        for each in sobject.fields:
            default = int(each.default) if isinstance(each.default, bool) else each.default
            row[each.name] = default
        row.update({name: value for name, value in changes.items() if value is not None})
        if sobject.find("OwnerId") and row["OwnerId"] is None:
            row["OwnerId"] = self.user_id
        row.update(self._stamps())
        row["CreatedDate"], row["CreatedById"] = self.now, self.user_id
        return row

    def _stamps(self) -> dict[str, Stored]:
        return {
            "LastModifiedDate": self.now,
            "LastModifiedById": self.user_id,
            "SystemModstamp": self.now,
        }

    def _identified(self, sobject: SObject, records: Sequence[Mapping[str, Any]]) -> list[Draft]:
        drafts = []
        seen: set[str] = set()
        for record in records:
            draft = validation.read_fields(
                sobject, record, is_create=False, is_system=self.is_system
            )
            given = next((value for key, value in record.items() if key.lower() == "id"), None)
            draft.record_id = identifiers.canonical(given)
            problem = _id_problem(sobject, given, draft.record_id, seen)
            if problem:
                draft.errors = [problem]
            elif draft.record_id:
                seen.add(draft.record_id)
            drafts.append(draft)
        return drafts

    def _judge(self, sobject: SObject, draft: Draft, current: dict[str, Stored] | None) -> None:
        if current is None:
            draft.errors.append(_unknown_record())
            return
        verdict = rules.forbidden(sobject, current, draft)
        missing = validation.required_missing(sobject, draft.changes)
        draft.errors.extend(each for each in (verdict, missing) if each)

    def _check(self, sobject: SObject, drafts: Sequence[Draft]) -> None:
        sound = [draft for draft in drafts if not draft.errors]
        validation.check_references(self.connection, self.schema, sound)
        validation.check_unique(self.connection, sobject, sound)

    def _current(self, sobject: SObject, record_ids: Sequence[str]) -> dict[str, dict[str, Stored]]:
        cursor = self.connection.execute(
            f'select * from {quoted(sobject.name)} where "Id" in (select value from json_each(?))',
            (orjson.dumps(record_ids).decode(),),
        )
        names = [column[0] for column in cursor.description]
        rows = (dict(zip(names, row, strict=True)) for row in cursor)
        return {str(row["Id"]): row for row in rows}

    def _insert(self, sobject: SObject, rows: Sequence[dict[str, Stored]]) -> None:
        columns = [each.name for each in sobject.fields]
        self.connection.executemany(
            f"insert into {quoted(sobject.name)} ({', '.join(map(quoted, columns))}) "
            f"values ({', '.join('?' * len(columns))})",
            ([row.get(column) for column in columns] for row in rows),
        )

    def _store(self, sobject: SObject, drafts: Sequence[Draft]) -> None:
        groups: dict[tuple[str, ...], list[tuple[Stored, ...]]] = {}
        stamps = self._stamps()
        for draft in drafts:
            changes = {**draft.changes, **stamps}
            groups.setdefault(tuple(changes), []).append((*changes.values(), draft.record_id))
        for columns, rows in groups.items():
            assignments = ", ".join(f"{quoted(column)} = ?" for column in columns)
            self.connection.executemany(
                f'update {quoted(sobject.name)} set {assignments} where "Id" = ?', rows
            )

    def _numbers(self, sobject: SObject, count: int) -> int:
        """Reserve `count` record numbers and return the first; the lowest ones are the org's."""
        (last,) = self.connection.execute(
            "insert into id_numbers values (?, ?) "
            "on conflict (object) do update set last = last + excluded.last returning last",
            (sobject.name, count),
        ).fetchone()
        return _RESERVED_NUMBERS + int(last) - count + 1


def _sound(drafts: Sequence[Draft]) -> list[Draft]:
    return [draft for draft in drafts if not draft.errors]


def _saved(draft: Draft) -> Saved:
    if draft.errors:
        return Saved(None, tuple(draft.errors))
    return Saved(draft.record_id)


def _unknown_record() -> RowError:
    return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def _id_problem(
    sobject: SObject, given: object, record_id: str | None, seen: set[str]
) -> RowError | None:
    if given is None:
        return RowError("MISSING_ARGUMENT", "Id not specified in an update call")
    if record_id is None:
        return RowError("MALFORMED_ID", f"malformed id {given}", ("Id",))
    if record_id[:3] != sobject.key_prefix:
        message = f"{sobject.label} ID: id value of incorrect type: {given}"
        return RowError("MALFORMED_ID", message, ("Id",))
    if record_id in seen:
        return RowError("DUPLICATE_VALUE", f"duplicate id in list: {record_id}", ("Id",))
    return None
