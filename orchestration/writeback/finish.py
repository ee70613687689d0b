"""What is recorded of a plan when its run is over, or was found dead (K2, K4)."""

from duckdb import DuckDBPyConnection

from orchestration.writeback.ledger import record_skipped
from orchestration.writeback.undone import mark_undone
from orchestration.writeback.writes import count_left

_IS_COMPLETE = """
select changed_records <= (
    select count(distinct (object, operation, if(operation = 'create', external_key, record_id)))
    from writeback.ledger
    where plan_id = $plan_id and outcome in ('written', 'undone')
)
from writeback.plans
where plan_id = $plan_id
"""

#: A run that died did not finish its plan; the runs before it did.
_UNFINISHED = """
select plans.plan_id, arg_max(ledger.run_id, ledger.attempt_id)
from writeback.plans as plans
left join writeback.ledger as ledger on ledger.plan_id = plans.plan_id
where plans.state = 'applying'
group by plans.plan_id
"""

_HAS_UNKNOWN = (
    "select exists (select 1 from writeback.ledger where plan_id = ? and outcome is null)"
)


def finish_plan(
    connection: DuckDBPyConnection, plan_id: str, run_id: str | None, *, ended_early: bool
) -> None:
    """Record a run's refusals, what an undo took back, and how far the plan has come."""
    if run_id:
        record_skipped(connection, plan_id, run_id)
    mark_undone(connection, plan_id)
    state = _state(connection, plan_id, ended_early=ended_early)
    connection.execute("update writeback.plans set state = ? where plan_id = ?", [state, plan_id])


def unfinished_runs(connection: DuckDBPyConnection) -> list[tuple[str, str | None]]:
    """Return the plans that a run was applying when it died, and that run if it sent anything."""
    return connection.execute(_UNFINISHED).fetchall()


def _state(connection: DuckDBPyConnection, plan_id: str, *, ended_early: bool) -> str:
    (has_unknown,) = connection.execute(_HAS_UNKNOWN, [plan_id]).fetchone() or (False,)
    if ended_early and (has_unknown or count_left(connection, plan_id)):
        return "interrupted"
    (is_complete,) = connection.execute(_IS_COMPLETE, {"plan_id": plan_id}).fetchone() or (False,)
    return "applied" if is_complete else "partly_applied"
