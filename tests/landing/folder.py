"""A landing folder for tests: writes files in the providers' shapes, reads the raw tables back."""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.landing.limits import Limits
from orchestration.landing.load import load
from orchestration.landing.reasons import kind_of
from orchestration.landing.report import LoadReport
from orchestration.warehouse import Warehouse

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Folder:
    """A landing folder and the warehouse that it is loaded into."""

    path: Path
    warehouse: Warehouse

    @classmethod
    def at(cls, place: Path) -> "Folder":
        """Make an empty landing folder beside an empty warehouse."""
        landing = place / "landing"
        landing.mkdir()
        return cls(landing, Warehouse(place / "warehouse.duckdb"))

    def write(self, file: str, content: bytes | str, *, is_old: bool = False) -> Path:
        """Write a file below the landing folder."""
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if is_old:
            self.age(file)
        return path

    def append(self, file: str, content: bytes | str) -> None:
        """Add to a file, as the writer of a log does."""
        with (self.path / file).open("ab") as log:
            log.write(content.encode() if isinstance(content, str) else content)

    def age(self, file: str) -> None:
        """Make a file look as if nobody had touched it for a day."""
        yesterday = time.time() - DAY_SECONDS
        os.utime(self.path / file, (yesterday, yesterday))

    def load(self, **limits: Any) -> LoadReport:
        """Take in what is new."""
        return load(self.warehouse, self.path, limits=Limits(**limits))

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the warehouse."""
        with self.warehouse.connect() as connection:
            return connection.execute(statement).fetchall()

    def payloads(self, table: str = "raw.sendgrid_events") -> list[dict[str, Any]]:
        """Return the payloads of a raw table in order of arrival."""
        rows = self.query(f"select payload from {table} order by load_id, file, line, position")
        return [json.loads(payload) for (payload,) in rows]

    def event_ids(self) -> list[str]:
        """Return the SendGrid event ids in order of arrival."""
        return [payload["sg_event_id"] for payload in self.payloads()]

    def places(self, table: str = "raw.sendgrid_events") -> list[tuple[str, int, int]]:
        """Return file, line and position of each record."""
        return self.query(f"select file, line, position from {table} order by all")

    def rejects(self) -> list[tuple[int | None, str]]:
        """Return line and reason of each reject in order of arrival."""
        return self.query("select line, reason from raw.rejects order by load_id, file, line")

    def reasons(self, table: str) -> set[str]:
        """Return the reasons in `raw.rejects` or `raw.skipped`, without their variable parts."""
        if not self.warehouse.path.exists():
            return set()
        return {kind_of(each) for (each,) in self.query(f"select distinct reason from raw.{table}")}


def event(number: int, **others: object) -> dict[str, object]:
    """Return a SendGrid event with everything that a record must have."""
    return {
        "email": f"person{number}@visitor.example",
        "timestamp": 1_791_331_200 + number,
        "event": "open",
        "sg_event_id": f"event-{number}",
        **others,
    }


def lines(records: Iterable[object]) -> str:
    """Return records as JSON lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def events(*numbers: int) -> str:
    """Return events as JSON lines."""
    return lines(event(number) for number in numbers)
