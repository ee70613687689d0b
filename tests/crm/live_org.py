"""A local org for tests: seeded anew for each, with hands to change records and eyes on its log."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from orchestration.crm.salesforce import SalesforceCrm, connect
from orchestration.crm.transport import JobPatience, Patience
from orchestration.local_org import process
from orchestration.settings import SalesforceLogin

STAMP = "2026-10-01T08:00:00.000+0000"
USER = "005000000000001AAA"
ANN, BEN, CAT = "003000000000001AAA", "003000000000002AAA", "003000000000003AAA"
LEA, LEO = "00Q000000000001EAA", "00Q000000000002EAA"

#: Nobody waits in a test.
IMPATIENT = Patience(
    connect_timeout=2,
    read_timeout=5,
    attempts=3,
    first_wait=0.01,
    longest_wait=0.02,
    # A small job is done by the first question: its calls can be counted.
    jobs=JobPatience(first_wait=0.2, longest_wait=0.02, deadline=10),
)

_STAMPS: Mapping[str, Any] = {
    "CreatedDate": STAMP,
    "LastModifiedDate": STAMP,
    "SystemModstamp": STAMP,
    "CreatedById": USER,
    "LastModifiedById": USER,
    "IsDeleted": False,
}

SEED: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "User": [
        {
            **{key: value for key, value in _STAMPS.items() if key != "IsDeleted"},
            "Id": USER,
            "Username": "rep@acme.example",
            "Email": "rep@acme.example",
            "LastName": "Rep",
            "IsActive": True,
        }
    ],
    "Contact": [
        {**_STAMPS, "Id": ANN, "OwnerId": USER, "LastName": "Ann", "Email": "ann@x.example"},
        {**_STAMPS, "Id": BEN, "OwnerId": USER, "LastName": "Ben", "Email": "ben@x.example"},
        {**_STAMPS, "Id": CAT, "OwnerId": USER, "LastName": "Cat", "Email": None},
    ],
    "Lead": [
        {**_STAMPS, "Id": LEA, "OwnerId": USER, "LastName": "Lea", "Company": "X"},
        {
            **_STAMPS,
            "Id": LEO,
            "OwnerId": USER,
            "LastName": "Leo",
            "Company": "X",
            "IsConverted": True,
            "ConvertedContactId": CAT,
            "ConvertedDate": "2026-10-01",
        },
    ],
}


@dataclass(frozen=True)
class LiveOrg:
    """A running local org and its back door."""

    url: str
    seed: Path
    admin: httpx.Client

    @property
    def login(self) -> SalesforceLogin:
        """The client credentials that every local org knows."""
        host = self.url.removeprefix("http://")
        return SalesforceLogin(host, "touchline-local", "touchline-local-secret")

    def crm(self) -> SalesforceCrm:
        """Return a new client of this org."""
        return connect(self.login, IMPATIENT)

    def reset(self) -> None:
        """Bring back the seed, with every field visible, no faults or rules and an empty log."""
        self._call("DELETE", "faults")
        self._call("PUT", "rules", {})
        self._call("PUT", "hidden-fields", {})
        self._call("POST", "reset", {"seed": str(self.seed)})
        self._call("DELETE", "requests")
        self._call("DELETE", "writes")

    def arm(self, *faults: Mapping[str, Any]) -> None:
        """Let faults meet the requests to come."""
        self._call("POST", "faults", faults)

    def rule(self, **rules: Any) -> None:
        """Set what an admin of the org may set."""
        self._call("PUT", "rules", rules)

    def proof(self) -> dict[str, Any]:
        """Return what was really written, in figures."""
        reply = self.admin.get("/__admin/writes/summary").raise_for_status()
        found: dict[str, Any] = reply.json()
        return found

    def change(self, name: str, record_id: str, *, force: bool = False, **fields: Any) -> None:
        """Change a record by hand."""
        body = {"fields": fields, "force": force}
        self._call("PATCH", f"records/{name}/{record_id}", body)

    def hide(self, **fields: Sequence[str]) -> None:
        """Hide fields from the API user."""
        self._call("PUT", "hidden-fields", fields)

    def expire_sessions(self) -> None:
        """End every session."""
        self._call("POST", "sessions/expire")

    def register_key(self, public_key: str) -> None:
        """Let a private key's owner log in by JWT."""
        self._call("POST", "apps", {"public_key": public_key})

    def record(self, name: str, record_id: str) -> dict[str, Any]:
        """Return a record as the org holds it."""
        reply = self.admin.get(f"/__admin/records/{name}").raise_for_status()
        found: dict[str, Any] = next(each for each in reply.json() if each["Id"] == record_id)
        return found

    def requests(self, **filters: str) -> list[dict[str, Any]]:
        """Return the request log, the back door's own calls left out."""
        reply = self.admin.get("/__admin/requests", params=filters).raise_for_status()
        entries = reply.json()
        return [each for each in entries if each["kind"] != "admin"]

    def _call(self, method: str, path: str, body: object = None) -> None:
        self.admin.request(method, f"/__admin/{path}", json=body).raise_for_status()


@contextmanager
def running_org(
    folder: Path, records_of: Mapping[str, Sequence[Mapping[str, Any]]] = SEED, page_size: int = 2
) -> Iterator[LiveOrg]:
    """Start an org on a free port, and stop it afterwards."""
    seed = folder / "seed"
    seed.mkdir()
    for name, records in records_of.items():
        lines = "\n".join(json.dumps(record) for record in records)
        (seed / f"{name}.ndjson").write_text(lines + "\n", encoding="utf-8")
    started = process.start(folder / "org", port=0, seed=seed, page_size=page_size)
    try:
        with httpx.Client(base_url=started.url, trust_env=False) as admin:
            yield LiveOrg(started.url, seed, admin)
    finally:
        process.stop(folder / "org")
