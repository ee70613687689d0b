"""Running the sync job in this process, and what came of it as plain figures."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from time import monotonic
from typing import Any

import dagster as dg

from orchestration.assets.writeback import PLAN
from orchestration.definitions import build_defs
from orchestration.housekeeping import LOGS_KEPT, keep_newest
from orchestration.run_problems import STEPS, problems, was_interrupted
from orchestration.settings import Settings
from orchestration.sync_lock import WAITING
from orchestration.sync_report import Calls, Loads, Planned, SyncReport, Written

Tell = Callable[[str], None]

#: Everything but what follows the plan: a plan rests on the same models and tests as a run, and
#: no step of many assets is cut (loading files and building models cannot be).
UP_TO_PLAN = dg.AssetSelection.all() - dg.AssetSelection.assets(PLAN).downstream(include_self=False)

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_sync(
    settings: Settings, tell: Tell, *, full_refresh: bool = False, only_plan: bool = False
) -> SyncReport:
    """Run the `sync` job here, step by step, telling each step as it begins.

    `only_plan` stops before anything is written; `full_refresh` rebuilds the incremental models.
    The run is recorded in $DAGSTER_HOME like any other and shows in the Dagster UI. Another sync
    at work on the same data folder is waited for; `tell` says so.

    Raises:
        KeyboardInterrupt: somebody ended the run; Dagster has recorded that.
    """
    started = monotonic()
    definitions = build_defs(settings)
    job = definitions.resolve_job_def("sync")
    selection = None
    if only_plan:
        selection = list(UP_TO_PLAN.resolve(definitions.resolve_asset_graph()))
    run_id = str(uuid.uuid4())
    with dg.DagsterInstance.get() as instance:
        instance.add_event_listener(run_id, _Listener(tell).hear)
        # dbt talks at length; its words go to a file, the progress to whoever watches.
        log = settings.logs / f"{run_id}.log"
        settings.logs.mkdir(parents=True, exist_ok=True)
        keep_newest(settings.logs, LOGS_KEPT - 1)
        with log.open("w", encoding="utf-8") as words, redirect_stdout(words):
            result = job.execute_in_process(
                instance=instance,
                run_id=run_id,
                run_config={
                    **_QUIET,
                    "ops": {"build_models": {"config": {"full_refresh": full_refresh}}},
                },
                asset_selection=selection,
                raise_on_error=False,
            )
    if was_interrupted(result):
        raise KeyboardInterrupt
    return _report(result, monotonic() - started, log)


class _Listener:
    """Turns Dagster's events into one line per step and a count of models."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._step = ""
        self._built = 0

    def hear(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None and entry.user_message.startswith(WAITING):
            self._tell(entry.user_message)
        if event is None or event.step_key is None:
            return
        if event.event_type == dg.DagsterEventType.STEP_START:
            self._step, self._built = STEPS.get(event.step_key, event.step_key), 0
            if event.step_key in STEPS:
                self._tell(self._step)
        elif (
            event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION
            and event.step_key == "build_models"
        ):
            self._built += 1
            self._tell(f"{self._step}: {self._built}")


def _report(result: dg.ExecuteInProcessResult, seconds: float, log: Path) -> SyncReport:
    figures: dict[str, Mapping[str, Any]] = {}
    for event in result.all_events:
        if event.is_step_materialization:
            made = event.step_materialization_data.materialization
            figures[made.asset_key.to_user_string()] = {
                name: value.value for name, value in made.metadata.items()
            }
    loads, plan = figures.get("raw/loads", {}), figures.get("writeback/plan", {})
    snapshot = figures.get("raw/salesforce_describes", {})
    ledger = figures.get("writeback/ledger", {})
    return SyncReport(
        loads=Loads(
            loads.get("files", 0),
            loads.get("rows", 0),
            figures.get("raw/rejects", {}).get("rejected", 0),
        ),
        plan=Planned(
            plan.get("plan_id"),
            plan.get("changed_records", 0),
            plan.get("changed_cells", 0),
            plan.get("approval", "not_needed"),
            tuple(plan.get("gates", ())),
        ),
        writeback=Written(
            ledger.get("written", 0), ledger.get("failed", 0), ledger.get("skipped", 0)
        ),
        crm_calls=Calls(
            snapshot.get("read_calls", 0) + ledger.get("read_calls", 0),
            ledger.get("write_calls", 0),
        ),
        seconds=round(seconds, 1),
        is_waiting="waiting_for_approval" in ledger,
        problems=tuple(problems(result, log)),
    )
