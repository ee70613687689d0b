"""The Salesforce adapter: the only place that knows simple-salesforce."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from orchestration.crm.client import CallCounts, Limits, Record, RowResult
from orchestration.settings import SalesforceLogin


class SalesforceCrm:
    """A Salesforce org behind the `Crm` Protocol; it logs in on the first call."""

    rows_per_write = 200

    @property
    def calls(self) -> CallCounts:
        """HTTP requests made so far."""
        raise NotImplementedError

    def describe(self, object_name: str) -> dict[str, Any]:
        """Return the object's metadata."""
        raise NotImplementedError

    def query(self, soql: str, *, include_deleted: bool = False) -> Iterator[list[Record]]:
        """Yield the result page by page."""
        raise NotImplementedError

    def update_many(self, object_name: str, records: Sequence[Record]) -> list[RowResult]:
        """Update records by `Id`."""
        raise NotImplementedError

    def create_many(self, object_name: str, records: Sequence[Record]) -> list[RowResult]:
        """Create records."""
        raise NotImplementedError

    def limits(self) -> Limits:
        """Ask for the daily allowance of calls."""
        raise NotImplementedError

    def server_time(self) -> datetime:
        """Return the org's clock."""
        raise NotImplementedError


def connect(login: SalesforceLogin) -> SalesforceCrm:
    """Return the org of `login`; nothing is contacted before the first call."""
    raise NotImplementedError
