"""The ledger: intents and outcomes go in here, reports come out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
from duckdb import DuckDBPyConnection

from orchestration.writeback.refusal_codes import Refusal, refusal
from orchestration.writeback.writes import Write

#: A bulk job's rows go into the ledger in parts: each is one text of JSON on its way.
ROWS_PER_STATEMENT = 20_000

_INSERT_INTENTS = """
insert into writeback.ledger
    (attempt_id, plan_id, run_id, object, operation, record_id, external_key, job_id, sent_at,
    old_values, new_values)
select
    attempt_id, $plan_id, $run_id, object, operation, record_id, external_key, $job_id, $sent_at,
    old_values, new_values
from (
    select unnest(from_json($writes, '[{
        "attempt_id": "bigint", "object": "varchar", "operation": "varchar",
        "record_id": "varchar", "external_key": "varchar", "old_values": "json",
        "new_values": "json"
    }]'), recursive := true)
)
"""

_UPDATE_OUTCOMES = """
update writeback.ledger as ledger
set
    outcome = answered.outcome,
    record_id = coalesce(ledger.record_id, answered.record_id),
    error_code = answered.error_code,
    error_message = answered.error_message,
    error_fields = answered.error_fields,
    is_transient = answered.is_transient
from (
    select unnest(from_json($outcomes, '[{
        "attempt_id": "bigint", "outcome": "varchar", "record_id": "varchar",
        "error_code": "varchar",
        "error_message": "varchar", "error_fields": ["varchar"], "is_transient": "boolean"
    }]'), recursive := true)
) as answered
where ledger.attempt_id between $first and $last and ledger.attempt_id = answered.attempt_id
"""

#: Each record's last answer in a run decides whether it stands among the skipped ones.
_UPSERT_REFUSED = """
merge into writeback.skipped as skipped
using (
    select
        object, coalesce(record_id, external_key) as record_id,
        error_code || ': ' || error_message as reason, sent_at
    from writeback.ledger
    where run_id = $run_id
    qualify
        row_number() over (
            partition by object, coalesce(record_id, external_key) order by attempt_id desc
        ) = 1
        and outcome = 'failed'
) as refused
on skipped.object = refused.object and skipped.record_id = refused.record_id
when matched then update set
    reason = refused.reason, last_seen_at = refused.sent_at, attempts = skipped.attempts + 1
when not matched then insert values
    (refused.object, refused.record_id, refused.reason, refused.sent_at, refused.sent_at, 1)
"""

_CLEAR_WRITTEN = """
delete from writeback.skipped as skipped
where
    exists (
        select 1 from writeback.ledger as ledger
        where
            ledger.run_id = $run_id
            and ledger.outcome = 'written'
            and ledger.object = skipped.object
            and skipped.record_id in (ledger.record_id, ledger.external_key)
    )
    and not exists (
        select 1 from writeback.changes as changes
        where
            changes.plan_id = $plan_id
            and changes.object = skipped.object
            and coalesce(changes.record_id, changes.external_key) = skipped.record_id
            and changes.decision not in ('write', 'unchanged', 'kept')
    )
"""


_LEFT_ALONE = """
create or replace temp table left_alone as
select unnest(from_json($records, '[{
    "object": "varchar", "record_id": "varchar", "decision": "varchar", "reason": "varchar"
}]'), recursive := true)
"""

_CHANGE_DECISIONS = """
update writeback.changes as changes
set decision = left_alone.decision, reason = left_alone.reason
from left_alone
where
    changes.plan_id = $plan_id
    and changes.object = left_alone.object
    and coalesce(changes.record_id, changes.external_key) = left_alone.record_id
    and changes.decision = 'write'
"""

#: Unchanged cells may be counted without being listed; the others are counted anew.
_FORGET_COUNTS = """
delete from writeback.plan_counts where plan_id = $plan_id and decision <> 'unchanged'
"""

_COUNT_AGAIN = """
insert into writeback.plan_counts (plan_id, object, field, policy, decision, cells)
select plan_id, object, field, policy, decision, count(*)
from writeback.changes
where plan_id = $plan_id and decision <> 'unchanged'
group by plan_id, object, field, policy, decision
"""

_UPSERT_LEFT_ALONE = """
merge into writeback.skipped as skipped
using (
    select object, record_id, decision || ': ' || reason as reason
    from left_alone
) as found
on skipped.object = found.object and skipped.record_id = found.record_id
when matched then update set reason = found.reason, last_seen_at = $seen_at
when not matched then insert values
    (found.object, found.record_id, found.reason, $seen_at, $seen_at, 0)
