"""What faults do to a request: before it is worked on, and once its work is kept."""

import re
import time
from collections.abc import Sequence
from typing import Any

import orjson

from orchestration.local_org import auth, bulk_jobs, identifiers
from orchestration.local_org.calls import Call, Reply
from orchestration.local_org.errors import ApiError
from orchestration.local_org.faults import Asked, Fault
from orchestration.local_org.routes import Route

_VERSION = re.compile(r"/services/data/v\d+\.\d")
_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
_PAGE = b"<html><title>Maintenance</title><body>We are setting things up.</body></html>"
_LIMITS = {
    "daily": "TotalRequests Limit exceeded.",
    "concurrent": "ConcurrentPerOrgLongTxn Limit exceeded.",
}


class HangUp(Exception):  # noqa: N818 - an order, not an error
    """Close the connection without an answer."""


def asked(call: Call, route: Route, raw_path: str) -> Asked:
    """Return what faults may know of a request."""
    path = _VERSION.sub("", raw_path, count=1).rstrip("/") or "/"
    is_upload_complete = "job" in call.path and bulk_jobs.UPLOADED.encode() in call.body
    is_start = (call.method == "PATCH" and is_upload_complete) or (
        call.method == "POST" and path == "/jobs/query"
    )
    return Asked(
        method=call.method,
        path=path,
        object=_object(call, path) if call.org.faults.want_objects else None,
        writes_rows=route.is_write and "/jobs/" not in path,
        starts_job=is_start,
    )


def before(call: Call, fired: Sequence[Fault]) -> Reply | None:
    """Let faults act before the request is worked on; an answer of theirs ends it.

    Raises:
        ApiError: the answer is an error of Salesforce's making.
        HangUp: there is no answer.
    """
    for fault in fired:
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        elif fault.kind == "drop_before":
            raise HangUp
        elif fault.kind == "expire_session":
            with call.org.store.writing() as connection:
                auth.expire_sessions(connection)
        elif fault.kind == "limit_exceeded":
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", _LIMITS[fault.limit])
        elif answer := _answer(fault):
            return answer
    return None


def after(fired: Sequence[Fault], reply: Reply) -> Reply:
    """Let faults act on the answer of a request whose work is done and kept.

    Raises:
        HangUp: there is no answer.
    """
    for fault in fired:
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        elif fault.kind == "drop_after":
            raise HangUp
        elif answer := _answer(fault):
            return answer
    return reply


def _answer(fault: Fault) -> Reply | None:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    page_headers = {**headers, "Content-Type": "text/html;charset=UTF-8"}
    if fault.kind == "html_page":
        return Reply(fault.status, raw=_PAGE, headers=page_headers)
    if fault.kind != "status":
        return None
    if fault.status in {420, 502, 504}:  # from what stands before Salesforce: no JSON
        return Reply(fault.status, raw=_PAGE, headers=page_headers)
    content = ApiError(fault.status, _code(fault.status), fault.message).body()
    return Reply(fault.status, content, headers)


def _code(status: int) -> str:
    codes = {429: "REQUEST_RATE_LIMITED", 503: "SERVER_UNAVAILABLE", 406: "NOT_ACCEPTABLE"}
    return codes.get(status, "UNKNOWN_EXCEPTION")


def _object(call: Call, path: str) -> str | None:
    if "object" in call.path:
        return call.path["object"]
    if "job" in call.path:
        with call.org.store.reading() as connection:
            job = bulk_jobs.find(connection, call.path["job"])
        return job.object if job else None
    if path.lower().startswith("/query") and (found := _FROM.search(call.query.get("q", ""))):
        return found.group(1)
    if ids := call.query.get("ids"):
        sobject = call.org.schema.by_prefix.get((identifiers.canonical(ids[:18]) or "")[:3])
        return sobject.name if sobject else None
    return _object_in_body(call.body)


def _object_in_body(body: bytes) -> str | None:
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None  # the request itself will say so
    if not isinstance(data, dict):
        return None
    records = data.get("records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        attributes = records[0].get("attributes")
        data = {"object": attributes.get("type") if isinstance(attributes, dict) else None}
    if found := _FROM.search(str(data.get("query", ""))):
        return found.group(1)
    name = data.get("object")
    return name if isinstance(name, str) else None
