"""The Salesforce adapter: the only place that knows simple-salesforce."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceExpiredSession
from simple_salesforce.util import exception_handler

from orchestration.crm.client import (
    CallCounts,
    CrmLoginError,
    CrmUnavailableError,
    Limits,
    Record,
    RowResult,
)
from orchestration.crm.salesforce_bulk import JSON, SalesforceJobs
from orchestration.crm.salesforce_errors import request_error, row_errors
from orchestration.crm.salesforce_login import fetch_token
from orchestration.crm.salesforce_values import check_ids, ids_of, short_id, to_json
from orchestration.crm.transport import LOOPBACK, Patience, Traffic, open_session, told_by
from orchestration.settings import SalesforceLogin

#: Pinned: a version decides what describe and the error shapes look like.
API_VERSION = "66.0"

#: What sObject Collections takes in one request.
ROWS_PER_WRITE = 200

_SALESFORCE_HOST = ".my.salesforce.com"

#: What the local org is called in requests; all of them go to its port.
_LOCAL_HOST = f"local{_SALESFORCE_HOST}"
_COLLECTIONS = "composite/sobjects"

Answer = TypeVar("Answer")


class SalesforceCrm:
    """A Salesforce org behind the `Crm` Protocol; it logs in on the first call."""

    def __init__(self, login: SalesforceLogin, patience: Patience) -> None:
        self._login = login
        self._loopback_port = _loopback_port(login.host)
        self._traffic = Traffic()
        self._session = open_session(patience, self._traffic, self._loopback_port)
        # Without it a field update on a Lead may run assignment rules and change its owner. On
        # the session, because simple-salesforce drops per-call headers when it repeats a call.
        self._session.headers["Sforce-Auto-Assign"] = "FALSE"
        self._org: Salesforce | None = None
        self._jobs = SalesforceJobs(self._send, patience.jobs)

    @property
    def jobs(self) -> SalesforceJobs:
        """Bulk API 2.0, over the same session."""
        return self._jobs

    @property
    def rows_per_write(self) -> int:
        """What one Collections request may carry."""
        return ROWS_PER_WRITE

    @property
    def calls(self) -> CallCounts:
        """HTTP requests made so far, retries included."""
        return CallCounts(self._traffic.login, self._traffic.read, self._traffic.write)

    def describe(self, object_name: str) -> dict[str, Any]:
        """Return the object's metadata, as far as this login may see it.

        Raises:
            CrmMissingObjectError: no such object for this login.
        """
        path = f"sobjects/{object_name}/describe"
        answer = self._json(f"describe {object_name}", "GET", path)
        if not isinstance(answer, dict) or not isinstance(answer.get("fields"), list):
            raise CrmUnavailableError(f"describe {object_name}: Salesforce answered nothing usable")
        return answer

    def query(self, soql: str, *, include_deleted: bool = False) -> Iterator[list[Record]]:
        """Yield the result page by page (at most 2,000 records each), without `attributes`."""
        what = f"query {_object_of(soql)}"
        page = self._ask(what, lambda org: org.query(soql, include_deleted=include_deleted))
        records, next_url = _page(what, page)
        yield records
        while next_url:
            page = self._ask(what, partial(_query_more, url=next_url))
            records, next_url = _page(what, page)
            yield records

    def update_many(self, object_name: str, records: Sequence[Record]) -> list[RowResult]:
        """Update records by `Id` in one Collections request; never creates one.

        Raises:
            ValueError: too many records, an id missing or twice, or a value JSON cannot carry.
            CrmUnavailableError: no answer; which records were changed is not known.
        """
        ids = ids_of(records)
        check_ids(ids)
        return self._write("PATCH", object_name, records, ids)

    def create_many(self, object_name: str, records: Sequence[Record]) -> list[RowResult]:
        """Create records in one Collections request, which is never repeated."""
        if any("Id" in record for record in records):
            raise ValueError(f"{object_name}: a record that is to be created has no Id")
        return self._write("POST", object_name, records, [None] * len(records))

    def delete_many(self, object_name: str, record_ids: Sequence[str]) -> list[RowResult]:
        """Put records into the recycle bin in one Collections request.

        Raises:
            ValueError: too many ids, one empty, or one twice.
            CrmUnavailableError: no answer; which records were deleted is not known.
        """
        check_ids(record_ids)
        _check_size(len(record_ids))
        what = f"delete {object_name}"
        path = f"{_COLLECTIONS}?ids={','.join(record_ids)}&allOrNone=false"
        return _row_results(what, self._json(what, "DELETE", path), record_ids)

    @property
    def latest_limits(self) -> Limits | None:
        """The daily allowance as the latest answer that spoke of it told; costs no call."""
        if self._traffic.api_usage is None:
            return None
        used, allowed = self._traffic.api_usage
        return Limits(daily_calls=allowed, daily_calls_left=max(0, allowed - used))

    def limits(self) -> Limits:
        """Ask for the daily allowance of calls (needs View Setup)."""
        answer: Any = self._ask("limits", lambda org: org.limits())
        try:
            daily = answer["DailyApiRequests"]
            return Limits(daily_calls=int(daily["Max"]), daily_calls_left=int(daily["Remaining"]))
        except (KeyError, TypeError, ValueError):
            raise CrmUnavailableError(
                "limits: Salesforce does not tell the daily allowance"
            ) from None

    def server_time(self) -> datetime:
        """Return the org's clock (UTC) as of its latest answer; asks once if there is none."""
        if self._traffic.server_time is None:
            self._ask("clock", lambda org: org.query("select Id from User limit 1"))
        if self._traffic.server_time is None:
            raise CrmUnavailableError("Salesforce answered without a Date header")
        return self._traffic.server_time

    @property
    def user_id(self) -> str:
        """The integration user, as the login named it; empty before the first answer."""
        return self._traffic.user_id

    def _write(
        self, method: str, object_name: str, records: Sequence[Record], ids: Sequence[str | None]
    ) -> list[RowResult]:
        _check_size(len(records))
        rows = [{"attributes": {"type": object_name}, **record} for record in records]
        body = to_json({"allOrNone": False, "records": rows})
        what = f"write {object_name}"
        return _row_results(what, self._json(what, method, _COLLECTIONS, body), ids)

    def _json(self, what: str, method: str, path: str, body: bytes | None = None) -> Any:
        answer = self._send(what, method, path, body)
        try:
            return answer.json()
        except requests.JSONDecodeError:
            raise CrmUnavailableError(
                f"{what}: Salesforce answered something else than JSON"
            ) from None

    def _send(
        self,
        what: str,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = JSON,
    ) -> requests.Response:
        """Send a request that simple-salesforce has no call for; return the answer as it came."""

        def send(org: Salesforce) -> requests.Response:
            headers = {**org.headers, "Content-Type": content_type}
            answer = self._session.request(
                method, f"{org.base_url}{path}", data=body, headers=headers
            )
            if answer.status_code >= 300:
                exception_handler(answer, name=path)
            return answer

        return self._ask(what, send)

    def _ask(self, what: str, ask: Callable[[Salesforce], Answer]) -> Answer:
        """Ask the org; on an expired session log in anew and ask once more, never twice."""
        fresh = self._org is None
        org = self._org or self._log_in()
        try:
            return _translated(what, ask, org)
        except SalesforceExpiredSession:
            if fresh:
                raise CrmLoginError(f"{what}: Salesforce refused a new session") from None
        try:
            return _translated(what, ask, self._log_in())
        except SalesforceExpiredSession:
            raise CrmLoginError(f"{what}: Salesforce refused a new session") from None

    def _log_in(self) -> Salesforce:
        """Fetch a token and remember the org it opens.

        The token is handed to simple-salesforce as a finished session: given credentials, it
        would log in by itself, without bound when the session keeps being refused.
        """
        host = _LOCAL_HOST if self._loopback_port else self._login.host
        token, instance = fetch_token(self._session, self._login, host)
        self._org = Salesforce(
            session_id=token,
            instance=instance,
            session=self._session,
            version=API_VERSION,
            object_pairs_hook=dict,
        )
        return self._org


