"""What admins have deployed to the org, as its file keeps it: fields, permission sets, bareness."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from orchestration.local_org import permission_sets, schema, store
from orchestration.local_org.permission_sets import PermissionSet
from orchestration.local_org.schema import Field, Schema

_BARE = "bare"
_YES, _NO = "yes", "no"


@dataclass(frozen=True)
class Held:
    """A permission set of the org, and whether the API user has it."""

    permissions: PermissionSet
    is_assigned: bool


def is_bare(connection: sqlite3.Connection) -> bool:
    """Whether the org began without Touchline's fields."""
    return store.meta(connection, _BARE) == _YES


def set_bare(connection: sqlite3.Connection, bare: bool) -> None:
    """Note how the org begins."""
    store.set_meta(connection, _BARE, _YES if bare else _NO)


def begin(connection: sqlite3.Connection, *, bare: bool) -> None:
    """Note how a new org begins; an org that began before stays what it is."""
    has_begun = store.meta(connection, _BARE) or store.meta(connection, "schema_fingerprint")
    if not has_begun:
        set_bare(connection, bare)


def full_schema(connection: sqlite3.Connection) -> Schema:
    """Return everything that the org has, deployed fields among it."""
    return schema.with_fields(_delivered(connection), fields(connection))


def permitted(connection: sqlite3.Connection, full: Schema) -> Schema:
    """Return the schema as far as the API user's permission sets reach."""
    delivered, bare = _delivered(connection), is_bare(connection)
    guarded = {
        (name, each.name)
        for name, each in fields(connection)
        if (owner := delivered.find(name)) is None or owner.find(each.name) is None
    }
    if bare:
        guarded |= permission_sets.GUARDED
    assigned = [each.permissions for each in sets(connection).values() if each.is_assigned]
    return permission_sets.as_permitted(full, frozenset(guarded), assigned, is_bare=bare)


def fields(connection: sqlite3.Connection) -> Iterator[tuple[str, Field]]:
    """Yield (object, field) of every deployed field."""
    rows = connection.execute("select object, definition from deployed_fields").fetchall()
    for name, definition in rows:
        yield name, schema.read_field(orjson.loads(definition))


def sets(connection: sqlite3.Connection) -> Mapping[str, Held]:
    """Return the permission sets by name."""
    rows = connection.execute(
        "select name, definition, is_assigned from permission_sets order by name"
    )
    return {
        name: Held(permission_sets.restore(orjson.loads(definition)), bool(is_assigned))
        for name, definition, is_assigned in rows
    }


def keep_field(connection: sqlite3.Connection, owner: str, definition: Mapping[str, Any]) -> None:
    """Keep a deployed field."""
    connection.execute(
        "insert or replace into deployed_fields values (?, ?, ?)",
        (owner, definition["name"], orjson.dumps(definition).decode()),
    )


def keep_set(connection: sqlite3.Connection, name: str, permissions: PermissionSet) -> None:
    """Keep a permission set; whoever has it keeps it."""
    connection.execute(
        "insert into permission_sets values (?, ?, 0) "
        "on conflict (name) do update set definition = excluded.definition",
        (name, orjson.dumps(permissions.body()).decode()),
    )


def assign(connection: sqlite3.Connection, name: str) -> bool:
    """Give the API user a permission set; False if there is none of that name."""
    found = connection.execute("update permission_sets set is_assigned = 1 where name = ?", (name,))
    return found.rowcount == 1


def _delivered(connection: sqlite3.Connection) -> Schema:
    shipped = schema.load()
    return schema.bare(shipped) if is_bare(connection) else shipped
