"""What the ledger tells: runs with their figures, and attempts record by record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from duckdb import DuckDBPyConnection

#: Each record counts once per run, by its last attempt.
_RUNS = """
with last_attempts as (

    select run_id, plan_id, outcome
    from writeback.ledger
    qualify
        row_number() over (
            partition by run_id, object, operation, coalesce(external_key, record_id)
            order by attempt_id desc
        ) = 1

)

select
    attempts.run_id, attempts.plan_id, coalesce(plans.kind, 'sync') as kind, plans.undoes,
    started_at, written, failed, undone, open
from (
    select run_id, plan_id, min(sent_at) as started_at
    from writeback.ledger
    group by run_id, plan_id
) as attempts
left join writeback.plans as plans on plans.plan_id = attempts.plan_id
left join (
    select
        run_id, plan_id,
        count(*) filter (outcome = 'written') as written,
        count(*) filter (outcome = 'failed') as failed,
        count(*) filter (outcome = 'undone') as undone,
        count(*) filter (outcome is null) as open
    from last_attempts
    group by run_id, plan_id
) as counts on counts.run_id = attempts.run_id and counts.plan_id = attempts.plan_id
order by started_at desc
limit ?
"""

_ATTEMPTS = """
select
    sent_at, run_id, object, operation, record_id, external_key, outcome, error_code,
    error_message, old_values, new_values, job_id
from writeback.ledger
where
    ($run_id is null or run_id = $run_id)
    and ($record is null or left(record_id, 15) = left($record, 15) or external_key = $record)
    and (not $only_failed or outcome = 'failed')
order by attempt_id desc
limit $limit
"""

_RUN_IDS = "select distinct run_id from writeback.ledger where starts_with(run_id, ?) limit 2"


@dataclass(frozen=True, slots=True)
class LedgerRun:
    """One run in records. `open`: sent, and nobody knows yet what became of them."""

    run_id: str
    plan_id: str
    kind: str
    undoes: str | None
    started_at: datetime
    written: int
    failed: int
    undone: int
    open: int


@dataclass(frozen=True, slots=True)
class LedgerAttempt:
    """One record as it was sent once."""

    sent_at: datetime
    run_id: str
    object: str
    operation: str
    record_id: str | None
    external_key: str | None
    outcome: str | None
    error_code: str | None
    error_message: str | None
    old_values: Mapping[str, str | None]
    new_values: Mapping[str, str | None]
    job_id: str | None


def runs(connection: DuckDBPyConnection, limit: int) -> list[LedgerRun]:
    """Return the runs that sent anything, the latest first."""
    return [LedgerRun(*row) for row in connection.execute(_RUNS, [limit]).fetchall()]


def attempts(
    connection: DuckDBPyConnection,
    run_id: str | None,
    record: str | None,
    *,
    only_failed: bool,
    limit: int,
) -> list[LedgerAttempt]:
    """Return attempts, the latest first; `record` is an id of 15 or 18 characters, or a key."""
    values = {"run_id": run_id, "record": record, "only_failed": only_failed, "limit": limit}
    return [
        LedgerAttempt(*[*known, orjson.loads(old), orjson.loads(new), job_id])
        for *known, old, new, job_id in connection.execute(_ATTEMPTS, values).fetchall()
    ]


def run_ids(connection: DuckDBPyConnection, beginning: str) -> list[str]:
    """Return up to two runs whose id begins so: one is an answer, two are a question."""
    return [run_id for (run_id,) in connection.execute(_RUN_IDS, [beginning]).fetchall()]
