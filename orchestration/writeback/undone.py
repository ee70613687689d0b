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


#: What the run wrote, without the fields that were taken back already.
_WRITTEN = """
with written as (

    select
        object, operation, record_id, external_key,
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

others as (

    select distinct object, record_id
    from writeback.ledger
    where run_id <> $run_id and (outcome is null or outcome in ('written', 'undone'))

)

select
    written.object, written.operation, written.record_id, written.external_key,
    others.record_id is not null as is_written_by_others,
    coalesce(taken_back.fields, []) as taken_back,
    written.old_values, written.new_values
from written
left join taken_back
    on taken_back.object = written.object and taken_back.record_id = written.record_id
left join others
    on
        written.operation = 'create'
        and others.object = written.object
        and others.record_id = written.record_id
order by written.object, written.operation, written.record_id
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What the run wrote to one record; of one that it created, whether other runs did, too."""

    object: str
    operation: str
    record_id: str
    external_key: str | None
    is_written_by_others: bool
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
    _fill_gone(connection, run_id)
    return list(_still_done(connection.execute(_WRITTEN, {"run_id": run_id}).fetchall()))


def _still_done(rows: Sequence[tuple[Any, ...]]) -> Iterator[Done]:
    for *known, taken_back, old, new in rows:
        new_values = {
            name: value for name, value in orjson.loads(new).items() if name not in taken_back
        }
        if new_values or known[1] != "update":
            yield Done(*[*known, orjson.loads(old), new_values])


def _fill_gone(connection: DuckDBPyConnection, run_id: str) -> None:
    """Fill the temporary table `gone` with the fields of a run that undos took back."""
    connection.execute(_CREATE_GONE)
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
