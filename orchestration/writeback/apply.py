"""Applying a plan: chunked writes with an intent before and an outcome after (K1, K2, K5)."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from orchestration.crm.client import CallCounts, Crm
from orchestration.warehouse import Warehouse


class PlanNotApplicableError(RuntimeError):
    """The plan may not be applied (any more); the message says why and what to do (K2)."""


@dataclass(frozen=True, slots=True)
class WritebackReport:
    """What came of a plan: records, each counted once. `skipped` ones were never sent."""

    plan_id: str
    run_id: str
    written: int
    failed: int
    skipped: int
    failed_by_code: MappingOf[str, int]
    calls: CallCounts
    seconds: float
    stopped_because: str | None = None


def apply_plan(warehouse: Warehouse, crm: Crm, plan_id: str, run_id: str) -> WritebackReport:
    """Write the plan's cells to the CRM and record every attempt in the ledger.

    A plan without writes makes no request, not even a login.

    Raises:
        PlanNotApplicableError: not the newest plan, not its snapshot, or already applied.
    """
    raise NotImplementedError
