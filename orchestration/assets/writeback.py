"""Assets from marts to Salesforce fields: plan, apply, and the read copy for everyone else."""

from collections.abc import Iterator

import dagster as dg

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.org import Org
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.apply import apply_plan
from orchestration.writeback.ledger import failures_by_code
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan

PLAN = dg.AssetKey(["writeback", "plan"])
LEDGER = dg.AssetKey(["writeback", "ledger"])
FIELDS = dg.AssetKey(["salesforce", "engagement_fields"])


@dg.asset(
    key=PLAN,
    deps=[
        ["crm", "contact_fields"],
        ["crm", "lead_fields"],
        ["crm", "activities"],
        ["crm", "tasks"],
        ["crm", "campaign_members"],
        ["marts", "unmatched_people"],
        ["raw", "salesforce_contacts"],
        ["raw", "salesforce_leads"],
        ["raw", "salesforce_users"],
        ["raw", "salesforce_tasks"],
        ["raw", "salesforce_email_messages"],
        ["raw", "salesforce_email_message_relations"],
        ["raw", "salesforce_campaign_members"],
        ["raw", "salesforce_describes"],
    ],
    group_name="writeback",
    kinds={"duckdb"},
    pool=WAREHOUSE_POOL,
)
def plan(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """K1: every cell that differs, with old and new value, policy, decision and reason."""
    made = make_plan(warehouse, load_mapping(settings.mapping))
    return dg.MaterializeResult(
        metadata={
            "plan_id": made.plan_id,
            "records": made.records,
            "changed_records": made.changed_records,
            "changed_cells": made.changed_cells,
            "api_calls_estimate": made.api_calls_estimate,
            "decisions": dict(made.decisions),
            "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in made.notes) or "none"),
        }
    )


@dg.multi_asset(
    name="apply_plan",
    specs=[
        dg.AssetSpec(
            LEDGER,
            deps=[PLAN],
            group_name="writeback",
            kinds={"duckdb"},
            description="K4: what was attempted and what came of it, record by record.",
        ),
        dg.AssetSpec(
            FIELDS,
            deps=[LEDGER],
            group_name="salesforce",
            kinds={"salesforce"},
            description="J1: the mapped fields of contacts and leads, as Salesforce now has them.",
            # Made only when something was written: a plan that waits, or is empty, makes nothing.
            skippable=True,
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def applied_plan(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    org: dg.ResourceParam[Org],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Write the differences that the run planned; where the environment asks for approval, wait.

    The plan is the one that Dagster saw made last: this run's own, since runs take turns. Where
    somebody has planned anew by hand, writing the older plan is refused.

    Writing that ends early (Salesforce stops answering, the day's calls are used up) fails the
    step, so that Dagster shows it and alerts on it. What was written until then is true all the
    same: the read copy is put in place here, since the step that does it is not reached.
    """
    plan_id = _planned(context.instance)
    if not settings.environment.applies_automatically:
        context.log.info(
            f"{plan_id} waits: in {settings.environment.name!r} plans are applied by "
            f"`touchline apply {plan_id}`."
        )
        yield dg.MaterializeResult(LEDGER, metadata={"waiting_for_approval": plan_id})
        return
    report = apply_plan(warehouse, org.connect(), plan_id, context.run.run_id)
    with warehouse.connect() as connection:
        failures = failures_by_code(connection, context.run.run_id)
    yield dg.MaterializeResult(
        LEDGER,
        metadata={
            "written": report.written,
            "failed": report.failed,
            "skipped": report.skipped,
            "unsent": report.unsent,
            "stopped_because": report.stopped_because or "",
            "failed_by_code": {failure.code: failure.records for failure in failures},
            "write_calls": report.calls.write,
            "read_calls": report.calls.read,
            "seconds": report.seconds,
        },
    )
    if report.written:
        yield dg.MaterializeResult(FIELDS, metadata={"written": report.written})
    if report.stopped_because:
        warehouse.publish(settings.published)
        raise dg.Failure(
            f"{report.stopped_because} ({report.unsent} records were not reached; the next run "
            f"plans what is left to do)",
            allow_retries=False,
        )


def _planned(instance: dg.DagsterInstance) -> str:
    entry = instance.get_latest_materialization_event(PLAN)
    made = entry.asset_materialization if entry else None
    if made is None:
        raise dg.Failure("There is no plan to apply. Materialize writeback/plan first.")
    return str(made.metadata["plan_id"].value)


@dg.asset(
    key=["published", "read_copy"],
    deps=[LEDGER],
    group_name="published",
    kinds={"duckdb"},
    pool=WAREHOUSE_POOL,
)
def read_copy(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """L4: the warehouse as of this run, for notebooks, BI tools and analysts' own dbt builds."""
    warehouse.publish(settings.published)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(settings.published)),
            "bytes": settings.published.stat().st_size,
        }
    )
