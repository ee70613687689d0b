"""The org's process: started once, found again, stopped; and told apart from strangers."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from orchestration.local_org import process
from orchestration.local_org.process import OrgProcess, OrgProcessError
from tests.local_org.caller import TEAM, Caller, write_seed


def count_contacts(url: str) -> int:
    state = httpx.get(f"{url}/__admin/state", trust_env=False).json()
    return int(state["Contact"]["count"])


def test_start_find_stop_and_start_again(tmp_path: Path) -> None:
    directory, seed = tmp_path / "org", write_seed(tmp_path / "seed", TEAM)
    assert process.find(directory) is None
    assert process.stop(directory) is False
    started = process.start(directory, 0, seed)
    try:
        assert process.find(directory) == started
        assert process.start(directory, 0, seed) == started
        record = json.loads((directory / "org.json").read_text(encoding="utf-8"))
        assert record == {
            "pid": started.pid,
            "port": started.port,
            "url": f"http://127.0.0.1:{started.port}",
            "started_at": started.started_at,
        }
        assert count_contacts(started.url) == 4
    finally:
        assert process.stop(directory) is True
    assert not psutil.pid_exists(started.pid)
    assert process.find(directory) is None
    assert not (directory / "org.json").exists()
    with_other_seed = process.start(directory, 0, tmp_path / "nowhere")
    try:
        assert count_contacts(with_other_seed.url) == 4, "an org keeps what it holds"
        emptied = process.reset(directory, 0)
        assert count_contacts(emptied.url) == 0
    finally:
        process.stop(directory)


def test_starting_twice_at_once_gives_one_org(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: process.start(tmp_path, 0), range(2))
    process.stop(tmp_path)
    assert first == second


def test_a_taken_port_is_said_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(OrgProcessError, match=f"port {port} on 127.0.0.1 is taken .* choose"):
            process.start(tmp_path, port)
    assert process.find(tmp_path) is None


def test_a_file_has_one_org_at_a_time(running: OrgProcess) -> None:
    record = (running.directory / "org.json").read_bytes()
    command = [sys.executable, "-m", "orchestration.local_org", "--port", "0"]
    second = subprocess.run(
        [*command, "--db", running.database],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 2
    assert "org.db is in use by another local org. Stop that one" in second.stderr
    assert (running.directory / "org.json").read_bytes() == record


def test_a_bad_seed_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "Contact.ndjson").write_text("{", encoding="utf-8")
    with pytest.raises(OrgProcessError, match=r"Contact\.ndjson, line 1"):
        process.start(tmp_path / "org", 0, tmp_path)


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 - 1], ids=["somebody_elses", "nobodys"])
def test_a_stale_record_counts_as_none(tmp_path: Path, pid: int) -> None:
    record = {"pid": pid, "port": 1, "url": "http://127.0.0.1:1", "started_at": "2026"}
    (tmp_path / "org.json").write_text(json.dumps(record), encoding="utf-8")
    assert process.find(tmp_path) is None
    assert process.stop(tmp_path) is False
    assert psutil.pid_exists(os.getpid())


def test_a_record_cut_short_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "org.json").write_text('{"pid": 1', encoding="utf-8")
    assert process.find(tmp_path) is None


def test_a_killed_org_keeps_what_it_answered(tmp_path: Path) -> None:
    seed = write_seed(tmp_path / "seed", TEAM)
    first = process.start(tmp_path / "org", 0, seed)
    with httpx.Client(base_url=first.url, trust_env=False) as client:
        caller = Caller(client, first.url)
        caller.sign_in()
        (made,) = caller.create("Contact", {"LastName": "Kept"})
    victim = psutil.Process(first.pid)
    victim.kill()
    victim.wait(5)
    second = process.start(tmp_path / "org", 0)
    with httpx.Client(base_url=second.url, trust_env=False) as client:
        caller = Caller(client, second.url)
        caller.sign_in()
        assert caller.ids("select Id from Contact where LastName = 'Kept'") == [made["id"]]
    process.stop(tmp_path / "org")


def test_an_api_limit_stops_calls_but_not_limits(tmp_path: Path) -> None:
    started = process.start(tmp_path, 0, api_limit=2, page_size=3)
    with httpx.Client(base_url=started.url, trust_env=False) as client:
        caller = Caller(client, started.url)
        caller.sign_in()
        caller.get("/sobjects")
        caller.get("/sobjects")
        reply = caller.get("/sobjects")
        assert reply.status_code == 403
        assert reply.json() == [
            {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
        ]
        assert caller.get("/limits").json()["DailyApiRequests"]["Remaining"] == 0
    process.stop(tmp_path)
