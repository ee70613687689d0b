"""How a plan's records are sent, and what that costs in API calls (K3)."""

from collections.abc import Collection
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from math import ceil

from duckdb import DuckDBPyConnection

from orchestration.crm.snapshot import OVERLAP
from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.fates import IDENTITIES

#: One Collections request carries so many records; its records are read by one query before.
ROWS_PER_REQUEST = 200

#: One Bulk job carries so many records.
ROWS_PER_JOB = 50_000

#: Below, Collections answer at once and record by record; Salesforce's own advice, too.
BULK_FROM = 2_000

#: Of a job: open, upload and start it; ask once how it stands; fetch three sets of results.
JOB_WRITES, JOB_READS = 3, 4

#: Before the first job, one query asks what moved since the snapshot; it answers in such pages.
ROWS_PER_PAGE = 2_000

#: What is planned is known up to some moment; `since` is that, less the overlap. An undo deletes
#: after it has updated, and finds its own writes then.
_RECENT = """
select count(distinct record_id)
from (
    select record_id from {versions} where system_modstamp >= $since

    union all

    select record_id from writeback.ledger
    where object = $object and outcome in ('written', 'undone') and sent_at >= $since

    union all

    select record_id from writeback.changes
    where
        plan_id = $plan_id and object = $object and operation = 'update' and decision = 'write'
        and $operation = 'delete'
)
"""

_UNTIL = "select max(until) from raw.salesforce_snapshots where object = ?"

#: When created, their ids are wanted by other records of the same plan, or those of others by them.
NEVER_IN_BULK = frozenset({"EmailMessage", "EmailMessageRelation"})

#: What is asked before the first write, whatever is written: how many calls are left today.
PREFLIGHT = "preflight"

_ROUTED = """
select
    object, operation, count(distinct coalesce(record_id, external_key)) as records,
    bool_or(refers_to is not null) as refers
from writeback.changes
where plan_id = ? and decision = 'write'
group by object, operation
order by object, operation
"""

_INSERT = "insert into writeback.plan_routes values (?, ?, ?, ?, ?, ?, ?, ?)"

_STORED = """
select object, operation, route, records, read_calls, write_calls, reason
from writeback.plan_routes
where plan_id = ?
order by object = '*' desc, object, operation
"""


@dataclass(frozen=True, slots=True)
class Route:
    """How one object's records are updated, created or deleted, and why that way.

    `route`: collections, bulk, or preflight (then `object` is `*`: the questions before it all).
    """

    object: str
    operation: str
    route: str
    records: int
    read_calls: int
    write_calls: int
    reason: str

    @property
    def calls(self) -> int:
        """All API calls of it, where no fault makes more of them."""
        return self.read_calls + self.write_calls


def choose_route(
    object_name: str, operation: str, records: int, *, refers: bool = False, recent: int = 0
) -> Route:
    """Return the cheaper of the routes that these records may go.

    `refers`: some of their values are ids of records that the same plan creates. `recent`: so
    many of the object's records are as young as the snapshot, give or take its overlap.
    """
    requests = ceil(records / ROWS_PER_REQUEST)
    jobs = ceil(records / ROWS_PER_JOB)
    # A creation has no record that could have moved since the snapshot.
    is_read_before = operation != "create"
    collections = Route(
        object_name, operation, "collections", records, requests * is_read_before, requests, ""
    )
    bulk = Route(
        object_name,
        operation,
        "bulk",
        records,
        jobs * JOB_READS + is_read_before * max(1, ceil(recent / ROWS_PER_PAGE)),
        JOB_WRITES * jobs,
        f"{_counted(jobs, 'job')} of up to {ROWS_PER_JOB:,} records, "
        f"instead of {_counted(collections.calls, 'call')}",
    )
    if operation == "create" and object_name in IDENTITIES:
        return replace(collections, reason="no key tells a job's results apart: never in bulk")
    if refers or (operation == "create" and object_name in NEVER_IN_BULK):
        return replace(collections, reason="tied to other records of the plan: never in bulk")
    if records < BULK_FROM:
        return replace(collections, reason=f"fewer than {BULK_FROM:,} records")
    if bulk.calls >= collections.calls:
        return replace(collections, reason=f"a job would take {_counted(bulk.calls, 'call')}")
    return bulk


def preflight_route(objects: Collection[str]) -> Route:
    """Return what is asked before the first write: the day's limits, and each object's describe."""
    reason = f"the day's limits, and how {_listed(sorted(objects))} may be written now"
    return Route("*", PREFLIGHT, PREFLIGHT, 0, 1 + len(objects), 0, reason)


def store_routes(
    connection: DuckDBPyConnection, plan_id: str, read_at: datetime | None = None
) -> int:
    """Choose the routes of a plan's writes anew and store them; return all their calls.

    `read_at`: when the plan's records were read, where that is not the snapshot's time.
    """
    routed = connection.execute(_ROUTED, [plan_id]).fetchall()
    routes = []
    for name, operation, records, refers in routed:
        recent = _recent_records(connection, plan_id, name, operation, read_at)
        # They are created first, and found by the query before the job, too.
        recent += sum(row[2] for row in routed if row[:2] == (name, "create"))
        routes.append(choose_route(name, operation, records, refers=refers, recent=recent))
    if routes:
        routes.insert(0, preflight_route({route.object for route in routes}))
    connection.execute("delete from writeback.plan_routes where plan_id = ?", [plan_id])
    for route in routes:
        connection.execute(_INSERT, [plan_id, *astuple(route)])
    return sum(route.calls for route in routes)


def read_routes(connection: DuckDBPyConnection, plan_id: str) -> list[Route]:
    """Return the routes of a plan, what is asked before the first write first."""
    return [Route(*row) for row in connection.execute(_STORED, [plan_id]).fetchall()]


def _recent_records(
    connection: DuckDBPyConnection,
    plan_id: str,
    name: str,
    operation: str,
    read_at: datetime | None,
) -> int:
    """Return how many records the query before a job finds, where nobody moved any since."""
    if name not in TABLES:
        return 0
    (until,) = (read_at,) if read_at else connection.execute(_UNTIL, [name]).fetchone() or (None,)
    if until is None:
        return 0
    values = {"plan_id": plan_id, "object": name, "operation": operation, "since": until - OVERLAP}
    sql = _RECENT.format(versions=TABLES[name])
    (count,) = connection.execute(sql, values).fetchone() or (0,)
    return int(count)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _listed(names: Collection[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
