"""A bucket for tests: moto's S3 server behind a wire that notes each request and can fail."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from botocore.session import Session
from moto.server import ThreadedMotoServer

from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.limits import Limits
from orchestration.landing.load import load
from orchestration.landing.place import Place, place_of
from orchestration.landing.report import LoadReport
from tests.landing.folder import Folder

KEY, SECRET = "AKIAKEYOFATEST", "hush-hush"
#: Nothing of the machine that the tests run on must be found, and nothing waits.
VARIABLES = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
}
ELSEWHERE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION")


@dataclass
class Wire:
    """What goes on between us and the store.

    `refusals` are error codes by part of a path. Each of `cuts` breaks the body of one object off
    after so many bytes. `meanwhile` is called before each request for an object is passed on.
    """

    url: str = ""
    asked: list[str] = field(default_factory=list)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    meanwhile: Callable[[], object] = field(default=lambda: None)

    def asked_since(self, count: int) -> list[str]:
        """Return method and path of the requests behind the first `count`."""
        return [each.partition("?")[0] for each in self.asked[count:]]


@dataclass(frozen=True)
class Store:
    """A prefix of a bucket, and the warehouse that it is loaded into."""

    url: BucketUrl
    client: Any
    wire: Wire
    tables: Folder

    def put(self, file: str, content: bytes | str, **headers: str) -> None:
        """Write an object below the prefix."""
        body = content.encode() if isinstance(content, str) else content
        key = self.url.key_prefix + file
        self.client.put_object(Bucket=self.url.bucket, Key=key, Body=body, **headers)

    def delete(self, file: str) -> None:
        """Delete an object below the prefix."""
        self.client.delete_object(Bucket=self.url.bucket, Key=self.url.key_prefix + file)

    def load(self, **limits: Any) -> LoadReport:
        """Take in what is new."""
        return load(self.tables.warehouse, self.url, limits=Limits(**limits))

    def place(self) -> Place:
        """Return where the objects lie, as a load or the sensor sees it."""
        return place_of(self.url, self.tables.warehouse.path.parent)

    def spooled(self) -> list[str]:
        """Return what is left of the spool."""
        return [path.name for path in self.tables.warehouse.path.parent.glob("spool/*")]


@dataclass(frozen=True)
class S3:
    """A server of objects, and a client of it."""

    address: str
    client: Any


@contextmanager
def moto() -> Iterator[S3]:
    """Serve S3 on a free port of this machine."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        client = Session().create_client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        yield S3(address, client)
    finally:
        server.stop()


@contextmanager
def wired(store: str) -> Iterator[Wire]:
    """Pass requests on to a store, and its answers back."""
    wire = Wire()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wire.asked.append(f"{self.command} {self.path}")
            for part, (status, code) in wire.refusals.items():
                if part in self.path:
                    self._send(status, {}, _refusal(code))
                    return
            if "list-type" not in self.path:
                wire.meanwhile()
            there = HTTPConnection(store.removeprefix("http://"))
            there.request("GET", self.path, headers=dict(self.headers))
            answer = there.getresponse()
            body = answer.read()
            is_object = answer.status in {200, 206} and "list-type" not in self.path
            cut = wire.cuts.pop(0) if is_object and wire.cuts else None
            self._send(answer.status, dict(answer.headers), body, cut)
            there.close()

        def _send(
            self, status: int, headers: dict[str, str], body: bytes, cut: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in {"content-length", "connection", "server", "date"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:cut])

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    wire.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _refusal(code: str) -> bytes:
    """Return an error as S3 words it: with the key that was used."""
    text = f"<Code>{code}</Code><Message>No, {KEY}</Message><AWSAccessKeyId>{KEY}</AWSAccessKeyId>"
    return f"<?xml version='1.0'?><Error>{text}</Error>".encode()
