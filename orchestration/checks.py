"""Asset checks that dbt cannot make: on loads and on what Salesforce said to our writes."""

import dagster as dg

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.assets.writeback import LEDGER
from orchestration.warehouse import Warehouse

#: More rejects than this share of a source's records in the newest load deserve a look.
REJECT_SHARE = 0.05

_REJECT_SHARES = """
select source, sum(rejected) as rejected, sum("rows") as loaded
from raw.loads
where load_id = (select max(load_id) from raw.loads where source != 'salesforce')
group by source
having sum(rejected) > ? * (sum("rows") + sum(rejected))
order by source
"""

_FAILURES = """
select error_code, count(*) as records
from writeback.ledger
where outcome = 'failed' and run_id = ?
group by error_code
order by records desc
"""


@dg.asset_check(asset=["raw", "rejects"], pool=WAREHOUSE_POOL)
def rejects_are_few(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """A8: a source that suddenly cannot be read shows here before anybody misses its data."""
    with warehouse.connect(read_only=True) as connection:
        sources = connection.execute(_REJECT_SHARES, [REJECT_SHARE]).fetchall()
    return dg.AssetCheckResult(
        passed=not sources,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            source: f"{rejected} of {rejected + loaded}" for source, rejected, loaded in sources
        },
        description="Run `touchline status` to see the rejects by reason." if sources else None,
    )


@dg.asset_check(asset=LEDGER, pool=WAREHOUSE_POOL)
def nothing_was_refused(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.AssetCheckResult:
    """K5: records that Salesforce refused in the newest run, by code; an older run's are past."""
    newest = context.instance.get_latest_materialization_event(LEDGER)
    with warehouse.connect(read_only=True) as connection:
        failures = connection.execute(_FAILURES, [newest.run_id if newest else None]).fetchall()
    return dg.AssetCheckResult(
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={str(code): records for code, records in failures},
        description="Run `touchline status` to see the skipped records." if failures else None,
    )
