"""Why a plan waits for approval: what in it is larger than usual, or was taken back before (I8)."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from duckdb import DuckDBPyConnection

from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.approval_rules import RuleInForce
from orchestration.writeback.mapping_sections import Approval
from orchestration.writeback.plan_sql import SOURCES
from orchestration.writeback.snapshot_sql import current

_RECORDS = """
select object, operation, records
from writeback.plan_routes
where plan_id = ? and route <> 'preflight'
order by object, operation
"""

#: Fields that get values and never replace one.
_FIRST_VALUES = """
select field
from writeback.changes
where plan_id = ? and object = ? and operation = 'update' and decision = 'write'
group by field
having count(old_value) = 0
order by field
"""

_CLEARED = """
select object, field, count(*)
from writeback.changes
where
    plan_id = ? and operation = 'update' and decision = 'write'
    and old_value is not null and new_value is null and refers_to is null
group by object, field
having count(*) >= ?
order by object, field
"""

#: Values that take the place of others', by field. What an undo brought back is not ours.
_REPLACED = """
with

replaced as (

    select *
    from writeback.changes
    where
        plan_id = ? and operation = 'update' and decision = 'write'
        and old_value <> 'false' and (new_value is not null or refers_to is not null)

),

ours as (

    select distinct replaced.object, replaced.record_id, replaced.field
    from replaced
    inner join writeback.ledger as ledger
        on ledger.object = replaced.object and ledger.record_id = replaced.record_id
    where
        ledger.outcome in ('written', 'undone')
        and ledger.plan_id not in (select plan_id from writeback.plans where kind = 'undo')
        and json_extract_string(ledger.new_values, '$.' || replaced.field) = replaced.old_value

)

select
    object, field, count(*),
    min(record_id), arg_min(old_value, record_id),
    arg_min(coalesce(new_value, refers_to), record_id)
from replaced
anti join ours using (object, record_id, field)
group by object, field
order by object, field
"""

#: What a record is created for is the first word of its key; people's keys are their addresses.
_KIND = "if(contains(external_key, ' '), split_part(external_key, ' ', 1), '')"

_CREATED = f"""
with

planned as (

    select {_KIND} as kind, count(distinct external_key) as records
    from writeback.changes
    where plan_id = $plan_id and object = $object and operation = 'create' and decision = 'write'
    group by kind

),

before as (

    select {_KIND} as kind, count(*) as records
    from writeback.ledger
    where object = $object and operation = 'create' and outcome in ('written', 'undone')
    group by kind

)

select planned.kind, planned.records, coalesce(before.records, 0)
from planned
left join before using (kind)
order by planned.kind
"""

_STORED_RECORDS = """
select count(*)
from (select record_id from {versions} group by record_id having not arg_max(is_deleted, load_id))
"""

#: What an undo took back, and nobody wrote again since: a field's last attempt is an undo's, and
#: so is that of a creation's key, which the deletion bears, too.
_UNDONE = """
with

attempts as (

    select
        ledger.object, ledger.attempt_id, ledger.old_values, undos.undoes,
        if(ledger.operation = 'update', 'update', 'create') as operation,
        if(ledger.operation = 'update', ledger.record_id, ledger.external_key) as record_key,
        if(ledger.operation = 'update', json_keys(ledger.new_values), ['Id']) as fields
    from writeback.ledger as ledger
    left join writeback.plans as undos
        on undos.plan_id = ledger.plan_id and undos.kind = 'undo'
    where ledger.outcome in ('written', 'undone')

),

undone_records as (

    select distinct object, operation, record_key
    from attempts
    where undoes is not null

),

last_attempts as (

    select *, json_extract_string(old_values, '$.' || field) as taken_back
    from (
        select attempts.*, unnest(fields) as field
        from attempts
        semi join undone_records using (object, operation, record_key)
    )
    qualify
        row_number() over (
            partition by object, operation, record_key, field order by attempt_id desc
        ) = 1

)

select count(*), list(distinct last_attempts.undoes order by last_attempts.undoes)
from writeback.changes as changes
inner join last_attempts
    on
        last_attempts.object = changes.object
        and last_attempts.operation = changes.operation
        and last_attempts.record_key = coalesce(changes.record_id, changes.external_key)
where
    changes.plan_id = ?
    and changes.decision = 'write'
    and last_attempts.undoes is not null
    and (
        changes.operation = 'create'
        or (
            last_attempts.field = changes.field
            and last_attempts.taken_back is not distinct from changes.new_value
        )
    )
