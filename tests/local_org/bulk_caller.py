"""What the tests say to the local org about bulk jobs."""

import csv
import io
import time
from typing import Any

import httpx

from tests.local_org.caller import API, Caller

FINAL = {"JobComplete", "Failed", "Aborted"}


class BulkCaller:
    """Bulk jobs of a signed-in caller."""

    def __init__(self, org: Caller) -> None:
        self.org = org

    def open(self, operation: str = "update", name: str = "Contact", **more: Any) -> str:
        """Open a job and return its id."""
        body = {"operation": operation, "object": name, "contentType": "CSV", **more}
        reply = self.org.post("/jobs/ingest", body)
        assert reply.status_code == 200, reply.text
        identifier: str = reply.json()["id"]
        return identifier

    def upload(self, job: str, content: str | bytes) -> httpx.Response:
        """Upload data to a job."""
        data = content.encode() if isinstance(content, str) else content
        return self.org.http.put(
            f"{API}/jobs/ingest/{job}/batches", content=data, headers={"Content-Type": "text/csv"}
        )

    def set_state(self, job: str, state: str) -> httpx.Response:
        """Start or abort a job."""
        return self.org.patch(f"/jobs/ingest/{job}", {"state": state})

    def get(self, job: str) -> dict[str, Any]:
        """Return a job."""
        reply = self.org.get(f"/jobs/ingest/{job}")
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def wait(self, job: str, states: set[str] = FINAL) -> dict[str, Any]:
        """Return a job once it is in one of the states."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found = self.get(job)
            if found["state"] in states:
                return found
            time.sleep(0.01)
        raise AssertionError(f"job {job} is still {found['state']}")

    def run(
        self, content: str | bytes, operation: str = "update", name: str = "Contact", **more: Any
    ) -> dict[str, Any]:
        """Run a whole job and return it."""
        job = self.open(operation, name, **more)
        assert self.upload(job, content).status_code == 201
        assert self.set_state(job, "UploadComplete").status_code == 200
        return self.wait(job)

    def results(self, job: str, which: str) -> list[dict[str, str]]:
        """Return the rows of one result set."""
        reply = self.org.get(f"/jobs/ingest/{job}/{which}")
        assert reply.status_code == 200, reply.text
        assert reply.headers["Content-Type"] == "text/csv"
        return list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))
