"""Which address is answered by what."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from orchestration.local_org import (
    admin,
    admin_faults,
    admin_metadata,
    admin_rules,
    bulk_ingest,
    bulk_query,
    queries,
    service,
    sobject_collections,
    sobjects,
)
from orchestration.local_org.calls import Call, Reply

Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One address and method. `kind` is rest, open (no session needed), oauth or admin."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    kind: str
    is_write: bool


def match(method: str, raw_path: str) -> tuple[Route | None, dict[str, str], set[str]]:
    """Find the route: it, the decoded parts of the path, and the methods that would do.

    A slash at the end makes no difference, and %2F inside a value is no slash.
    """
    path = raw_path.rstrip("/") or "/"
    allowed: set[str] = set()
    for route in ROUTES:
        found = route.pattern.fullmatch(path)
        if not found:
            continue
        if route.method == method:
            return route, {name: unquote(part) for name, part in found.groupdict().items()}, allowed
        allowed.add(route.method)
    return None, {}, allowed


def _route(
    method: str, template: str, handler: Handler, kind: str, *, write: bool = False
) -> Route:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
    return Route(method, re.compile(pattern), handler, kind, write)


def _rest(method: str, template: str, handler: Handler, *, write: bool = False) -> Route:
    return _route(
        method, rf"/services/data/v(?P<version>\d+\.\d){template}", handler, "rest", write=write
    )


_RECORD = "/sobjects/{object}/{id}"
_BY_KEY = "/sobjects/{object}/{field}/{value}"
_COLLECTION = "/composite/sobjects"
_INGEST = "/jobs/ingest"
_EXTRACT = "/jobs/query"

ROUTES = (
    _rest("GET", "/query", queries.query),
    _rest("GET", "/queryAll", queries.query_all),
    _rest("GET", "/query/{locator}", queries.next_page),
    _rest("GET", "/queryAll/{locator}", queries.next_page),
    _rest("PATCH", _COLLECTION, sobject_collections.update, write=True),
    _rest("POST", _COLLECTION, sobject_collections.create, write=True),
    _rest("DELETE", _COLLECTION, sobject_collections.delete, write=True),
    _rest("GET", f"{_COLLECTION}/{{object}}", sobject_collections.retrieve),
    _rest("POST", f"{_COLLECTION}/{{object}}", sobject_collections.retrieve),
    _rest("GET", "/sobjects", sobjects.describe_global),
    _rest("GET", "/sobjects/{object}/describe", sobjects.describe_object),
    _rest("GET", "/sobjects/{object}", sobjects.basic_info),
    _rest("POST", "/sobjects/{object}", sobjects.create, write=True),
    _rest("GET", _RECORD, sobjects.retrieve),
    _rest("PATCH", _RECORD, sobjects.update, write=True),
    _rest("DELETE", _RECORD, sobjects.delete, write=True),
    _rest("PATCH", _BY_KEY, sobjects.upsert, write=True),
    _rest("POST", _INGEST, bulk_ingest.create, write=True),
    _rest("GET", _INGEST, bulk_ingest.list_jobs),
    _rest("GET", f"{_INGEST}/{{job}}", bulk_ingest.get),
    _rest("PATCH", f"{_INGEST}/{{job}}", bulk_ingest.set_state, write=True),
    _rest("DELETE", f"{_INGEST}/{{job}}", bulk_ingest.delete, write=True),
    _rest("PUT", f"{_INGEST}/{{job}}/batches", bulk_ingest.upload, write=True),
    _rest("GET", f"{_INGEST}/{{job}}/(?i:successfulResults)", bulk_ingest.successful_results),
    _rest("GET", f"{_INGEST}/{{job}}/(?i:failedResults)", bulk_ingest.failed_results),
    _rest("GET", f"{_INGEST}/{{job}}/(?i:unprocessedRecords)", bulk_ingest.unprocessed_records),
    _rest("POST", _EXTRACT, bulk_query.create),
    _rest("GET", _EXTRACT, bulk_query.list_jobs),
    _rest("GET", f"{_EXTRACT}/{{job}}", bulk_query.get),
    _rest("PATCH", f"{_EXTRACT}/{{job}}", bulk_query.abort),
    _rest("DELETE", f"{_EXTRACT}/{{job}}", bulk_query.delete),
    _rest("GET", f"{_EXTRACT}/{{job}}/results", bulk_query.results),
    _rest("GET", "/limits", service.limits),
    _rest("GET", "", service.resources),
    _route("GET", "/services/data", service.versions, "open"),
    _route("POST", "/services/oauth2/token", service.token, "oauth"),
    _route("GET", "/__admin/health", admin.health, "admin"),
    _route("GET", "/__admin/requests", admin.requests, "admin"),
    _route("GET", "/__admin/requests/summary", admin.summary, "admin"),
    _route("DELETE", "/__admin/requests", admin.clear_requests, "admin"),
    _route("POST", "/__admin/sessions/expire", admin.expire_sessions, "admin"),
    _route("POST", "/__admin/apps", admin.register_app, "admin"),
    _route("PUT", "/__admin/hidden-fields", admin.hide_fields, "admin"),
    _route("GET", "/__admin/records/{object}", admin.dump, "admin"),
    _route("PATCH", "/__admin/records/{object}/{id}", admin.set_fields, "admin"),
    _route("POST", "/__admin/faults", admin_faults.add_faults, "admin"),
    _route("GET", "/__admin/faults", admin_faults.list_faults, "admin"),
    _route("DELETE", "/__admin/faults", admin_faults.clear_faults, "admin"),
    _route("POST", "/__admin/jobs/{job}/resume", admin_faults.resume_job, "admin"),
    _route("GET", "/__admin/writes", admin_faults.writes, "admin"),
    _route("GET", "/__admin/writes/summary", admin_faults.writes_summary, "admin"),
    _route("DELETE", "/__admin/writes", admin_faults.clear_writes, "admin"),
    _route("GET", "/__admin/rules", admin_rules.get, "admin"),
    _route("PUT", "/__admin/rules", admin_rules.replace, "admin"),
    _route("PATCH", "/__admin/rules", admin_rules.change, "admin"),
    _route("POST", "/__admin/deploy", admin_metadata.deploy, "admin"),
    _route("POST", "/__admin/assign", admin_metadata.assign, "admin"),
    _route("GET", "/__admin/metadata", admin_metadata.get, "admin"),
    _route("GET", "/__admin/state", admin.state, "admin"),
    _route("POST", "/__admin/reset", admin.reset, "admin"),
)