"""


def find_gates(
    connection: DuckDBPyConnection, plan_id: str, in_force: RuleInForce, limits: Approval
) -> list[str]:
    """Return why the plan waits, one sentence each; none: it may be applied right away.

    Its routes must be stored. What an undo took back waits under every rule: somebody did not
    want it.
    """
    routed = connection.execute(_RECORDS, [plan_id]).fetchall()
    if not routed:
        return []
    gates = [f"every plan waits: {in_force.because}"] if in_force.rule == "every" else []
    if in_force.rule != "none":
        for name, operation, records in routed:
            if records < limits.minimum_records:
                continue
            if operation == "create":
                gates += _created(connection, plan_id, name, records, limits)
            else:
                gates += _changed(connection, plan_id, name, records, limits)
        gates += _cleared(connection, plan_id, limits)
    gates += _undone(connection, plan_id)
    replaced = list(_replaced(connection, plan_id, limits))
    is_large = in_force.rule != "none" and any(large for large, _ in replaced)
    # Of values that are replaced is told whenever somebody is going to read the plan.
    return [*gates, *(gate for _, gate in replaced)] if gates or is_large else []


def _created(
    connection: DuckDBPyConnection, plan_id: str, name: str, records: int, limits: Approval
) -> Iterator[str]:
    if not _created_before(connection, name):
        yield f"{records:,} {name} records are created, and none was before"
        return
    of_object = {"plan_id": plan_id, "object": name}
    for kind, records, before in connection.execute(_CREATED, of_object).fetchall():
        what = f"{name} records of the kind {kind}" if kind else f"{name} records"
        if records < limits.minimum_records or records <= limits.changed_share * before:
            continue
        if not before:
            yield f"{records:,} {what} are created, and none was before"
        else:
            yield (
                f"{records:,} {what} are created, {_percent(records / before)} of the "
                f"{before:,} that were so far (limit {_percent(limits.changed_share)})"
            )


def _changed(
    connection: DuckDBPyConnection, plan_id: str, name: str, records: int, limits: Approval
) -> Iterator[str]:
    known = _known_records(connection, name)
    if known and records > limits.changed_share * known:
        gate = (
            f"{records:,} of {known:,} {name} records change, {_percent(records / known)} "
            f"(limit {_percent(limits.changed_share)})"
        )
        fields = connection.execute(_FIRST_VALUES, [plan_id, name]).fetchall()
        if fields:
            gate += f"; fields that get their first values: {_listed([each for (each,) in fields])}"
        yield gate


def _cleared(connection: DuckDBPyConnection, plan_id: str, limits: Approval) -> Iterator[str]:
    cleared = connection.execute(_CLEARED, [plan_id, limits.minimum_records]).fetchall()
    stored = _stored_values(connection, [(name, field) for name, field, _ in cleared])
    for name, field, cells in cleared:
        values = stored[name, field]
        if cells > limits.cleared_share * values:
            yield (
                f"{cells:,} of {values:,} values of {name}.{field} are cleared, "
                f"{_percent(cells / max(values, 1))} (limit {_percent(limits.cleared_share)})"
            )


def _replaced(
    connection: DuckDBPyConnection, plan_id: str, limits: Approval
) -> Iterator[tuple[bool, str]]:
    """Yield per field if the values that are replaced, and are not ours, are many; and which."""
    replaced = connection.execute(_REPLACED, [plan_id]).fetchall()
    many = [(name, field) for name, field, cells, *_ in replaced if cells >= limits.minimum_records]
    stored = _stored_values(connection, many)
    for name, field, cells, record, old, new in replaced:
        noun, verb = ("value", "is") if cells == 1 else ("values", "are")
        gate = f"{noun} of {name}.{field} that Touchline did not write {verb} replaced"
        is_large, count = False, f"{cells:,}"
        if (name, field) in stored:
            values = max(stored[name, field], cells)
            is_large = cells > limits.changed_share * values
            limit = f" (limit {_percent(limits.changed_share)})" if is_large else ""
            count += f" of {values:,}"
            gate += f", {_percent(cells / values)}{limit}"
        yield is_large, f"{count} {gate}; for example {_short(old)} → {_short(new)} in {record}"


def _undone(connection: DuckDBPyConnection, plan_id: str) -> Iterator[str]:
    (has_undos,) = connection.execute(
        "select exists (select 1 from writeback.plans where kind = 'undo')"
    ).fetchone() or (False,)
    if not has_undos:
        return
    cells, runs = connection.execute(_UNDONE, [plan_id]).fetchone() or (0, [])
    if cells:
        words = ("value is", "was") if cells == 1 else ("values are", "were")
        yield (
            f"{cells:,} {words[0]} written again that {words[1]} taken back (run {', '.join(runs)})"
        )


def _known_records(connection: DuckDBPyConnection, name: str) -> int:
    """Return how many records there are to change: those with metrics, else those in the CRM."""
    if name in SOURCES:
        return _number(connection, f"select count(*) from {SOURCES[name][0]}")
    if name not in TABLES:
        return 0
    return _number(connection, _STORED_RECORDS.format(versions=TABLES[name]))


def _created_before(connection: DuckDBPyConnection, name: str) -> int:
    return _number(
        connection,
        "select count(*) from writeback.ledger "
        "where object = $object and operation = 'create' and outcome in ('written', 'undone')",
        {"object": name},
    )


def _stored_values(
    connection: DuckDBPyConnection, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Return how many records have a value in each (object, field), as the snapshot knows them.

    A checkbox is never empty: `false` is what it has before anybody ticks it.
    """
    stored: dict[tuple[str, str], int] = {}
    for name, of_object in groupby(sorted(set(asked)), key=itemgetter(0)):
        fields = [field for _, field in of_object]
        columns = {f"v{place}": field for place, field in enumerate(fields)}
        counts = ", ".join(f"count(*) filter ({column} <> 'false')" for column in columns)
        records = current(name, columns)
        row = connection.execute(f"select {counts} from ({records}) where not is_deleted")
        stored |= {
            (name, field): count for field, count in zip(fields, row.fetchone() or (), strict=True)
        }
    return stored


def _number(
    connection: DuckDBPyConnection, sql: str, values: dict[str, object] | None = None
) -> int:
    (number,) = connection.execute(sql, values or {}).fetchone() or (0,)
    return int(number)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _listed(names: list[str]) -> str:
    shown = names[:5]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:39]}…"
