"""Fixtures of the local org: one real process for the session, a known state for each test."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from orchestration.local_org import process
from orchestration.local_org.process import OrgProcess
from tests.local_org.caller import TEAM, Caller, write_seed


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrgProcess]:
    directory = tmp_path_factory.mktemp("org")
    yield process.start(directory, 0)
    process.stop(directory)


@pytest.fixture(scope="session")
def seed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_seed(tmp_path_factory.mktemp("seed"), TEAM)


@pytest.fixture(scope="session")
def client(running: OrgProcess) -> Iterator[httpx.Client]:
    """One connection for all tests: making a client costs more than most tests."""
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        yield client


@pytest.fixture
def org(running: OrgProcess, client: httpx.Client, seed_folder: Path) -> Caller:
    """An org that holds the team, and a caller signed in to it."""
    return Caller(client, running.url).begin(seed_folder)
