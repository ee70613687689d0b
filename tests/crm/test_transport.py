"""What is sent again and what is not: nothing that might be written twice (K4, K7)."""

import dataclasses
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from tenacity import RetryCallState, Retrying

from orchestration.crm.client import CallCounts, CrmUnavailableError
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.transport import Patience, Traffic, Transport, open_session
from tests.crm.live_org import ANN, IMPATIENT
from tests.crm.scripted_org import RESET, Answer, Script, scripted_org

NO_ROWS = {"totalSize": 0, "done": True, "records": []}
SAVED = [{"id": ANN, "success": True, "errors": []}]
LONG_TRANSACTIONS = [
    {
        "errorCode": "REQUEST_LIMIT_EXCEEDED",
        "message": "ConcurrentPerOrgLongTxn Limit exceeded.",
    }
]
HASTY = dataclasses.replace(IMPATIENT, read_timeout=0.25)
SLOW = Answer(200, SAVED, delay=0.5)

WRITES: dict[str, Callable[[SalesforceCrm], object]] = {
    "update": lambda crm: crm.update_many("Contact", [{"Id": ANN, "Title": "CTO"}]),
    "create": lambda crm: crm.create_many("Task", [{"Subject": "Follow up"}]),
    "delete": lambda crm: crm.delete_many("Task", [ANN]),
    "open": lambda crm: crm.jobs.open("Contact", "update"),
    "upload": lambda crm: crm.jobs.upload("750A", [{"Id": ANN}]),
}


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_org() as running:
        yield running


@pytest.mark.parametrize(
    "fault", [RESET, SLOW, *(Answer(status, "<html>") for status in (500, 502, 503, 504))]
)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_k4_a_write_whose_fate_is_unknown_is_never_sent_again(
    script: Script, write: Callable[[SalesforceCrm], object], fault: Answer | str
) -> None:
    script.answers = [fault, Answer(200, SAVED)]
    crm = script.crm(HASTY)
    with pytest.raises(CrmUnavailableError):
        write(crm)
    assert crm.calls == CallCounts(login=1, read=0, write=1)


@pytest.mark.parametrize(
    "fault",
    [
        *(Answer(status, "<html>We are setting things up") for status in (406, 420, 429)),
        Answer(403, LONG_TRANSACTIONS),
    ],
)
@pytest.mark.parametrize("name", ["update", "create", "delete"])
def test_k7_a_write_that_the_server_did_not_take_is_sent_again(
    script: Script, name: str, fault: Answer
) -> None:
    script.answers = [fault, Answer(200, SAVED)]
    crm = script.crm(IMPATIENT)
    WRITES[name](crm)
    assert crm.calls == CallCounts(login=1, read=0, write=2)


@pytest.mark.parametrize(
    "fault", [RESET, SLOW, Answer(500, "<html>"), Answer(502, ""), Answer(504, ""), Answer(503, "")]
)
def test_k7_a_read_is_asked_again_whatever_became_of_it(
    script: Script, fault: Answer | str
) -> None:
    script.answers = [fault, Answer(200, NO_ROWS)]
    crm = script.crm(HASTY)
    list(crm.query("select Id from Contact"))
    assert crm.calls == CallCounts(login=1, read=2, write=0)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_k7_a_connection_that_never_came_about_is_tried_again(method: str) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        traffic = Traffic()
        session = open_session(IMPATIENT, traffic, unheard.getsockname()[1])
        with pytest.raises(requests.ConnectionError):
            session.request(method, "https://acme.my.salesforce.com/services/data")
    assert traffic.read + traffic.write == IMPATIENT.attempts


def test_k7_a_server_that_stays_busy_is_not_asked_forever(script: Script) -> None:
    script.answers = [Answer(429, "secret page")] * (IMPATIENT.attempts + 1)
    crm = script.crm(IMPATIENT)
    with pytest.raises(CrmUnavailableError, match="429, to every attempt") as caught:
        WRITES["update"](crm)
    assert crm.calls.write == IMPATIENT.attempts
    assert "secret" not in str(caught.value)


def test_k7_the_state_of_a_job_is_sent_again(script: Script) -> None:
    job = {"id": "750A", "state": "UploadComplete"}
    script.answers = [RESET, Answer(502, ""), Answer(200, job)]
    crm = script.crm(IMPATIENT)
    crm.jobs.start("750A")
    assert crm.calls == CallCounts(login=1, read=0, write=3)


@pytest.mark.parametrize("as_time", [False, True], ids=["seconds", "time"])
def test_k7_the_server_says_how_long_to_wait(script: Script, *, as_time: bool) -> None:
    # A time has whole seconds: one that is up to two ahead is at least one ahead.
    until = datetime.now(UTC) + timedelta(seconds=2)
    asked = format_datetime(until, usegmt=True) if as_time else "1"
    script.answers = [Answer(429, [], {"Retry-After": asked}), Answer(200, SAVED)]
    started = time.monotonic()
    WRITES["update"](script.crm(IMPATIENT))
    assert time.monotonic() - started > 0.9


@pytest.mark.parametrize("header", ["Date", "Retry-After"])
@pytest.mark.parametrize("text", ["yesterday", "\u00b2", "", "Mon, 01 Jan 0001 00:00:00 +1400"])
def test_k7_a_time_that_cannot_be_read_is_none(script: Script, header: str, text: str) -> None:
    script.answers = [Answer(429, [], {header: text}), Answer(200, SAVED)]
    crm = script.crm(IMPATIENT)
    WRITES["update"](crm)
    assert crm.calls.write == 2


@pytest.mark.parametrize(
    ("ask", "status"),
    [("update", 302), ("create", 303), ("delete", 307), ("upload", 308), ("read", 301)],
)
def test_nothing_is_sent_on_to_where_an_answer_points(
    script: Script, ask: str, status: int
) -> None:
    script.answers = [Answer(status, "", {"Location": "https://evil.example/x?token=secret"})]
    crm = script.crm(IMPATIENT)
    with pytest.raises(CrmUnavailableError, match=r"sent on to evil\.example") as caught:
        (WRITES | {"read": lambda crm: crm.limits()})[ask](crm)
    assert len(script.paths()) == 1
    assert "secret" not in str(caught.value)


def test_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine acme.my.salesforce.com login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    session = open_session(IMPATIENT, Traffic(), None)
    token = {"Authorization": "Bearer token"}
    asked = requests.Request("GET", "https://acme.my.salesforce.com/", headers=token)
    assert session.prepare_request(asked).headers["Authorization"] == "Bearer token"


def test_waits_grow_and_differ() -> None:
    transport = Transport(Patience(first_wait=1, longest_wait=8), Traffic())
    for number, shortest in enumerate([1, 2, 4, 8, 8, 8], start=1):
        attempt = RetryCallState(Retrying(), None, (), {})
        attempt.attempt_number = number
        waits = {transport._wait(attempt) for _ in range(20)}
        assert len(waits) > 1
        assert shortest <= min(waits) <= max(waits) <= shortest + 1
