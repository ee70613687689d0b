"""The local org as jsforce meets it: a client of another make, by people who know Salesforce.

It runs where Node is present. npm fetches jsforce once (110 MB, half a minute), for all checkouts.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.local_org.caller import ADA, BEN, CYD, Caller

VERSION = "3.10.16"
HOME = Path.home() / ".cache" / "touchline" / f"jsforce-{VERSION}"
SCRIPT = Path(__file__).with_name("jsforce") / "ask_the_org.cjs"
INSTALL_SECONDS = 180
_QUIET = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error")


def modules() -> Path:
    """Return the folder that holds jsforce; skip the test where it cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not present")
    found = HOME / "node_modules"
    if (found / "jsforce" / "package.json").is_file():
        return found
    draft = HOME.with_name(f"{HOME.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    command = ["npm", "install", "--prefix", str(draft), *_QUIET, f"jsforce@{VERSION}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot install jsforce here: {error}")
    draft.replace(HOME)
    return found


@pytest.fixture
def answer(org: Caller) -> dict[str, Any]:
    environment = {**os.environ, "NODE_PATH": str(modules()), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        ["node", str(SCRIPT), org.url, ADA, BEN],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_jsforce_understands_what_the_local_org_answers(
    org: Caller, answer: dict[str, Any]
) -> None:
    assert answer["user"].startswith("005")
    assert [record_id for record_id, _ in answer["found"]] == [ADA, BEN, CYD]
    assert answer["fields"] > 60
    assert answer["refused"] == "INVALID_FIELD"

    written, refused = answer["collections"]
    assert (written["success"], written["id"]) == (True, ADA)
    assert refused["errors"][0]["statusCode"] == "INVALID_EMAIL_ADDRESS"

    (successful,) = answer["bulk"]["successfulResults"]
    assert (successful["sf__Id"], successful["sf__Created"]) == (ADA, "false")
    (failed,) = answer["bulk"]["failedResults"]
    assert failed["Id"] == BEN
    assert failed["sf__Error"].startswith("STRING_TOO_LONG:Title: data value too large")
    assert answer["bulk"]["unprocessedRecords"] == []

    assert [(each["Id"], each["Title"]) for each in answer["extracted"]] == [
        (ADA, "By a job"),
        (BEN, ""),
        (CYD, ""),
    ]

    assert answer["daily"]["Max"] == answer["usage"]["limit"] == 100_000
    assert 0 < answer["usage"]["used"] == 100_000 - answer["daily"]["Remaining"]
    (job,) = org.get("/jobs/ingest").json()["records"]
    assert job["state"] == "JobComplete"
