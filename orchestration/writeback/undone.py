"""What a run wrote, and what of it was taken back by undos that stand, field by field (K6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

#: Of a record that was created, or deleted, there is one field: all of it.
_CREATE_GONE = """
create or replace temp table gone (run_id varchar, object varchar, record_id varchar, field varchar)
"""

#: What an undo wrote, unless it was taken back itself.
_ADD_GONE = """
insert into gone
select distinct $run_id, object, record_id, field
from (
    select
        object, record_id,
        unnest(if(operation = 'update', json_keys(new_values), ['*'])) as field
    from writeback.ledger
    where run_id = $undo and outcome in ('written', 'undone')
)
where (object, record_id, field) not in (
    select (object, record_id, field) from gone where run_id = $undo
)
"""

_UNDOS = """
select distinct ledger.run_id
from writeback.plans as plans
inner join writeback.ledger as ledger on ledger.plan_id = plans.plan_id
where plans.undoes = ?
"""

_MARK = """
update writeback.ledger as ledger
set outcome = if(attempts.is_undone, 'undone', 'written')
from (
    select fields.attempt_id, bool_and(gone.field is not null) as is_undone
    from (
        select
            attempt_id, object, record_id,
            unnest(if(operation = 'update', json_keys(new_values), ['*'])) as field
        from writeback.ledger
        where run_id = $run_id and outcome in ('written', 'undone')
    ) as fields
    left join gone
        on
            gone.run_id = $run_id
            and gone.object = fields.object
            and gone.record_id = fields.record_id
            and gone.field = fields.field
    group by fields.attempt_id
) as attempts
where
    ledger.attempt_id = attempts.attempt_id
    and ledger.outcome <> if(attempts.is_undone, 'undone', 'written')
"""


#: Syncs after this run that were taken back, at least in part.
_UNDONE_SINCE = """
select distinct plans.undoes
from writeback.plans as plans
inner join writeback.ledger as ledger on ledger.run_id = plans.undoes
where
    plans.kind = 'undo'
    and plans.undoes <> $run_id
    and ledger.plan_id not in (select plan_id from writeback.plans where kind = 'undo')
    and ledger.attempt_id > (
        select min(attempt_id) from writeback.ledger where run_id = $run_id
    )
"""

#: What the run wrote, without the fields that were taken back already; with the last of the syncs
#: that wrote to the same field later and was not taken back, and, to a record that the run created,
#: with the last run of any kind.
_WRITTEN = """
with written as (

    select
        object, operation, record_id, external_key,
        max(attempt_id) as attempt_id,
        arg_min(old_values, attempt_id) as old_values,
        arg_max(new_values, attempt_id) as new_values
    from writeback.ledger
    where run_id = $run_id and outcome = 'written' and record_id is not null
    group by object, operation, record_id, external_key

),

taken_back as (

    select object, record_id, list(field) as fields
    from gone
    where run_id = $run_id
    group by object, record_id

),

since as (

    select
        ledger.object, ledger.record_id, ledger.run_id, ledger.plan_id, ledger.attempt_id,
        ledger.operation, ledger.new_values,
        written.operation = 'create' as is_of_created
    from writeback.ledger as ledger
    inner join written
        on written.object = ledger.object and written.record_id = ledger.record_id
    where
        ledger.run_id <> $run_id
        and ledger.attempt_id > written.attempt_id
        and (ledger.outcome is null or ledger.outcome in ('written', 'undone'))

),

last_writes as (

    select
        object, record_id, field,
        arg_max([run_id, json_extract_string(new_values, '$.' || field)], attempt_id) as last_write
    from (
        select
            object, record_id, run_id, attempt_id, new_values,
            unnest(json_keys(new_values)) as field
        from since
        where
            operation = 'update'
            and plan_id not in (select plan_id from writeback.plans where kind = 'undo')
    )
    anti join gone using (run_id, object, record_id, field)
    group by object, record_id, field

),

later as (

    select object, record_id, json_group_object(field, last_write) as writes
    from last_writes
    group by object, record_id

),

touched as (

    select object, record_id, arg_max(run_id, attempt_id) as run_id
    from since
    where is_of_created
    group by object, record_id

)

select
    written.object, written.operation, written.record_id, written.external_key,
    touched.run_id, coalesce(later.writes, '{}'), coalesce(taken_back.fields, []),
    written.old_values, written.new_values
from written
left join taken_back
    on taken_back.object = written.object and taken_back.record_id = written.record_id
left join later
    on later.object = written.object and later.record_id = written.record_id
left join touched
    on
        written.operation = 'create'
        and touched.object = written.object
        and touched.record_id = written.record_id
order by written.object, written.operation, written.record_id
"""


@dataclass(frozen=True, slots=True)
class Later:
    """The sync that wrote to a field last, after the run, and what it wrote."""

    run_id: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """What the run wrote to one record.

    `later`: field to what a later sync wrote there that nobody has taken back. `touched_by`: of a
    record that the run created, the last other run that wrote to it.
    """

    object: str
    operation: str
    record_id: str
    external_key: str | None
    touched_by: str | None
    later: Mapping[str, Later]
    old_values: Mapping[str, str | None]
    new_values: Mapping[str, str | None]


def mark_undone(connection: DuckDBPyConnection, plan_id: str) -> None:
    """Note in the ledger what an undo plan took back; other plans take nothing back.

    An attempt is `undone` once all its fields went back, and `written` again once an undo of that
    undo brought one of them back.
    """
    run_id = _undone_by(connection, plan_id)
    while run_id:
        _fill_gone(connection, run_id)
        connection.execute(_MARK, {"run_id": run_id})
        row = connection.execute(
            "select any_value(plan_id) from writeback.ledger where run_id = ?", [run_id]
        ).fetchone()
        run_id = _undone_by(connection, row[0]) if row else None


def still_written(connection: DuckDBPyConnection, run_id: str) -> list[Done]:
    """Return what a run wrote, without what undos took back."""
    since = connection.execute(_UNDONE_SINCE, {"run_id": run_id}).fetchall()
    _fill_gone(connection, run_id, *(undone for (undone,) in since))
    return list(_still_done(connection.execute(_WRITTEN, {"run_id": run_id}).fetchall()))


def _still_done(rows: Sequence[tuple[Any, ...]]) -> Iterator[Done]:
    for *known, later, taken_back, old, new in rows:
        new_values = {
            name: value for name, value in orjson.loads(new).items() if name not in taken_back
        }
        writes = {name: Later(*last) for name, last in orjson.loads(later).items()}
        if new_values or known[1] != "update":
            yield Done(*[*known, writes, orjson.loads(old), new_values])


def _fill_gone(connection: DuckDBPyConnection, *run_ids: str) -> None:
    """Fill the temporary table `gone` with the fields of these runs that undos took back."""
    connection.execute(_CREATE_GONE)
    for run_id in run_ids:
        _add_gone(connection, run_id)


def _add_gone(connection: DuckDBPyConnection, run_id: str) -> None:
    # Undos of an undo first: what they took back stands again in the run.
    for (undo,) in connection.execute(_UNDOS, [run_id]).fetchall():
        _add_gone(connection, undo)
        connection.execute(_ADD_GONE, {"run_id": run_id, "undo": undo})


def _undone_by(connection: DuckDBPyConnection, plan_id: str) -> str | None:
    row = connection.execute(
        "select undoes from writeback.plans where plan_id = ?", [plan_id]
    ).fetchone()
    return row[0] if row else None
