"""HTTP as the CRM adapters need it: timeouts, bounded retries, counted calls, loopback."""

import email.utils
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)
from urllib3.exceptions import NewConnectionError

LOOPBACK = "127.0.0.1"

#: Answers of a server that did nothing: too busy, or still setting the org up (Salesforce's 420
#: and 406).
UNTOUCHED_STATUSES = frozenset({406, 420, 429})

#: Answers that may come from half way: what was sent may have been done. A gateway says 503, too,
#: when its connection breaks after it has passed the request on.
_UNCLEAR_STATUSES = frozenset({500, 502, 503, 504})
_LOST = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
LOGIN_PATH = "/services/oauth2/token"

#: A login's answer names its user: https://login.salesforce.com/id/<org>/<user>.
_IDENTITY = re.compile(r'"id"\s*:\s*"[^"]*/id/\w+/(\w+)"')
_JOB_PATH = re.compile(r"/jobs/ingest/\w+/?")
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
    """What went over the wire: requests by kind, the server's clock, calls used of how many.

    `user_id`: whom the latest login is for.
    """

    login: int = 0
    read: int = 0
    write: int = 0
    server_time: datetime | None = None
    api_usage: tuple[int, int] | None = None
    user_id: str = ""

    def note_request(self, request: requests.PreparedRequest) -> None:
        """Count a request just before it is sent."""
        if _is_login(request):
            self.login += 1
        elif request.method == "GET":
            self.read += 1
        else:
            self.write += 1

    def note_answer(self, response: requests.Response) -> None:
        """Remember the server's clock, who is logged in, how much of the allowance is used."""
        self.server_time = _moment(response.headers.get("Date", "")) or self.server_time
        usage = _API_USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        if usage:
            self.api_usage = int(usage[1]), int(usage[2])
        if _is_login(response.request):
            identity = _IDENTITY.search(response.text)
            self.user_id = identity[1] if identity else ""


class RedirectedError(requests.RequestException):
    """An answer points elsewhere. Nobody follows it: records and tokens would go there."""

    def __init__(self, response: requests.Response) -> None:
        try:
            host = urlsplit(urljoin(response.url, response.headers["Location"])).hostname
        except ValueError:
            host = None
        super().__init__(f"sent on to {host or 'no known host'}, which is not followed")


class Transport(HTTPAdapter):
    """Sends every request with a timeout, and again where that may help and can do no harm.

    Reads, logins and the state of a bulk job can be repeated whatever became of them. Writes are
    sent again only when the server surely did not take them: otherwise they might be made twice,
    and whoever sent them has to look what arrived.
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
            if response.is_redirect:
                raise RedirectedError(response)
            return response

        return self._until_answered(once, is_repeatable=_is_repeatable(request))

    def _until_answered(
        self, once: Callable[[], requests.Response], *, is_repeatable: bool
    ) -> requests.Response:
        if is_repeatable:
            retry = retry_if_exception(_is_lost) | retry_if_result(_passes)
        else:
            retry = retry_if_exception(_never_left) | retry_if_result(_did_nothing)
        retrying = Retrying(
            retry=retry,
            stop=stop_after_attempt(self.patience.attempts),
            wait=self._wait,
            retry_error_callback=_last_answer,
        )
        return retrying(once)

    def _wait(self, attempt: RetryCallState) -> float:
        return max(self._backoff(attempt), _retry_after(attempt))


class KeepAuthorization(AuthBase):
    """Leaves a request's credentials as they are; without it, ~/.netrc would replace them."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request."""
        return request


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
    session.auth = KeepAuthorization()
    session.mount("https://", Transport(patience, traffic, loopback_port))
    session.mount("http://", NoPlainHttp())
    if loopback_port is not None:
        session.trust_env = False  # no proxy stands between this machine and itself
    return session


def told_by(error: requests.RequestException) -> str:
    """Say why there is no answer, without what the error quotes of the request."""
    return (
        str(error) if isinstance(error, RedirectedError) else f"no answer ({type(error).__name__})"
    )


def _is_login(request: requests.PreparedRequest) -> bool:
    return urlsplit(request.url or "").path == LOGIN_PATH


def _is_repeatable(request: requests.PreparedRequest) -> bool:
    if request.method == "PATCH":
        return bool(_JOB_PATH.search(urlsplit(request.url or "").path))
    return request.method == "GET" or _is_login(request)


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, _LOST)


def _never_left(error: BaseException) -> bool:
    """Say whether no connection came about, so that the server cannot have seen the request."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectionError) and isinstance(reason, NewConnectionError)


def _did_nothing(response: requests.Response) -> bool:
    if response.status_code in UNTOUCHED_STATUSES:
        return True
    # The daily limit and the concurrent one share a status and a code; only the latter passes.
    return (
        response.status_code == 403
        and b"REQUEST_LIMIT_EXCEEDED" in response.content
        and b"Concurrent" in response.content
    )


def _passes(response: requests.Response) -> bool:
    return response.status_code in _UNCLEAR_STATUSES or _did_nothing(response)


def _retry_after(attempt: RetryCallState) -> float:
    """Return the seconds that the answer asks to wait, which it gives as such or as a time."""
    if attempt.outcome is None or attempt.outcome.failed:
        return 0.0
    asked: str = attempt.outcome.result().headers.get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), _LONGEST_RETRY_AFTER)
    until = _moment(asked)
    seconds = (until - datetime.now(UTC)).total_seconds() if until else 0.0
    return min(seconds, _LONGEST_RETRY_AFTER)


def _moment(stamp: str) -> datetime | None:
    """Return the time of a header in UTC; None where it tells none."""
    try:
        moment = email.utils.parsedate_to_datetime(stamp)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _last_answer(attempt: RetryCallState) -> requests.Response:
    if attempt.outcome is None:
        raise RuntimeError("a retry ended without an attempt")
    response: requests.Response = attempt.outcome.result()  # raises what the attempt raised
    return response
