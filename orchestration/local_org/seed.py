"""Filling a new org from a folder of `<Object>.ndjson` files: everything in, or nothing."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson

from orchestration.local_org import identifiers, rules, store, values
from orchestration.local_org.schema import NUMBER_TYPES, TEXT_TYPES, Field, Schema, SObject
from orchestration.local_org.values import Stored

BATCH = 5_000
_SHOWN = 120
#: What a record without these gets at load time, as a new record would.
_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_USERS = ("CreatedById", "LastModifiedById", "OwnerId")

_Converter = Callable[[Any], Stored]


@dataclass(frozen=True)
class Seeded:
    """How many records were loaded by object, and how many values were left out by field."""

    records: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


class SeedError(ValueError):
    """A seed line that the org cannot take: file, line, value and what to do."""


def load(
    connection: sqlite3.Connection,
    schema: Schema,
    folder: Path,
    default_user: str,
    shipped: Schema,
) -> Seeded:
    """Load every `<Object>.ndjson` of the folder, ids and timestamps as given.

    Records of an object that the org already holds are refused: a seed fills a new org.
    Values in fields that are `shipped` but not there, as in a bare org, are left out and counted.

    Raises:
        SeedError: the first bad line; the caller's transaction must then be rolled back.
    """
    files = sorted(folder.glob("*.ndjson"))
    if not files:
        raise SeedError(
            f"{folder} holds no <Object>.ndjson file (such as Contact.ndjson). "
            f"Give the folder that `touchline simulate` wrote as `org/`."
        )
    store.drop_indexes(connection, schema)
    loaded = Seeded()
    for path in files:
        sobject = schema.find(path.stem)
        if sobject is None or sobject.union_of:
            known = ", ".join(each.name for each in schema)
            raise SeedError(f"{path.name}: the org has no object {path.stem!r}. It has {known}.")
        absent = [
            each.name
            for one in shipped
            if one.name == sobject.name
            for each in one.fields
            if sobject.find(each.name) is None
        ]
        loader = _load_file(connection, sobject, path, absent)
        loaded.records[sobject.name] = loader.count
        loaded.left_out.update(
            {f"{sobject.name}.{name}": count for name, count in loader.left_out.items()}
        )
        _complete(connection, sobject, default_user)
    _create_indexes(connection, schema)
    return loaded


def _load_file(
    connection: sqlite3.Connection, sobject: SObject, path: Path, absent: Sequence[str]
) -> "_Loader":
    loader = _Loader(connection, sobject, path, absent)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                loader.add(number, line)
    loader.flush()
    return loader


class _Loader:
    """Collects the records of one file by the fields they carry, and inserts them in bulk."""

    def __init__(
        self, connection: sqlite3.Connection, sobject: SObject, path: Path, absent: Sequence[str]
    ) -> None:
        self.count = 0
        self.left_out: Counter[str] = Counter()
        self._absent = absent
        self._connection = connection
        self._sobject = sobject
        self._path = path
        self._converters = {each.name: _converter(each) for each in sobject.fields}
        self._plans: dict[tuple[str, ...], list[_Converter | None]] = {}
        self._pending: dict[tuple[str, ...], list[tuple[int, list[Stored]]]] = {}

    def add(self, number: int, line: bytes) -> None:
        """Take one line."""
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            shown = line[:_SHOWN].decode(errors="replace").strip()
            raise self._error(
                number, shown, f"is no JSON ({error})", "Write one JSON object"
            ) from error
        if not isinstance(record, dict):
            raise self._error(number, str(record)[:_SHOWN], "is no record", "Write one JSON object")
        record.pop("attributes", None)
        for name in self._absent:
            if record.pop(name, None) is not None:
                self.left_out[name] += 1
        keys = tuple(record)
        plan = self._plans.get(keys)
        if plan is None:
            plan = self._plan(number, record)
        row: list[Stored] = []
        for key, converter in zip(keys, plan, strict=True):
            value = record[key]
            try:
                row.append(converter(value) if converter else value)
            except (TypeError, ValueError) as error:
                raise self._bad_value(number, key, value, error) from error
        rows = self._pending.setdefault(keys, [])
        rows.append((number, row))
        self.count += 1
        if len(rows) >= BATCH:
            self._insert(keys, self._pending.pop(keys))

    def flush(self) -> None:
        """Insert what is still waiting."""
        for keys, rows in self._pending.items():
            self._insert(keys, rows)
        self._pending.clear()

    def _plan(self, number: int, record: Mapping[str, Any]) -> list[_Converter | None]:
        if "Id" not in record:
            raise self._error(
                number, str(record)[:_SHOWN], "has no Id", "Give every record its 18-character Id"
            )
        for key in record:
            if key not in self._converters:
                raise self._error(
                    number,
                    key,
                    f"is no field of {self._sobject.name}",
                    f"Leave it out, or add it to objects/{self._sobject.name}.json",
                )
        plan = [self._converters[key] for key in record]
        self._plans[tuple(record)] = plan
        return plan

    def _insert(self, keys: tuple[str, ...], rows: list[tuple[int, list[Stored]]]) -> None:
        names = ", ".join(store.quoted(key) for key in keys)
        marks = ", ".join("?" * len(keys))
        statement = f"insert into {store.quoted(self._sobject.name)} ({names}) values ({marks})"
        self._connection.execute("savepoint batch")
        try:
            self._connection.executemany(statement, (row for _, row in rows))
        except sqlite3.IntegrityError:
            self._connection.execute("rollback to batch")
            self._find_duplicate(statement, keys, rows)
        self._connection.execute("release batch")

    def _find_duplicate(
        self, statement: str, keys: tuple[str, ...], rows: list[tuple[int, list[Stored]]]
    ) -> None:
        for number, row in rows:
            try:
                self._connection.execute(statement, row)
            except sqlite3.IntegrityError as error:
                identifier = str(row[keys.index("Id")])
                raise self._error(
                    number,
                    identifier,
                    "is in the org already",
                    "Give every record an Id of its own",
                ) from error

    def _bad_value(self, number: int, key: str, value: object, error: Exception) -> SeedError:
        shown = orjson.dumps(value)[:_SHOWN].decode(errors="replace")
        return self._error(number, f"{key}: {shown}", str(error), "Mend the value")

    def _error(self, number: int, value: str, problem: str, remedy: str) -> SeedError:
        return SeedError(
            f"{self._path.name}, line {number}: {value} {problem}. {remedy}; nothing was loaded."
        )


def _complete(connection: sqlite3.Connection, sobject: SObject, default_user: str) -> None:
    """Give records what Salesforce would have given them, where the seed does not say."""
    now = values.now_text()
    table = store.quoted(sobject.name)
    for names, value in ((_STAMPS, now), (_USERS, default_user)):
        for name in names:
            if sobject.find(name):
                column = store.quoted(name)
                connection.execute(
                    f"update {table} set {column} = ? where {column} is null", (value,)
                )
    rules.complete_seed(connection, sobject)


def _create_indexes(connection: sqlite3.Connection, schema: Schema) -> None:
    try:
        store.create_indexes(connection, schema)
    except sqlite3.IntegrityError as error:
        raise SeedError(
            f"Two seed records share a value that must be unique ({error}). "
            f"Give each its own; nothing was loaded."
        ) from error


def _converter(field: Field) -> _Converter | None:
    """Return the quick check of a seed value; seeds may hold what old records hold.

    Picklists are not enforced: real orgs keep values that were valid once.
    """
    if field.type == "boolean":
        return _boolean
    if field.type in {"id", "reference"}:
        return _required_id if field.type == "id" else _optional_id
    if field.type == "datetime":
        return _datetime
    if field.type == "date":
        return _date
    if field.type in NUMBER_TYPES:
        return _number
    return _text_of(field.length) if field.type in TEXT_TYPES else None


def _boolean(value: Any) -> Stored:
    if value is True or value is False:
        return int(value)
    if value is None:
        return 0
    raise ValueError("must be true or false")


def _required_id(value: Any) -> Stored:
    identifier = identifiers.canonical(value)
    if identifier is None:
        raise ValueError("is no Salesforce id (18 characters with a matching suffix)")
    return identifier


def _optional_id(value: Any) -> Stored:
    return None if value is None or value == "" else _required_id(value)


def _datetime(value: Any) -> Stored:
    if value is None:
        return None
    if isinstance(value, str) and len(value) == 28 and value.endswith(".000+0000"):
        datetime.fromisoformat(value)
        return value
    moment = values.parse_datetime(value) if isinstance(value, str) else None
    if moment is None:
        raise ValueError("is no datetime such as 2026-10-22T21:03:23.000+0000")
    return values.now_text(moment)


def _date(value: Any) -> Stored:
    return None if value is None else date.fromisoformat(value).isoformat()


def _number(value: Any) -> Stored:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ValueError("must be a number")


def _text_of(length: int) -> _Converter:
    def convert(value: Any) -> Stored:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise ValueError("must be text")
        if length and len(value) > length:
            raise ValueError(f"is longer than {length} characters")
        return value

    return convert
