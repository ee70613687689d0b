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


@dg.asset(
    key=PLAN,
    deps=[
        ["crm", "contact_fields"],
        ["crm", "lead_fields"],
        ["raw", "salesforce_contacts"],
        ["raw", "salesforce_leads"],
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
            ["writeback", "ledger"],
            deps=[PLAN],
            group_name="writeback",
            kinds={"duckdb"},
            description="K4: what was attempted and what came of it, record by record.",
        ),
        dg.AssetSpec(
            ["salesforce", "engagement_fields"],
            deps=[["writeback", "ledger"]],
            group_name="salesforce",
            kinds={"salesforce"},
            description="J1: the mapped fields of contacts and leads, as Salesforce now has them.",
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
    """
    plan_id = _planned(context.instance)
    if not settings.environment.applies_automatically:
        context.log.info(
            f"{plan_id} waits: in {settings.environment.name!r} plans are applied by "
            f"`touchline apply {plan_id}`."
        )
        yield dg.MaterializeResult(
            ["writeback", "ledger"], metadata={"waiting_for_approval": plan_id}
        )
        yield dg.MaterializeResult(["salesforce", "engagement_fields"], metadata={"written": 0})
        return
    report = apply_plan(warehouse, org.connect(), plan_id, context.run_id)
    with warehouse.connect() as connection:
        failures = failures_by_code(connection, context.run_id)
    yield dg.MaterializeResult(
        ["writeback", "ledger"],
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
    yield dg.MaterializeResult(
        ["salesforce", "engagement_fields"], metadata={"written": report.written}
    )


def _planned(instance: dg.DagsterInstance) -> str:
    entry = instance.get_latest_materialization_event(PLAN)
    made = entry.asset_materialization if entry else None
    if made is None:
        raise dg.Failure("There is no plan to apply. Materialize writeback/plan first.")
    return str(made.metadata["plan_id"].value)


@dg.asset(
    key=["published", "read_copy"],
    deps=[["writeback", "ledger"]],
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