def connect(login: SalesforceLogin, patience: Patience | None = None) -> SalesforceCrm:
    """Return the org of `login`; nothing is contacted before the first call.

    Raises:
        CrmLoginError: the host is neither a My Domain host nor 127.0.0.1:PORT, or the login is
            incomplete.
    """
    if login.private_key_file and not login.username:
        raise CrmLoginError(
            f"{login.host}: a login by private key needs the user that it is for. "
            f"Set SALESFORCE_USERNAME."
        )
    if not login.private_key_file and not login.consumer_secret:
        raise CrmLoginError(
            f"{login.host}: the login lacks its secret. Set SALESFORCE_CONSUMER_SECRET, or "
            f"SALESFORCE_PRIVATE_KEY_FILE and SALESFORCE_USERNAME."
        )
    return SalesforceCrm(login, patience or Patience())


def _loopback_port(host: str) -> int | None:
    name, _, port = host.partition(":")
    if name == LOOPBACK and port.isdigit():
        return int(port)
    if port or not host.endswith(_SALESFORCE_HOST):
        raise CrmLoginError(
            f"{host!r} is no Salesforce host. Give the org's My Domain host, such as "
            f"acme.my.salesforce.com, or 127.0.0.1:PORT for the local org."
        )
    return None


def _translated(what: str, ask: Callable[[Salesforce], Answer], org: Salesforce) -> Answer:
    """Ask, and put library errors into our own words, which carry no bodies and no tokens."""
    try:
        return ask(org)
    except SalesforceExpiredSession:
        raise
    except SalesforceError as error:
        raise request_error(what, error.status, error.content) from None
    except requests.JSONDecodeError:
        raise CrmUnavailableError(f"{what}: Salesforce answered something else than JSON") from None
    except requests.RequestException as error:
        raise CrmUnavailableError(f"{what}: {told_by(error)}") from None


