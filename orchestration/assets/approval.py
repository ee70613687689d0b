"""Somebody's yes to a plan in the Dagster UI (K1): a job that approves it and writes it."""

import dagster as dg
from pydantic import Field

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.assets.writeback import (
    LEDGER,
    READ_COPY,
    ended_early,
    ledger_metadata,
    written_assets,
)
from orchestration.org import Org
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.apply import apply_plan
from orchestration.writeback.approval import approve_plan
from orchestration.writeback.mapping import load_mapping


class Approved(dg.Config):
    """Which plan, and who says yes."""

    plan_id: str = Field(default="", description="The plan that you read, such as plan-00004.")
    by: str = Field(
        default="somebody in the Dagster UI", description="Who says so; it is kept with the plan."
    )


@dg.op(out=dg.Out(dg.Nothing), pool=WAREHOUSE_POOL)
def approve_and_apply(
    context: dg.OpExecutionContext,
    config: Approved,
    warehouse: dg.ResourceParam[Warehouse],
    org: dg.ResourceParam[Org],
    settings: dg.ResourceParam[Settings],
) -> None:
    """Approve the plan, write it as a run would, and publish the read copy."""
    with warehouse.connect() as connection:
        plan_id = approve_plan(connection, config.plan_id or None, config.by)
    mapping = load_mapping(settings.mapping)
    report = apply_plan(warehouse, org.connect(), plan_id, context.run_id, mapping)
    metadata = ledger_metadata(report)
    context.log_event(dg.AssetMaterialization(LEDGER, metadata=metadata))
    for key, written in written_assets(warehouse, context.run_id).items():
        context.log_event(dg.AssetMaterialization(key, metadata=written))
    warehouse.publish(settings.published)
    context.log_event(dg.AssetMaterialization(READ_COPY))
    context.add_output_metadata(metadata)
    if report.stopped_because:
        raise ended_early(report)


@dg.job(
    name="approve_plan",
    description="K1: approves the plan that you name and writes it. Read it first: `touchline "
    "plan --stored`, or the metadata of the asset writeback/plan.",
)
def approve_plan_job() -> None:
    """Approve a plan that waits and write it."""
    approve_and_apply()
