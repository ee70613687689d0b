"""Assets from marts to Salesforce fields: plan, apply, and the read copy for everyone else."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.org import Org
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.apply import WritebackReport, apply_plan
from orchestration.writeback.ledger import FailureCount, written_by_object
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan, read_plan
from orchestration.writeback.plan_sql import SOURCES
from orchestration.writeback.routes import Route, read_routes

PLAN = dg.AssetKey(["writeback", "plan"])
LEDGER = dg.AssetKey(["writeback", "ledger"])
READ_COPY = dg.AssetKey(["published", "read_copy"])
FIELDS = dg.AssetKey(["salesforce", "engagement_fields"])
ACTIVITIES = dg.AssetKey(["salesforce", "activities"])


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
    made = make_plan(
        warehouse, load_mapping(settings.mapping), approval=settings.environment.approval
    )
    with warehouse.connect(read_only=True) as connection:
        routes = read_routes(connection, made.plan_id)
    return dg.MaterializeResult(
        metadata={
            "plan_id": made.plan_id,
            "records": made.records,
            "changed_records": made.changed_records,
            "changed_cells": made.changed_cells,
            "api_calls_estimate": made.api_calls_estimate,
            "decisions": dict(made.decisions),
            "routes": dg.MetadataValue.md(_routes_table(routes)),
            "approval": made.approval,
            "gates": list(made.gates),
            "notes": dg.MetadataValue.md(_bulleted(made.notes)),
        }
    )


def _bulleted(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "none"


def _routes_table(routes: Sequence[Route]) -> str:
    if not routes:
        return "none"
    header = ["| object | operation | records | route | calls | why |", "|---|---|--:|---|--:|---|"]
    rows = [
        f"| {each.object} | {each.operation} | {each.records} | {each.route} | {each.calls} "
        f"| {each.reason} |"
        for each in routes
    ]
    return "\n".join([*header, *rows])


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
        dg.AssetSpec(
            ACTIVITIES,
            deps=[LEDGER],
            group_name="salesforce",
            kinds={"salesforce"},
            description="J2 to J5: mail, tasks and campaign members, as Salesforce now has them.",
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
    """Write the differences that the run planned, unless the plan waits for approval.

    The plan is the one that Dagster saw made last: this run's own, since runs take turns. Where
    somebody has planned anew by hand, writing the older plan is refused. A plan that was approved
    meanwhile and would still write the same is the run's own plan again, and is written now.

    Writing that ends early (Salesforce stops answering, the day's calls are used up) fails the
    step, so that Dagster shows it and alerts on it. What was written until then is true all the
    same: the read copy is put in place here, since the step that does it is not reached.
    """
    plan_id = _planned(context.instance)
    with warehouse.connect() as connection:
        planned = read_plan(connection, plan_id)
    if planned is not None and planned.waits:
        context.log.info(
            f"{plan_id} waits for approval: {'; '.join(planned.gates)}. `touchline approve "
            f"{plan_id}`, or the job approve_plan, lets it be written."
        )
        yield dg.MaterializeResult(LEDGER, metadata={"waiting_for_approval": plan_id})
        return
    mapping = load_mapping(settings.mapping)
    report = apply_plan(warehouse, org.connect(), plan_id, context.run.run_id, mapping)
    yield dg.MaterializeResult(LEDGER, metadata=ledger_metadata(report))
    for key, written in written_assets(warehouse, context.run.run_id).items():
        yield dg.MaterializeResult(key, metadata=written)
    if report.stopped_because:
        warehouse.publish(settings.published)
        raise ended_early(report)


def written_assets(warehouse: Warehouse, run_id: str) -> dict[dg.AssetKey, dict[str, int]]:
    """Return what a run made in Salesforce, and how many records of which object."""
    with warehouse.connect(read_only=True) as connection:
        written = written_by_object(connection, run_id)
    made: dict[dg.AssetKey, dict[str, int]] = {}
    for name, records in written.items():
        made.setdefault(FIELDS if name in SOURCES else ACTIVITIES, {})[name] = records
    return made


def ledger_metadata(report: WritebackReport) -> dict[str, Any]:
    """Return what is shown of an applied plan beside the ledger."""
    return {
        "plan_id": report.plan_id,
        "written": report.written,
        "failed": report.failed,
        "skipped": report.skipped,
        "unsent": report.unsent,
        "unknown": report.unknown,
        "stopped_because": report.stopped_because or "",
        "failed_by_code": dict(report.failed_by_code),
        "refusals": dg.MetadataValue.md(_refusals_table(report.refusals)),
        "write_calls": report.calls.write,
        "read_calls": report.calls.read,
        "jobs": list(report.jobs),
        "seconds": report.seconds,
    }


def _refusals_table(refusals: Sequence[FailureCount]) -> str:
    if not refusals:
        return "none"
    header = ["| code | records | for example | what becomes of them | what to do |"]
    rows = []
    for each in refusals:
        # Salesforce's words may be of several lines, or hold what ends a cell.
        sample = " ".join(each.sample.split()).replace("|", "\\|")
        rows.append(
            f"| {each.code} | {each.records} | {sample} | {each.handling} | {each.remedy} |"
        )
    return "\n".join([*header, "|---|--:|---|---|---|", *rows])


def ended_early(report: WritebackReport) -> dg.Failure:
    """Return how the step of a writing that ended early fails."""
    records = "1 record was" if report.unsent == 1 else f"{report.unsent:,} records were"
    remedy = (
        "`touchline apply --resume` goes on, or the next run plans what is left to do"
        if report.has_begun
        else f"mend it: the next run, or `touchline apply {report.plan_id}`, writes them"
    )
    return dg.Failure(
        f"{report.stopped_because} ({records} not reached; {remedy})", allow_retries=False
    )


def _planned(instance: dg.DagsterInstance) -> str:
    entry = instance.get_latest_materialization_event(PLAN)
    made = entry.asset_materialization if entry else None
    if made is None:
        raise dg.Failure("There is no plan to apply. Materialize writeback/plan first.")
    return str(made.metadata["plan_id"].value)


@dg.asset(
    key=READ_COPY,
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