"""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A record that was to be written and is not, by which decision, and why.

    `record_id` is the external key where the record was to be created.
    """

    object: str
    record_id: str
    decision: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt: `written`, `failed`, or `retried` (failed, and sent again).

    `record_id` is that of a record which was created.
    """

    attempt_id: int
    outcome: str
    record_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_fields: tuple[str, ...] = ()
    is_transient: bool | None = None


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record that could not be written, and since when."""

    object: str
    record_id: str
    reason: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many records Salesforce refused with one code, and its words for one of them.

    A code that means something else for creations has a line for those.
    """

    code: str
    records: int
    sample: str
    meaning: Refusal

    @property
    def handling(self) -> str:
        """What becomes of such records."""
        return self.meaning.handling.value

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.meaning.remedy


def record_intents(
    connection: DuckDBPyConnection,
    plan_id: str,
    run_id: str,
    writes: Sequence[Write],
    job_id: str | None = None,
) -> list[int]:
    """Note what is about to be sent; return the attempts' ids, in the order of `writes`."""
    numbers = connection.execute(
        "select nextval('writeback.attempt_ids') from range(?)", [len(writes)]
    ).fetchall()
    attempt_ids = sorted(number for (number,) in numbers)
    sent_at = datetime.now(UTC).replace(tzinfo=None)
    rows = [
        {
            "attempt_id": attempt_id,
            "object": write.object,
            "operation": write.operation,
            "record_id": write.record_id,
            "external_key": write.external_key,
            "old_values": write.old_values,
            "new_values": write.new_values,
        }
        for attempt_id, write in zip(attempt_ids, writes, strict=True)
    ]
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = orjson.dumps(rows[start : start + ROWS_PER_STATEMENT]).decode()
        values = {"plan_id": plan_id, "run_id": run_id, "job_id": job_id, "sent_at": sent_at}
        connection.execute(_INSERT_INTENTS, values | {"writes": part})
    return attempt_ids


def record_outcomes(connection: DuckDBPyConnection, outcomes: Sequence[Outcome]) -> None:
    """Note what came of attempts."""
    if not outcomes:
        return
    for start in range(0, len(outcomes), ROWS_PER_STATEMENT):
        part = outcomes[start : start + ROWS_PER_STATEMENT]
        attempt_ids = [outcome.attempt_id for outcome in part]
        connection.execute(
            _UPDATE_OUTCOMES,
            {
                "outcomes": orjson.dumps(part).decode(),
                # The ledger grows for years; ids ascend, so a range finds the rows at its end.
                "first": min(attempt_ids),
                "last": max(attempt_ids),
            },
        )


def record_left_alone(
    connection: DuckDBPyConnection, plan_id: str, records: Sequence[LeftAlone]
) -> None:
    """Change the decision about records whose planned cells are not sent after all (K2)."""
    connection.begin()
    connection.execute(_LEFT_ALONE, {"records": orjson.dumps(records).decode()})
    connection.execute(_CHANGE_DECISIONS, {"plan_id": plan_id})
    connection.execute(_FORGET_COUNTS, {"plan_id": plan_id})
    connection.execute(_COUNT_AGAIN, {"plan_id": plan_id})
    connection.execute(_UPSERT_LEFT_ALONE, {"seen_at": datetime.now(UTC).replace(tzinfo=None)})
    connection.commit()


def created_records(connection: DuckDBPyConnection, plan_id: str) -> dict[str, str]:
    """Return external key to id of what a plan created so far."""
    return dict(
        connection.execute(
            "select external_key, record_id from writeback.ledger "
            "where plan_id = ? and operation = 'create' and outcome = 'written'",
            [plan_id],
        ).fetchall()
    )


def records_made(
    connection: DuckDBPyConnection, object_name: str, keys: Sequence[str | None]
) -> set[str]:
    """Return the ids of all records that were ever created under these keys, undone ones too."""
    rows = connection.execute(
        "select record_id from writeback.ledger where operation = 'create' and object = ? "
        "and outcome in ('written', 'undone') "
        "and external_key in (select unnest(?::varchar[]))",
        [object_name, keys],
    ).fetchall()
    return {record_id for (record_id,) in rows}


def record_skipped(connection: DuckDBPyConnection, plan_id: str, run_id: str) -> None:
    """Bring `writeback.skipped` up to date with a run's answers."""
    connection.execute(_UPSERT_REFUSED, {"run_id": run_id})
    connection.execute(_CLEAR_WRITTEN, {"run_id": run_id, "plan_id": plan_id})


def decision_counts(connection: DuckDBPyConnection, plan_id: str) -> dict[str, int]:
    """Return how many cells of the plan got each decision, unchanged ones included."""
    rows = connection.execute(
        "select decision, sum(cells)::bigint from writeback.plan_counts "
        "where plan_id = ? group by decision order by decision",
        [plan_id],
    ).fetchall()
    return dict(rows)


def failures_by_code(connection: DuckDBPyConnection, run_id: str) -> list[FailureCount]:
    """Return the run's refused records by error code, the most frequent first."""
    rows = connection.execute(
        "select error_code, operation, count(*), any_value(error_message) from writeback.ledger "
        "where run_id = ? and outcome = 'failed' group by all order by 1, 2",
        [run_id],
    ).fetchall()
    lines: dict[tuple[str, Refusal], FailureCount] = {}
    for code, operation, records, sample in rows:
        meaning = refusal(code, operation)
        so_far = lines.get((code, meaning), FailureCount(code, 0, sample, meaning))
        lines[code, meaning] = replace(so_far, records=so_far.records + records)
    return sorted(lines.values(), key=lambda line: -line.records)


def written_by_object(connection: DuckDBPyConnection, run_id: str) -> dict[str, int]:
    """Return how many records of each object Salesforce took in a run."""
    rows = connection.execute(
        "select object, count(*) from writeback.ledger "
        "where run_id = ? and outcome = 'written' group by object order by object",
        [run_id],
    ).fetchall()
    return dict(rows)


def skipped_records(connection: DuckDBPyConnection, limit: int = 100) -> list[SkippedRecord]:
    """Return the records that cannot be written at present, the latest seen first."""
    rows = connection.execute(
        "select object, record_id, reason, first_seen_at, last_seen_at, attempts "
        "from writeback.skipped order by last_seen_at desc, object, record_id limit ?",
        [limit],
    ).fetchall()
    return [SkippedRecord(*row) for row in rows]
