"""Sending a plan's writes, each object and operation by the route that its plan chose (K3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from duckdb import DuckDBPyConnection

from orchestration.warehouse import WarehouseLockedError
from orchestration.writeback.books import Books
from orchestration.writeback.sending_bulk import BulkSending
from orchestration.writeback.sending_collections import CollectionsSending
from orchestration.writeback.writes import Group

#: What a plan says about an object and an operation: `collections` or `bulk`.
Routes = Mapping[tuple[str, str], str]

_UNTIL = """
select object, arg_max(until, load_id) from raw.salesforce_snapshots group by object
"""


def read_routes(connection: DuckDBPyConnection, plan_id: str) -> Routes:
    """Return the plan's routes; what has none goes by Collections."""
    rows = connection.execute(
        "select object, operation, route from writeback.plan_routes where plan_id = ?", [plan_id]
    ).fetchall()
    return {(name, operation): route for name, operation, route in rows}


def known_until(connection: DuckDBPyConnection, plan_id: str) -> dict[str, datetime]:
    """Return up to when the plan knows each object's records, by the org's clock.

    A sync plan knows them from the snapshot, an undo has read them itself.
    """
    kind, read_at = connection.execute(
        "select coalesce(kind, 'sync'), snapshot_at from writeback.plans where plan_id = ?",
        [plan_id],
    ).fetchone() or ("sync", None)
    snapshots = dict(connection.execute(_UNTIL).fetchall())
    return dict.fromkeys(snapshots, read_at) if kind == "undo" else snapshots


def send_all(
    books: Books, groups: Sequence[Group], routes: Routes, until: Mapping[str, datetime]
) -> None:
    """Send all groups in order, until the run is over or has to end early."""
    try:
        for group in groups:
            if books.stopped_because:
                return
            route = routes.get((group.object, group.operation), "collections")
            if route == "bulk" and group.object in until:
                BulkSending(books, group.object, until[group.object]).send(group)
            else:
                CollectionsSending(books).send(group)
    except WarehouseLockedError as error:
        books.stop(str(error))
