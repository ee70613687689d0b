"""`python -m orchestration.local_org`: one org in the foreground, until it is told to stop."""

import argparse
import fcntl
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import orjson

from orchestration.local_org.org import Org, OrgSettings
from orchestration.local_org.seed import SeedError

HOST = "127.0.0.1"
RECORD = "org.json"


def main(arguments: list[str] | None = None) -> int:
    """Serve an org; returns the exit status (2: it could not start, the reason is on stderr)."""
    options = _parser().parse_args(arguments)
    try:
        held = _hold(options.db)
        listener = _bind(options.port)
        settings = OrgSettings(
            options.page_size, options.api_limit, options.session_seconds, options.bare
        )
        org = Org.open(options.db, seed_folder=options.seed, settings=settings)
    except (OSError, SeedError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    # uvicorn passes the signal on once it has finished: leave the way that tidies up.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    port = listener.getsockname()[1]
    listener.listen(128)
    record = options.db.with_name(RECORD)
    _announce(record, port)
    sys.stdout.write(f"Local org at http://{HOST}:{port}, kept in {options.db}\n")
    sys.stdout.flush()
    try:
        _serve(org, listener)
    finally:
        org.store.close()
        record.unlink(missing_ok=True)
        held.close()
    return 0


def _serve(org: Org, listener: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415 - argument errors and help should not wait for it

    from orchestration.local_org.app import build_app  # noqa: PLC0415

    config = uvicorn.Config(
        build_app(org),
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=128 * 1024,
    )
    server = uvicorn.Server(config)
    org.connections.protocols = server.server_state.connections
    server.run(sockets=[listener])


def _hold(database: Path) -> IO[str]:
    """Take the file for this process alone, until it ends in whatever way."""
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_name(f"{database.name}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise OSError(
            f"{database} is in use by another local org. Stop that one, or give another --db."
        ) from error
    return lock


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"port {port} on {HOST} is taken by another program ({error.strerror}). "
            f"Stop that program, or choose another port with --port (TOUCHLINE_ORG_PORT)."
        ) from error
    return listener


def _announce(record: Path, port: int) -> None:
    draft = record.with_name(f".{record.name}.draft")
    content = {
        "pid": os.getpid(),
        "port": port,
        "url": f"http://{HOST}:{port}",
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    draft.write_bytes(orjson.dumps(content))
    draft.replace(record)


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65_536:
        raise argparse.ArgumentTypeError(f"{text} is no port; give a number from 0 to 65535")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestration.local_org", description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="the org's SQLite file")
    parser.add_argument("--port", type=_port, default=8466, help="0 takes any free port")
    parser.add_argument("--seed", type=Path, help="folder of <Object>.ndjson files for a new org")
    parser.add_argument("--page-size", type=int, default=2000, help="records per query page")
    parser.add_argument("--api-limit", type=int, default=100_000, help="API calls in 24 hours")
    parser.add_argument("--session-seconds", type=float, default=7200.0, help="life of a session")
    parser.add_argument("--bare", action="store_true", help="a new org lacks Touchline's fields")
    return parser


if __name__ == "__main__":
    sys.exit(main())