def _query_more(org: Salesforce, url: str) -> Any:
    return org.query_more(url, identifier_is_url=True)


def _page(what: str, page: Any) -> tuple[list[Record], str | None]:
    """Return a page's records, and where the next page is if there is one."""
    try:
        for record in page["records"]:
            del record["attributes"]
        # With its slash it stays a path, whatever it says: the token goes with it.
        next_url = None if page["done"] else "/" + page["nextRecordsUrl"].removeprefix("/")
        return page["records"], next_url
    except (KeyError, TypeError, AttributeError):
        raise CrmUnavailableError(f"{what}: Salesforce answered nothing usable") from None


def _check_size(rows: int) -> None:
    if not 0 < rows <= ROWS_PER_WRITE:
        raise ValueError(f"{rows} records in one write; it takes 1 to {ROWS_PER_WRITE}")


def _row_results(what: str, answer: Any, sent: Sequence[str | None]) -> list[RowResult]:
    """Read the answer row by row; `sent` are the ids of its records, None for new ones."""
    try:
        return [_row_result(row, record_id) for row, record_id in zip(answer, sent, strict=True)]
    except (AttributeError, TypeError, ValueError):
        raise CrmUnavailableError(
            f"{what}: {len(sent)} records sent, but the answer does not match them; which were "
            f"changed is not known"
        ) from None


def _row_result(row: dict[str, Any], sent: str | None) -> RowResult:
    named: str | None = row.get("id")
    if sent and named and short_id(named) != short_id(sent):
        raise ValueError("the answer is about another record")
    return RowResult(success=row.get("success") is True, id=named, errors=row_errors(row))


def _object_of(soql: str) -> str:
    words = soql.split()
    lowered = [word.lower() for word in words]
    return words[lowered.index("from") + 1] if "from" in lowered else "?"
