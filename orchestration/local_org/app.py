"""The ASGI application: reads a request, signs the caller in, answers, and writes the log."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote_plus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from orchestration.local_org import auth, bulk_worker, faulted, request_log, routes, service
from orchestration.local_org.calls import Call, Reply, http_date, not_found
from orchestration.local_org.errors import ApiError, OAuthError
from orchestration.local_org.faulted import HangUp
from orchestration.local_org.faults import Fault
from orchestration.local_org.org import Org
from orchestration.local_org.request_log import Entry
from orchestration.local_org.routes import Route

CONTENT_TYPE = "application/json;charset=UTF-8"
#: What the log says of a request whose connection was closed on purpose.
NO_ANSWER = 0
MAX_ADDRESS_BYTES = 16_384
#: What the body of a REST call is: the only PUT uploads the data of a job.
_MEDIA_TYPES = {"POST": "application/json", "PATCH": "application/json", "PUT": "text/csv"}
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"]


def build_app(org: Org) -> Starlette:
    """Return the application of an open org, and let it go on with its unfinished jobs."""
    bulk_worker.resume(org)

    async def endpoint(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            # Half a request is none: nothing is done, and nobody waits for an answer.
            return Response()
        exchange = _Exchange(org, request, body)
        response = await run_in_threadpool(exchange.answer)
        if exchange.hangs_up and org.connections.cut(request.scope["client"]):
            # The server would answer for us before it notices.
            while not await request.is_disconnected():
                await asyncio.sleep(0.001)
        return response

    return Starlette(
        routes=[StarletteRoute("/{path:path}", endpoint, methods=_METHODS)],
        exception_handlers={Exception: _unexpected},
    )


async def _unexpected(_request: Request, _error: Exception) -> Response:
    """Answer a fault of our own; the traceback goes to the org's log file."""
    fault = ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred; see the org's log")
    return Response(Reply(500, fault.body()).body(), 500, media_type=CONTENT_TYPE)


class _Exchange:
    """One request from its arrival to its line in the log."""

    def __init__(self, org: Org, request: Request, body: bytes) -> None:
        self._org = org
        self._started = time.perf_counter()
        self._at = datetime.now(UTC)
        self._method = request.method
        self._raw_path = request.scope["raw_path"].decode("ascii", errors="replace").split("?")[0]
        self._raw_query = request.scope["query_string"].decode("ascii", errors="replace")
        self._header_bytes = sum(len(name) + len(value) for name, value in request.headers.raw)
        host, port = request.scope["server"]
        self._call = Call(
            org=org,
            method=request.method,
            query=dict(parse_qsl(self._raw_query, keep_blank_values=True)),
            headers=request.headers,
            body=body,
            instance_url=f"http://{host}:{port}",
            request_id=next(org.request_ids),
        )
        self._route: Route | None = None
        self._is_api_call = False
        self._fired: tuple[Fault, ...] = ()
        self.hangs_up = False

    def answer(self) -> Response:
        reply = Reply(500)
        try:
            reply = self._reply()
        except ApiError as error:
            reply = Reply(error.status, error.body(), self._error_headers(error))
        except OAuthError as error:
            content = {"error": error.error, "error_description": error.description}
            reply = Reply(error.status, content)
        except HangUp:
            self.hangs_up = True
            reply = Reply(NO_ANSWER)
        finally:
            self._log(reply)
        if self.hangs_up:
            return Response()
        return Response(reply.body(), reply.status, headers=self._headers(reply.headers))

    def _reply(self) -> Reply:
        self._route, path, allowed = routes.match(self._method, self._raw_path)
        if len(self._raw_path) + len(self._raw_query) + self._header_bytes > MAX_ADDRESS_BYTES:
            raise ApiError(414, "URI_TOO_LONG", "URI and headers exceed 16,384 bytes")
        if self._route is None:
            if allowed:
                names = ",".join(sorted(allowed))
                message = f"HTTP Method '{self._method}' not allowed. Allowed are {names}"
                raise ApiError(405, "METHOD_NOT_ALLOWED", message)
            raise not_found()
        call = replace(self._call, path=path)
        if self._route.kind == "admin" or not self._org.faults:
            return self._worked_on(call, self._route)
        return self._with_faults(call, self._route)

    def _with_faults(self, call: Call, route: Route) -> Reply:
        faults = self._org.faults
        request = faulted.asked(call, route, self._raw_path)
        self._fired = faults.fired_by(request, is_done=False)
        answer = faulted.before(call, self._fired)
        if answer is not None:
            return answer
        reply = self._worked_on(replace(call, faults=self._fired), route)
        if reply.status // 100 != 2:
            return reply
        late = faults.fired_by(request, is_done=True)
        self._fired += late
        return faulted.after(late, reply)

    def _worked_on(self, call: Call, route: Route) -> Reply:
        if route.kind == "rest":
            call = self._signed_in(call)
        elif route.kind == "admin" and "origin" in self._call.headers:
            # A web page that somebody visits must not reach into the org.
            raise ApiError(403, "FORBIDDEN", "Admin calls are not for browsers")
        return route.handler(call)

    def _signed_in(self, call: Call) -> Call:
        with self._org.store.reading() as connection:
            user_id = auth.session_user(connection, call.headers.get("authorization", ""))
        self._is_api_call = True
        used = self._org.usage.count()
        if used > self._org.usage.limit and not self._raw_path.rstrip("/").endswith("/limits"):
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        version = call.path["version"]
        service.check_version(version)
        if call.method in _MEDIA_TYPES:
            call.check_media_type(_MEDIA_TYPES[call.method])
        return replace(call, base=f"/services/data/v{version}", user_id=user_id)

    def _headers(self, extra: Mapping[str, str]) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPE, "Date": http_date(self._org.now()), **extra}
        if self._is_api_call:
            usage = self._org.usage
            headers["Sforce-Limit-Info"] = f"api-usage={usage.used()}/{usage.limit}"
        return headers

    def _error_headers(self, error: ApiError) -> dict[str, str]:
        if error.status != 401:
            return {}
        return {"WWW-Authenticate": 'Token realm="local org"'}

    def _log(self, reply: Reply) -> None:
        kind = self._kind()
        entry = Entry(
            at=self._at.isoformat(timespec="milliseconds"),
            method=self._method,
            path=self._raw_path,
            # A client may have put its secret there by mistake.
            query="" if kind == "oauth" else unquote_plus(self._raw_query),
            kind=kind,
            is_api_call=self._is_api_call,
            status=reply.status,
            records=reply.records,
            failed_records=reply.failed,
            is_write=self._route is not None and self._route.is_write,
            duration_ms=round((time.perf_counter() - self._started) * 1000, 3),
            fault=",".join(each.kind for each in self._fired),
            request_id=self._call.request_id,
        )
        with self._org.store.writing() as connection:
            request_log.write(connection, entry)

    def _kind(self) -> str:
        if self._raw_path.startswith("/__admin"):
            return "admin"
        return "oauth" if self._raw_path.startswith("/services/oauth2") else "rest"
