"""What the tests say to the local org, and the small team that lives in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from orchestration.local_org.identifiers import suffix

API = "/services/data/v66.0"
STAMP = "2026-10-22T21:03:23.000+0000"


def record_id(prefix: str, number: int) -> str:
    """Return a valid 18-character id that the org did not give itself."""
    id15 = f"{prefix}5g{number:010d}"
    return id15 + suffix(id15)


REP, OTHER_REP = record_id("005", 1), record_id("005", 2)
ADA, BEN, CYD, GONE = (record_id("003", number) for number in (1, 2, 3, 4))
LEE, CONVERTED = record_id("00Q", 1), record_id("00Q", 2)
CAMPAIGN = record_id("701", 1)
SENT_MAIL, DRAFT_MAIL = record_id("02s", 1), record_id("02s", 2)
CALL = record_id("00T", 1)
PRIVATE = record_id("0PK", 1)

TEAM: dict[str, list[dict[str, Any]]] = {
    "User": [
        {"Id": REP, "Username": "rep@acme.example", "FirstName": "Rita", "LastName": "Rep",
         "Email": "rita@acme.example", "Alias": "rita", "IsActive": True},
        {"Id": OTHER_REP, "Username": "otto@acme.example", "FirstName": "Otto", "LastName": "Other",
         "Email": "otto@acme.example", "Alias": "otto", "IsActive": False},
    ],
    "Individual": [{"Id": PRIVATE, "LastName": "Lovelace", "HasOptedOutTracking": True}],
    "Contact": [
        {"Id": ADA, "FirstName": "Ada", "LastName": "Lovelace", "Email": "Ada@Lovelace.example",
         "IndividualId": PRIVATE, "Title": "Countess", "Birthdate": "1815-12-10"},
        {"Id": BEN, "FirstName": "Ben", "LastName": "O'Hara", "Email": "ben@ohara.example",
         "HasOptedOutOfEmail": True, "Touchline_Open_Count__c": 3.0},
        {"Id": CYD, "LastName": "100%_sure"},
        {"Id": GONE, "LastName": "Gone", "IsDeleted": True, "MasterRecordId": ADA},
    ],
    "Lead": [
        {"Id": LEE, "FirstName": "Lee", "LastName": "Lead", "Company": "Lead Ltd",
         "Email": "lee@lead.example"},
        {"Id": CONVERTED, "LastName": "Was", "Company": "Was Inc", "IsConverted": True,
         "ConvertedContactId": BEN, "Status": "Closed - Converted"},
    ],
    "Campaign": [{"Id": CAMPAIGN, "Name": "Autumn"}],
    "EmailMessage": [
        {"Id": SENT_MAIL, "Subject": "Hello", "Status": "3", "TextBody": "Hi"},
        {"Id": DRAFT_MAIL, "Subject": "Not yet", "Status": "5"},
    ],
    "Task": [{"Id": CALL, "Subject": "Call", "WhoId": ADA, "OwnerId": REP,
              "Touchline_Key__c": "reply-1"}],
}  # fmt: skip


def write_seed(folder: Path, records: dict[str, list[dict[str, Any]]]) -> Path:
    """Write records as a seed folder; stamps are the same for all."""
    folder.mkdir(parents=True, exist_ok=True)
    stamps = {"CreatedDate": STAMP, "LastModifiedDate": STAMP, "SystemModstamp": STAMP}
    for name, rows in records.items():
        lines = (orjson.dumps({**stamps, "CreatedById": REP, "LastModifiedById": REP, **row})
                 for row in rows)  # fmt: skip
        (folder / f"{name}.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    return folder


@dataclass
class Caller:
    """A signed-in client of one org."""

    http: httpx.Client
    url: str

    def begin(self, seed_folder: Path) -> "Caller":
        """Bring the org into its known state, and sign in."""
        self.admin("POST", "/reset", json={"seed": str(seed_folder)})
        self.sign_in()
        self.admin("DELETE", "/requests")
        return self

    def sign_in(self) -> None:
        """Get a fresh session."""
        reply = self.http.post(
            "/services/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=("touchline-local", "touchline-local-secret"),
        )
        self.http.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET a REST path."""
        return self.http.get(f"{API}{path}", **options)

    def patch(self, path: str, content: Any, **options: Any) -> httpx.Response:
        """PATCH a REST path."""
        return self.http.patch(f"{API}{path}", json=content, **options)

    def post(self, path: str, content: Any, **options: Any) -> httpx.Response:
        """POST to a REST path."""
        return self.http.post(f"{API}{path}", json=content, **options)

    def query(self, soql: str, *, everything: bool = False) -> list[dict[str, Any]]:
        """Return the records of a query, without their attributes; queryAll for `everything`."""
        reply = self.get("/queryAll" if everything else "/query", params={"q": soql})
        assert reply.status_code == 200, reply.text
        records: list[dict[str, Any]] = reply.json()["records"]
        for record in records:
            record.pop("attributes")
        return records

    def ids(self, soql: str, *, everything: bool = False) -> list[str]:
        """Return the ids that a query finds."""
        return [record["Id"] for record in self.query(soql, everything=everything)]

    def refused(self, soql: str) -> dict[str, Any]:
        """Return the error of a query that must fail."""
        reply = self.get("/query", params={"q": soql})
        assert reply.status_code == 400, reply.text
        error: dict[str, Any] = reply.json()[0]
        return error

    def update(
        self, kind: str, *records: dict[str, Any], all_or_none: bool = False
    ) -> list[dict[str, Any]]:
        """Update by one Collections call and return the verdicts."""
        return self._collection("PATCH", kind, records, all_or_none)

    def create(
        self, kind: str, *records: dict[str, Any], all_or_none: bool = False
    ) -> list[dict[str, Any]]:
        """Create by one Collections call and return the verdicts."""
        return self._collection("POST", kind, records, all_or_none)

    def error(self, kind: str, record: dict[str, Any]) -> dict[str, Any]:
        """Update one record, which must fail for one reason, and return the reason."""
        (result,) = self.update(kind, record)
        assert not result["success"]
        (error,) = result["errors"]
        found: dict[str, Any] = error
        return found

    def refused_write(
        self, method: str, path: str, content: Any, status: int = 400
    ) -> dict[str, Any]:
        """Return the error of a write that must be refused as a whole."""
        reply = self.http.request(method, f"{API}{path}", json=content)
        assert reply.status_code == status, reply.text
        (error,) = reply.json()
        found: dict[str, Any] = error
        return found

    def admin(self, method: str, path: str, **options: Any) -> Any:
        """Call the back door and return what it says."""
        reply = self.http.request(method, f"/__admin{path}", **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def log(self, **filters: str) -> list[dict[str, Any]]:
        """Return the entries of the request log."""
        entries: list[dict[str, Any]] = self.admin("GET", "/requests", params=filters)
        return entries

    def _collection(
        self, method: str, kind: str, records: tuple[dict[str, Any], ...], all_or_none: bool
    ) -> list[dict[str, Any]]:
        typed = [{"attributes": {"type": kind}, **record} for record in records]
        body = {"allOrNone": all_or_none, "records": typed}
        reply = self.http.request(method, f"{API}/composite/sobjects", json=body)
        assert reply.status_code == 200, reply.text
        results: list[dict[str, Any]] = reply.json()
        assert len(results) == len(records)
        return results
