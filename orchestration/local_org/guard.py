"""What an org does to rows beyond Salesforce's own checks: an admin's rules, rights, and faults."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from orchestration.local_org import faults
from orchestration.local_org.errors import RowError
from orchestration.local_org.faults import Fault
from orchestration.local_org.org_rules import Rules
from orchestration.local_org.schema import SObject
from orchestration.local_org.store import quoted
from orchestration.local_org.validation import Draft
from orchestration.local_org.values import Stored

_NO_ACCESS = "insufficient access rights on object id"

#: A row on its way into the org, and the record as it will be.
Pair = tuple[Draft, dict[str, Stored]]


@dataclass(frozen=True)
class Guard:
    """The rules of the moment, and the faults that fired at this request or job."""

    rules: Rules = field(default_factory=Rules)
    faults: tuple[Fault, ...] = ()
    allow_duplicates: bool = False
    auto_assign: bool = False

    def check_new(
        self, connection: sqlite3.Connection, sobject: SObject, pairs: Sequence[Pair]
    ) -> None:
        """Add the errors of new records."""
        self._check_rights(pairs, is_allowed=sobject.createable)
        if sobject.name in self.rules.duplicate_rules and not self.allow_duplicates:
            _check_duplicates(connection, sobject, pairs)
        self._assign(sobject, pairs)
        self._check_rules(sobject, pairs)

    def check_changed(self, sobject: SObject, pairs: Sequence[Pair]) -> None:
        """Add the errors of changed records."""
        self._check_rights(pairs, is_allowed=sobject.updateable)
        self._assign(sobject, pairs)
        self._check_rules(sobject, pairs)

    def check_deleted(self, sobject: SObject, pairs: Sequence[Pair]) -> None:
        """Add the errors of records that are to be deleted."""
        self._check_rights(pairs, is_allowed=sobject.deletable)
        self._spoil(sobject, pairs)

    def _assign(self, sobject: SObject, pairs: Sequence[Pair]) -> None:
        """Let the assignment rule choose the owner, which REST writes start unless told not to."""
        owner = self.rules.assignment_rules.get(sobject.name) if self.auto_assign else None
        for draft, row in pairs if owner else ():
            draft.changes["OwnerId"] = row["OwnerId"] = owner

    def _check_rights(self, pairs: Sequence[Pair], *, is_allowed: bool) -> None:
        closed = set(self.rules.read_only_records)
        for draft, _ in pairs:
            if not is_allowed or draft.record_id in closed:
                draft.errors.append(RowError("INSUFFICIENT_ACCESS_OR_READONLY", _NO_ACCESS))
            for each in draft.fields:
                if each.type == "reference" and draft.changes.get(each.name) in closed:
                    code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
                    draft.errors.append(RowError(code, _NO_ACCESS, (each.name,)))

    def _check_rules(self, sobject: SObject, pairs: Sequence[Pair]) -> None:
        checks = [each for each in self.rules.validation_rules if each.object == sobject.name]
        for draft, row in pairs:
            draft.errors.extend(self._beyond_record_type(sobject, draft))
            draft.errors.extend(
                RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", each.message, (each.field,))
                for each in checks
                if each.refuses(row)
            )
        self._spoil(sobject, pairs)

    def _beyond_record_type(self, sobject: SObject, draft: Draft) -> Iterator[RowError]:
        for each in draft.fields if self.rules.allowed_values else ():
            allowed = self.rules.allowed_values.get(f"{sobject.name}.{each.name}")
            value = draft.changes.get(each.name)
            if allowed is not None and value is not None and value not in allowed:
                message = f"{each.label}: bad value for restricted picklist field: {value}"
                code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
                yield RowError(code, message, (each.name,))

    def _spoil(self, sobject: SObject, pairs: Sequence[Pair]) -> None:
        if not self.faults:
            return
        sound = [(draft, row) for draft, row in pairs if not draft.errors]
        names = [each.name for each in sobject.fields if each.external_id]
        keys = [
            (draft.record_id, *(str(row[name]) for name in names if row.get(name) is not None))
            for draft, row in sound
        ]
        for at, error in faults.row_errors(self.faults, keys).items():
            sound[at][0].errors.append(error)


def _check_duplicates(
    connection: sqlite3.Connection, sobject: SObject, pairs: Sequence[Pair]
) -> None:
    wanted = [str(row["Email"]) for _, row in pairs if row.get("Email") is not None]
    known = connection.execute(
        f'select lower("Email") from {quoted(sobject.name)} where "IsDeleted" = 0 '
        f'and "Email" in (select value from json_each(?))',
        (orjson.dumps(wanted).decode(),),
    )
    taken = {email for (email,) in known}
    for draft, row in pairs:
        if str(row.get("Email")).lower() in taken:
            draft.errors.append(RowError("DUPLICATES_DETECTED", "Use one of these records?"))
