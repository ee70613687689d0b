"""Fixtures of the landing room: an empty landing folder, or bucket, beside an empty warehouse."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.reasons import REMEDIES, SKIPPED
from orchestration.warehouse import Warehouse
from tests.held_warehouse import held_warehouse
from tests.landing.folder import Folder
from tests.landing.stored import ELSEWHERE, S3, VARIABLES, Store, moto, wired


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """An empty one; whatever reasons a test brings about, people are told what to do about them."""
    plain = Folder.at(tmp_path)
    with held_warehouse(plain.warehouse.path) as warehouse:
        folder = replace(plain, warehouse=warehouse)
        yield folder
        assert folder.reasons("rejects") <= REMEDIES.keys()
        assert folder.reasons("skipped") <= SKIPPED.keys()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 server on this machine."""
    with moto() as server:
        yield server


@pytest.fixture
def store(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Store]:
    """The prefix `landing`, or another one, of a bucket that is empty."""
    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    url = BucketUrl(f"bucket-{uuid.uuid4().hex[:12]}", getattr(request, "param", "landing"))
    s3.client.create_bucket(Bucket=url.bucket)
    data = tmp_path / "bucket"
    with wired(s3.address) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        yield Store(url, s3.client, wire, Folder(data, Warehouse(data / "warehouse.duckdb")))
