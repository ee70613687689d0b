"""What one run of the sync did, as plain figures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Loads:
    """New files taken in by the run, and their records."""

    files: int = 0
    rows: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Planned:
    """The run's plan; `plan_id` is None where the run ended before it.

    `approval`: not_needed, waiting for the reasons in `gates`, or approved.
    """

    plan_id: str | None = None
    changed_records: int = 0
    changed_cells: int = 0
    approval: str = "not_needed"
    gates: Sequence[str] = ()


@dataclass(frozen=True)
class Written:
    """Records by what came of them."""

    written: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Calls:
    """Requests to the CRM's API."""

    read: int = 0
    write: int = 0


@dataclass(frozen=True)
class SyncReport:
    """One run of the sync. `problems` say what failed and why, one line each."""

    loads: Loads
    plan: Planned
    writeback: Written
    crm_calls: Calls
    seconds: float
    is_waiting: bool = False
    problems: Sequence[str] = field(default_factory=tuple)

    @property
    def succeeded(self) -> bool:
        """Whether every step ended well and Salesforce took every record that was sent."""
        return not self.problems and not self.writeback.failed

    def as_json(self) -> dict[str, Any]:
        """Return the figures as `touchline run --json` prints them."""
        figures = asdict(self)
        del figures["is_waiting"], figures["problems"]
        return figures
