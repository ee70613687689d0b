"""Asset checks that dbt cannot make: on loads and on what Salesforce said to our writes."""

import dagster as dg

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.assets.writeback import LEDGER
from orchestration.landing.spikes import reject_shares
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

_FAILURES = """
select error_code, count(*) as records
from writeback.ledger
where outcome = 'failed' and run_id = ?
group by error_code
order by records desc
"""


@dg.asset_check(asset=["raw", "rejects"], pool=WAREHOUSE_POOL)
def rejects_are_few(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.AssetCheckResult:
    """A8, L7: a source that suddenly cannot be read shows here before anybody misses its data.

    An error, so that whoever is to be alerted is; but it stops nothing: what was read is as good
    as ever, and one source's trouble must not hold back the others' replies and opt-outs.
    """
    with warehouse.connect(read_only=True) as connection:
        shares = reject_shares(connection)
    spikes = [
        each for each in shares if each.is_spike(settings.reject_share, settings.reject_minimum)
    ]
    return dg.AssetCheckResult(
        passed=not spikes,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={each.source: str(each) for each in shares},
        description=f"A spike of rejects in {', '.join(each.source for each in spikes)}: "
        "`touchline status` shows where and what to do."
        if spikes
        else None,
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
