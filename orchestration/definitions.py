"""The Dagster code location: assembly only."""

import dagster as dg

from orchestration import automation, checks
from orchestration.assets import approval, ingest, story, transform, writeback
from orchestration.org import Org
from orchestration.resources import dbt_command, dbt_project, warehouse_in_turn
from orchestration.settings import Settings


def build_defs(settings: Settings) -> dg.Definitions:
    """Assemble assets, checks, job, schedule and sensor over the given settings."""
    settings.export()
    project = dbt_project(settings)
    return dg.Definitions(
        assets=[
            *ingest.origins,
            ingest.landing_files,
            ingest.network_lists,
            ingest.salesforce_snapshot,
            transform.build_models(project),
            writeback.plan,
            writeback.applied_plan,
            writeback.read_copy,
        ],
        asset_checks=[checks.rejects_are_few, checks.nothing_was_refused],
        jobs=[automation.sync_job, approval.approve_plan_job, story.explain_job],
        schedules=[automation.every_quarter_hour],
        sensors=[automation.watch(settings.landing), automation.runs_were_killed],
        resources={
            "settings": settings,
            "warehouse": warehouse_in_turn(settings),
            "org": Org(settings),
            "dbt": dbt_command(settings),
        },
        # One process a run: each further one would import everything again.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location as Dagster loads it."""
    return build_defs(Settings.from_environment())
