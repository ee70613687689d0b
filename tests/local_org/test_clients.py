"""Other people's clients: simple-salesforce through a loopback adapter, and many at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

from tests.local_org.caller import ADA, BEN, Caller

LOCAL_APP = {"consumer_key": "touchline-local", "consumer_secret": "touchline-local-secret"}


class Loopback(HTTPAdapter):
    """Sends every https request to the org, keeping its path."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Redirect one request."""
        parts = urlsplit(str(request.url))
        query = f"?{parts.query}" if parts.query else ""
        request.url = f"{self._url}{parts.path}{query}"
        return super().send(request, *args, **kwargs)


def connect(session: requests.Session, **login: str) -> Any:
    """Sign in with simple-salesforce, whose attributes are made up as they are asked for."""
    options: dict[str, Any] = {"domain": "acme.my", "session": session, **login}
    return Salesforce(version="66.0", **options)


@pytest.fixture
def session(org: Caller) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Loopback(org.url))
    return session


def test_simple_salesforce_by_client_credentials(session: requests.Session) -> None:
    sf = connect(session, **LOCAL_APP)
    assert sf.query("select count() from Contact")["totalSize"] == 3
    found = sf.query_all("select Id, Owner.Name from Contact", include_deleted=True)
    assert found["totalSize"] == 4
    assert len(sf.Contact.describe()["fields"]) > 60
    assert len(sf.describe()["sobjects"]) == 9
    results = sf.restful(
        "composite/sobjects",
        method="PATCH",
        json={
            "allOrNone": False,
            "records": [
                {"attributes": {"type": "Contact"}, "id": ADA, "Touchline_Open_Count__c": 4},
                {"attributes": {"type": "Contact"}, "id": BEN, "Email": "x"},
            ],
        },
    )
    assert [row["success"] for row in results] == [True, False]
    assert sf.Contact.get(ADA)["Touchline_Open_Count__c"] == 4.0
    assert sf.Contact.update(ADA, {"Title": "x"}) == 204
    made = sf.Contact.create({"LastName": "New"})
    assert made["success"]
    assert sf.Contact.delete(made["id"]) == 204
    assert sf.Task.upsert("Touchline_Key__c/new", {"Subject": "x"}) == 201
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.api_usage["api-usage"].total == 100_000
    with pytest.raises(SalesforceMalformedRequest):
        sf.query("select foo from Contact")


def test_simple_salesforce_runs_a_bulk_job(org: Caller, session: requests.Session) -> None:
    contacts = connect(session, **LOCAL_APP).bulk2.Contact
    rows = [{"Id": ADA, "Title": "By a job"}, {"Id": BEN, "Title": "x" * 200}]
    (told,) = contacts.update(records=rows, wait=0.05)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (2, 1)
    failed = contacts.get_failed_records(told["job_id"])
    assert "STRING_TOO_LONG:Title: data value too large" in failed
    assert org.query(f"select Title from Contact where Id = '{ADA}'") == [{"Title": "By a job"}]
    pages = contacts.query("select Id, Title from Contact order by Id", max_records=2, wait=0.05)
    assert [page.count("\n") for page in pages] == [3, 2]


def test_simple_salesforce_signs_in_again_when_its_session_ended(
    org: Caller, session: requests.Session
) -> None:
    sf = connect(session, **LOCAL_APP)
    org.admin("POST", "/sessions/expire")
    assert sf.query("select count() from Contact")["totalSize"] == 3


def test_simple_salesforce_by_jwt_bearer(org: Caller, session: requests.Session) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    org.admin("POST", "/apps", json={"consumer_key": "by-jwt", "public_key": public.decode()})
    sf = connect(
        session,
        username="rep@acme.example",
        consumer_key="by-jwt",
        privatekey=private.decode(),
    )
    sf.Contact.update(ADA, {"Title": "x"})
    assert sf.Contact.get(ADA)["LastModifiedDate"] > "2026-11"


def test_many_clients_at_once_are_served(org: Caller) -> None:
    made = org.create("Contact", *({"LastName": f"N{number}"} for number in range(100)))
    ids = [row["id"] for row in made]
    token = org.http.headers["Authorization"]

    def work(number: int) -> list[int]:
        with httpx.Client(base_url=org.url, trust_env=False, timeout=20) as client:
            client.headers["Authorization"] = token
            mine = Caller(client, org.url)
            statuses = []
            for turn in range(10):
                rows = [{"id": one, "Touchline_Open_Count__c": turn} for one in ids[number::8]]
                assert all(row["success"] for row in mine.update("Contact", *rows))
                reply = mine.get("/query", params={"q": "select Id, Name from Contact"})
                statuses.append(reply.status_code)
            return statuses

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    assert results == [[200] * 10] * 8
    rows = org.query("select Touchline_Open_Count__c from Contact where Name like 'N%'")
    assert {row["Touchline_Open_Count__c"] for row in rows} == {9.0}
    assert len(org.log(is_write="true")) == 81
