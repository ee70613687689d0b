"""The org as one thing: its file, its schema as people may see it, and its settings."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from orchestration.local_org import (
    auth,
    identifiers,
    late_rows,
    metadata,
    org_rules,
    request_log,
    schema,
    seed,
    store,
    tables,
    values,
)
from orchestration.local_org.connections import Connections
from orchestration.local_org.faults import Faults
from orchestration.local_org.org_rules import Rules
from orchestration.local_org.request_log import ApiUsage
from orchestration.local_org.schema import Schema
from orchestration.local_org.seed import Seeded
from orchestration.local_org.store import Store

#: The user that apps act as; a seed may bring its own record under this name.
INTEGRATION_USERNAME = "integration@touchline.example"
_INTEGRATION_NUMBER = 1
_RULES, _LEFT_OUT = "rules", "left_out_of_seed"


@dataclass(frozen=True)
class OrgSettings:
    """What may be chosen when the org starts; a new one may be `bare` of Touchline's fields."""

    page_size: int = 2000
    api_limit: int = 100_000
    session_seconds: float = 7200.0
    bare: bool = False


@dataclass
class Org:
    """An open org. `schema` is what callers may see: hidden fields do not exist for them.

    `full_schema` is everything that its admin has, deployed fields among it.
    """

    store: Store
    settings: OrgSettings
    usage: ApiUsage
    full_schema: Schema
    schema: Schema
    integration_user: str
    schema_changed_at: str = ""
    rules: Rules = field(default_factory=Rules)
    faults: Faults = field(default_factory=Faults)
    connections: Connections = field(default_factory=Connections)
    request_ids: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def open(
        cls, path: Path, *, seed_folder: Path | None = None, settings: OrgSettings | None = None
    ) -> "Org":
        """Open the org's file, creating it, and seeding it if it was never seeded.

        Raises:
            SeedError: the seed has a bad line; nothing of it is kept.
        """
        chosen = settings or OrgSettings()
        opened = Store(path)
        with opened.writing() as connection:
            store.create_housekeeping(connection)
            metadata.begin(connection, bare=chosen.bare)
            full = metadata.full_schema(connection)
            store.create_tables(connection, full)
            if seed_folder is not None and store.meta(connection, "seeded_from") is None:
                load_seed(connection, full, seed_folder)
            store.create_indexes(connection, full)
            user = _integration_user(connection)
            auth.register_app(connection, auth.LOCAL_KEY, run_as=user, secret=auth.LOCAL_SECRET)
        usage = ApiUsage(chosen.api_limit)
        org = cls(opened, chosen, usage, full, full, user)
        with opened.writing() as connection:
            usage.restore(connection)
            org.request_ids = itertools.count(request_log.last_id(connection) + 1)
            org.apply_rules(connection)
        return org

    def now(self) -> datetime:
        """Return the org's clock, which may be wrong on purpose."""
        return datetime.now(UTC) + timedelta(seconds=self.rules.clock_skew_seconds)

    def now_text(self) -> str:
        """Return the org's clock as stamps say it."""
        return values.now_text(self.now())

    @contextmanager
    def querying(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees what queries see: not yet what is late."""
        if not self.rules.late_seconds:
            with self.store.reading() as connection:
                yield connection
            return
        with self.store.trying() as connection:
            late_rows.undo(connection, self.full_schema)
            yield connection

    def set_rules(self, connection: sqlite3.Connection, rules: Rules) -> None:
        """Keep an admin's rules, and let everybody see what they change."""
        store.set_meta(connection, _RULES, orjson.dumps(rules.body()).decode())
        self.apply_rules(connection)

    def apply_rules(self, connection: sqlite3.Connection) -> None:
        """Rebuild what callers see; the schema's change time moves when it differs from before."""
        self.rules = org_rules.read(orjson.loads(store.meta(connection, _RULES) or "{}"))
        self.usage.limit = self.rules.api_limit or self.settings.api_limit
        rows = connection.execute("select object, field from hidden_fields").fetchall()
        permitted = metadata.permitted(connection, self.full_schema)
        self.schema = schema.as_seen(permitted, frozenset(map(tuple, rows)), self.rules)
        if store.meta(connection, "schema_fingerprint") != self.schema.fingerprint:
            store.set_meta(connection, "schema_fingerprint", self.schema.fingerprint)
            store.set_meta(connection, "schema_changed_at", self._later_than_last(connection))
        self.schema_changed_at = store.meta(connection, "schema_changed_at") or ""

    def _later_than_last(self, connection: sqlite3.Connection) -> str:
        """Return now, or the second after the last change: two in one second must differ."""
        last = values.parse_datetime(store.meta(connection, "schema_changed_at") or "")
        now = self.now()
        return values.now_text(max(now, last + timedelta(seconds=1)) if last else now)

    def reset(self, seed_folder: Path | None, *, bare: bool = False) -> Seeded:
        """Empty every object, rule and fault, forget what was deployed, and seed anew.

        Apps and the request log stay. Returns what was loaded.
        """
        loaded = Seeded()
        with self.store.writing() as connection:
            for table in tables.EMPTIED:
                connection.execute(f"delete from {table}")
            connection.execute(
                "delete from org_meta where key in ('seeded_from', ?, ?)", (_RULES, _LEFT_OUT)
            )
            metadata.set_bare(connection, bare)
            full = metadata.full_schema(connection)
            store.empty(connection, self.full_schema, full)
            self.faults.clear()
            if seed_folder is not None:
                loaded = load_seed(connection, full, seed_folder)
            self.integration_user = _integration_user(connection)
            connection.execute("update connected_apps set run_as = ?", (self.integration_user,))
            connection.execute("delete from sessions")
            self.full_schema = full
            self.apply_rules(connection)
        return loaded


def load_seed(connection: sqlite3.Connection, full: Schema, folder: Path) -> Seeded:
    """Load a seed and note where it came from, and which of its fields a bare org left out."""
    user = identifiers.build("005", _INTEGRATION_NUMBER)
    loaded = seed.load(connection, full, folder, user, shipped=schema.load())
    store.set_meta(connection, "seeded_from", str(folder))
    store.set_meta(connection, _LEFT_OUT, orjson.dumps(loaded.left_out).decode())
    return loaded


def left_out(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many values of the seed, by field, had no place in a bare org."""
    found: dict[str, int] = orjson.loads(store.meta(connection, _LEFT_OUT) or "{}")
    return found


def _integration_user(connection: sqlite3.Connection) -> str:
    """Return the id of the integration user, who is created with the org."""
    row = connection.execute(
        'select "Id" from "User" where "Username" = ?', (INTEGRATION_USERNAME,)
    ).fetchone()
    if row:
        return str(row[0])
    user_id, now = identifiers.build("005", _INTEGRATION_NUMBER), values.now_text()
    record = {
        "Id": user_id,
        "Username": INTEGRATION_USERNAME,
        "LastName": "Integration",
        "FirstName": "Touchline",
        "Name": "Touchline Integration",
        "Email": INTEGRATION_USERNAME,
        "Alias": "tlint",
        "CommunityNickname": "touchline.integration",
        "IsActive": 1,
        "UserType": "Standard",
        "ProfileId": identifiers.build("00e", 1),
        "CreatedDate": now,
        "CreatedById": user_id,
        "LastModifiedDate": now,
        "LastModifiedById": user_id,
        "SystemModstamp": now,
    }
    connection.execute(
        f'insert into "User" ({", ".join(map(store.quoted, record))}) '
        f"values ({', '.join('?' * len(record))})",
        tuple(record.values()),
    )
    return user_id
