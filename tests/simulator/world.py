"""A simulated folder, read back as plain records."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.simulator.simulate import SimulationReport

Json = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A simulated folder and what the simulator said about it."""

    out: Path
    report: SimulationReport

    def truth(self, name: str) -> list[Json]:
        """Return the rows of one truth file."""
        return lines(self.out / "truth" / f"{name}.ndjson")

    def org(self, name: str) -> list[Json]:
        """Return the records of one object."""
        return lines(self.out / "org" / f"{name}.ndjson")

    @property
    def counts(self) -> Json:
        """Return the simulator's own counts."""
        counts: Json = json.loads((self.out / "truth" / "counts.json").read_text())
        return counts

    def events(self) -> list[Json]:
        """Return every readable SendGrid event as written, repeats included."""
        return [
            event
            for path in sorted((self.out / "landing" / "sendgrid").iterdir())
            for event in sendgrid_events(path)
            if event["event"] not in {"account_status_change", "teleported"}
        ]

    def distinct_events(self) -> list[Json]:
        """Return every event once, however often and under whatever id it was sent."""
        seen = {
            json.dumps({**event, "sg_event_id": ""}, sort_keys=True): event
            for event in self.events()
        }
        return list(seen.values())

    def messages(self) -> list[Json]:
        """Return the sent messages."""
        folder = self.out / "landing" / "sequences" / "messages"
        return [row for path in sorted(folder.iterdir()) for row in rows(path)]

    def enrollment_versions(self) -> list[Json]:
        """Return every delivery of every enrollment."""
        folder = self.out / "landing" / "sequences" / "enrollments"
        found = []
        for path in sorted(folder.iterdir()):
            if ".ndjson" in path.name:
                found += rows(path)
            else:
                found += json.loads(text_of(path))["enrollments"]
        return found

    def enrollments(self) -> dict[str, Json]:
        """Return the latest version of every enrollment, by id."""
        return {
            row["id"]: row
            for row in sorted(self.enrollment_versions(), key=lambda row: str(row["updated_at"]))
        }


def text_of(path: Path) -> str:
    """Return a file's text, unpacked."""
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def lines(path: Path) -> list[Json]:
    """Return the objects of a file with one per line."""
    return [json.loads(line) for line in text_of(path).splitlines()]


def rows(path: Path) -> list[Json]:
    """Return the objects of an NDJSON file or of a file with one array."""
    if ".ndjson" in path.name:
        return lines(path)
    found: list[Json] = json.loads(text_of(path))
    return found


def sendgrid_events(path: Path) -> list[Json]:
    """Return the events of a webhook log in any of its shapes; lines that are no JSON are left."""
    if ".json." in path.name or path.suffix == ".json":
        found: list[Json] = json.loads(text_of(path))
        return found
    events: list[Json] = []
    for line in text_of(path).splitlines():
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            continue
        events += value if isinstance(value, list) else [value]
    return events
