"""An HTTP server that answers what a test scripted: the faults that a healthy org never shows."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from orchestration.crm.salesforce import SalesforceCrm, connect
from orchestration.crm.transport import Patience
from orchestration.settings import SalesforceLogin

TOKEN_PATH = "/services/oauth2/token"
RESET = "reset"


@dataclass(frozen=True)
class Answer:
    """One scripted answer; `body` is sent as JSON, or as it is when it is text or bytes."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Script:
    """The answers to come, in order, and the requests so far; tokens are granted unless `token`.

    What `standing` knows an answer to takes none of `answers`.
    """

    port: int = 0
    answers: list[Answer | str] = field(default_factory=list)
    standing: Callable[[Asked], Answer | None] = field(default=lambda _: None)
    asked: list[Asked] = field(default_factory=list)
    token: Answer | None = None

    def crm(self, patience: Patience) -> SalesforceCrm:
        """Return a new client of this org."""
        return connect(SalesforceLogin(f"127.0.0.1:{self.port}", "key", "secret"), patience)

    def paths(self) -> list[str]:
        """Return the paths asked for, logins left out."""
        return [each.path for each in self.asked if each.path != TOKEN_PATH]


@contextmanager
def scripted_org() -> Iterator[Script]:
    """Serve a script on a free port."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            if self.path == TOKEN_PATH:
                url = f"http://127.0.0.1:{script.port}"
                token = f"token-{len(script.asked)}"
                granted = Answer(200, {"access_token": token, "instance_url": url})
                self._send(script.token or granted)
                return
            answer = script.standing(script.asked[-1]) or script.answers.pop(0)
            if isinstance(answer, Answer):
                self._send(answer)
            else:
                self.close_connection = True
                self.connection.close()

        # The names that http.server calls.
        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

        def _send(self, answer: Answer) -> None:
            time.sleep(answer.delay)
            body = answer.body
            if not isinstance(body, bytes):
                body = (body if isinstance(body, str) else json.dumps(body)).encode()
            if "Date" in answer.headers:  # send_response would add a good one
                self.send_response_only(answer.status)
            else:
                self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have stopped waiting
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
