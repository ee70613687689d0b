"""Clearing up after runs whose process was killed: what Dagster still counts as theirs."""

import dagster as dg

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.sync_lock import SyncLock

_NOTE = "The process of this run was killed. What it had begun is done again by the next run."


def close_killed_runs(instance: dg.DagsterInstance, lock: SyncLock) -> list[str]:
    """Mark the runs of killed processes as failed and free their turns; return their ids.

    Otherwise the pool would count their turn as taken, and the queue the runs as running, for
    ever. A run that is alive, waiting or working, is never touched: it holds its file. Turns of
    runs that somebody has ended by hand, or deleted, are freed as well.
    """
    closed = []
    storage = instance.event_log_storage
    for run_id in lock.killed():
        run = instance.get_run_by_id(run_id)
        if run and not run.is_finished:
            instance.report_run_failed(run, _NOTE)
        storage.free_concurrency_slots_for_run(run_id)
        closed.append(run_id)
    for slot in storage.get_concurrency_info(WAREHOUSE_POOL).claimed_slots:
        run = instance.get_run_by_id(slot.run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(slot.run_id)
    return closed
