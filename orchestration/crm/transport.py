"""HTTP as the CRM adapters need it: timeouts, bounded retries, counted calls, loopback."""

import email.utils
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

LOOPBACK = "127.0.0.1"

#: Answers that say "not now": overload, maintenance, and Salesforce's 420 and 406 set-up pages.
RETRIED_STATUSES = frozenset({406, 420, 429, 500, 502, 503, 504})
_RETRIED_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
_LOGIN_PATH = "/services/oauth2/token"
_LONGEST_RETRY_AFTER = 60.0

#: `per-app-api-usage` may stand beside it.
_API_USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class JobPatience:
    """How long to wait for a bulk job, and how often to ask for it. Seconds.

    The first question comes after `first_wait` and what the job's rows need at
    `rows_per_second`, so that a job that runs as usual costs one.
    """

    first_wait: float = 1.0
    rows_per_second: float = 2_000.0
    growth: float = 1.5
    longest_wait: float = 30.0
    deadline: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for one answer and how often to ask again. Seconds."""

    connect_timeout: float = 10.0
    read_timeout: float = 120.0
    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 20.0
    jobs: JobPatience = JobPatience()


@dataclass
class Traffic:
    """What went over the wire: requests by kind, the server's clock, calls used of how many."""

    login: int = 0
    read: int = 0
    write: int = 0
    server_time: datetime | None = None
    api_usage: tuple[int, int] | None = None

    def note_request(self, request: requests.PreparedRequest) -> None:
        """Count a request just before it is sent."""
        if _is_login(request):
            self.login += 1
        elif request.method == "GET":
            self.read += 1
        else:
            self.write += 1

    def note_answer(self, response: requests.Response) -> None:
        """Remember the server's clock, and how much of the day's allowance is used."""
        stamp = response.headers.get("Date")
        if stamp:
            self.server_time = email.utils.parsedate_to_datetime(stamp)
        usage = _API_USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        if usage:
            self.api_usage = int(usage[1]), int(usage[2])


class Transport(HTTPAdapter):
    """Sends every request with a timeout, and the idempotent ones again where that may help.

    Reads, logins and updates by id (PATCH) can be repeated without harm. Creations cannot: an
    answer lost on the way back would make the record twice.
    """

    def __init__(
        self, patience: Patience, traffic: Traffic, loopback_port: int | None = None
    ) -> None:
        super().__init__()
        self.patience = patience
        self.traffic = traffic
        self.loopback_port = loopback_port
        self._backoff = wait_exponential(
            multiplier=patience.first_wait, max=patience.longest_wait
        ) + wait_random(0, patience.first_wait)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Send `request`, waiting and asking again within `patience`."""
        if self.loopback_port is not None:
            parts = urlsplit(request.url or "")
            query = f"?{parts.query}" if parts.query else ""
            request.url = f"http://{LOOPBACK}:{self.loopback_port}{parts.path}{query}"

        if not options.get("timeout"):
            options["timeout"] = (self.patience.connect_timeout, self.patience.read_timeout)

        def once() -> requests.Response:
            self.traffic.note_request(request)
            response = super(Transport, self).send(request, *args, **options)
            # Read here: a connection that breaks inside the body is worth asking again too.
            response.content  # noqa: B018
            self.traffic.note_answer(response)
            return response

        return self._again(once) if _is_idempotent(request) else once()

    def _again(self, once: Callable[[], requests.Response]) -> requests.Response:
        retrying = Retrying(
            retry=retry_if_exception_type(_RETRIED_ERRORS) | retry_if_result(_says_not_now),
            stop=stop_after_attempt(self.patience.attempts),
            wait=self._wait,
            retry_error_callback=_last_answer,
        )
        return retrying(once)

    def _wait(self, attempt: RetryCallState) -> float:
        return max(self._backoff(attempt), _retry_after(attempt))


class NoPlainHttp(HTTPAdapter):
    """Refuses plain http: tokens and people's data leave this machine only encrypted."""

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ARG002 - the signature that requests calls
        **options: Any,  # noqa: ARG002
    ) -> requests.Response:
        """Refuse, before anything is sent."""
        raise requests.exceptions.InvalidURL(
            f"refused plain http to {urlsplit(request.url or '').netloc}"
        )


def open_session(
    patience: Patience, traffic: Traffic, loopback_port: int | None
) -> requests.Session:
    """Return a session whose every request goes through a `Transport`.

    With `loopback_port` all of it goes to that port of 127.0.0.1, in plain http, whatever host
    the request names; without, plain http is refused.
    """
    session = requests.Session()
    session.mount("https://", Transport(patience, traffic, loopback_port))
    session.mount("http://", NoPlainHttp())
    if loopback_port is not None:
        session.trust_env = False  # no proxy stands between this machine and itself
    return session


def _is_login(request: requests.PreparedRequest) -> bool:
    return urlsplit(request.url or "").path == _LOGIN_PATH


def _is_idempotent(request: requests.PreparedRequest) -> bool:
    return request.method in ("GET", "PATCH") or _is_login(request)


def _says_not_now(response: requests.Response) -> bool:
    if response.status_code in RETRIED_STATUSES:
        return True
    # The daily limit and the concurrent one share a status and a code; only the latter passes.
    return response.status_code == 403 and b"ConcurrentPerOrgLongTxn" in response.content


def _retry_after(attempt: RetryCallState) -> float:
    if attempt.outcome is None or attempt.outcome.failed:
        return 0.0
    seconds = attempt.outcome.result().headers.get("Retry-After", "")
    return min(float(seconds), _LONGEST_RETRY_AFTER) if seconds.isdigit() else 0.0


def _last_answer(attempt: RetryCallState) -> requests.Response:
    if attempt.outcome is None:
        raise RuntimeError("a retry ended without an attempt")
    response: requests.Response = attempt.outcome.result()  # raises what the attempt raised
    return response
