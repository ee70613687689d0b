"""Each fault at each step of a write, on the local org, with its own proof of what was written."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest

from orchestration.crm.client import CrmError, CrmUnavailableError, Job
from orchestration.crm.salesforce import SalesforceCrm, connect
from tests.crm.live_org import ANN, BEN, CAT, IMPATIENT, LiveOrg

OPENS = "Touchline_Open_Count__c"
ROWS: list[dict[str, Any]] = [{"Id": each, OPENS: 7} for each in (ANN, BEN, CAT)]

#: What may come instead of an answer, with whether the request may have been done.
LOST: dict[str, dict[str, Any]] = {
    "dropped before": {"kind": "drop_before"},
    "dropped after": {"kind": "drop_after"},
    "too slow": {"kind": "slow", "seconds": 0.7, "when": "after"},
    "502 after": {"kind": "status", "status": 502, "when": "after"},
    "503 after": {"kind": "status", "status": 503, "when": "after"},
    "500 before": {"kind": "status", "status": 500},
}

#: What is surely not done, and passes.
PASSING: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "status": 429, "retry_after": 0, "times": 2},
    "420": {"kind": "status", "status": 420},
    "406": {"kind": "status", "status": 406},
    "concurrent limit": {"kind": "limit_exceeded", "limit": "concurrent"},
    "session": {"kind": "expire_session"},
}

WRITES: dict[str, Callable[[SalesforceCrm], object]] = {
    "update": lambda crm: crm.update_many("Contact", ROWS),
    "create": lambda crm: crm.create_many("Contact", [{"LastName": "Dee"}, {"LastName": "Eve"}]),
    "delete": lambda crm: crm.delete_many("Contact", [ANN, BEN]),
}


def logged_in(org: LiveOrg, *, hasty: bool = False) -> SalesforceCrm:
    """Return a client that is logged in, so that faults meet the rest."""
    jobs = dataclasses.replace(IMPATIENT.jobs, first_wait=0.03)
    crm = connect(
        org.login, dataclasses.replace(IMPATIENT, read_timeout=0.4 if hasty else 5, jobs=jobs)
    )
    crm.limits()
    return crm


def until_noted(fault: dict[str, Any]) -> None:
    """Wait for a slow answer: the org notes its request then, and not in the next test's log."""
    time.sleep(fault.get("seconds", 0.0))


def nothing_twice(org: LiveOrg) -> int:
    """See that no record was written twice, and return how many were written."""
    proof = org.proof()
    assert (proof["repeated"], proof["twins"]) == ([], [])
    assert proof["writes"] == proof["records"]
    return int(proof["writes"])


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_k4_whatever_happens_to_a_write_it_is_made_once_at_most(
    org: LiveOrg, write: Callable[[SalesforceCrm], object], fault: dict[str, Any]
) -> None:
    crm = logged_in(org, hasty=fault["kind"] == "slow")
    org.arm({**fault, "path": "/composite/sobjects"})
    with pytest.raises(CrmUnavailableError):
        write(crm)
    assert nothing_twice(org) in {0, 2, 3}
    assert crm.calls.write == 1
    until_noted(fault)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_k7_what_was_not_taken_is_sent_again_and_made_once(
    org: LiveOrg, write: Callable[[SalesforceCrm], object], fault: dict[str, Any]
) -> None:
    crm = logged_in(org, hasty=fault["kind"] == "slow")
    org.arm({**fault, "path": "/composite/sobjects"})
    write(crm)
    assert nothing_twice(org) in {2, 3}


#: The other passing statuses go the same way as the one of them.
IN_A_JOB = LOST | {name: PASSING[name] for name in ("429", "concurrent limit", "session")}

STEPS = {
    "open": ("POST", "/jobs/ingest"),
    "upload": ("PUT", "/jobs/ingest/*/batches"),
    "start": ("PATCH", "/jobs/ingest/*"),
    "poll": ("GET", "/jobs/ingest/*"),
    "results": ("GET", "/jobs/ingest/*/failedresults"),
}


def by_one_job(crm: SalesforceCrm) -> Job:
    """Bring the rows through one job, as a careful caller does it; return what became of it."""
    jobs = crm.jobs
    try:
        job = jobs.open("Contact", "update")
    except CrmUnavailableError:
        job = jobs.open("Contact", "update")
    try:
        jobs.upload(job, ROWS)
    except CrmUnavailableError:
        jobs.abort(job)
        job = jobs.open("Contact", "update")
        jobs.upload(job, ROWS)
    jobs.start(job)
    done = jobs.wait(job, len(ROWS))
    rows = list(jobs.results(job))
    assert {row.columns["Id"] for row in rows} == {ANN, BEN, CAT}
    assert all(row.result and row.result.success for row in rows)
    return done


@pytest.mark.parametrize("fault", IN_A_JOB.values(), ids=IN_A_JOB)
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_k4_a_job_gets_through_any_fault_and_writes_once(
    org: LiveOrg, step: tuple[str, str], fault: dict[str, Any]
) -> None:
    crm = logged_in(org, hasty=fault["kind"] == "slow")
    method, path = step
    org.arm({**fault, "method": method, "path": path})
    assert by_one_job(crm).processed == 3
    assert nothing_twice(org) == 3
    assert org.record("Contact", CAT)[OPENS] == 7
    until_noted(fault)


def test_k7_a_job_that_fails_on_its_way_tells_which_rows_it_left(org: LiveOrg) -> None:
    crm = logged_in(org)
    org.arm({"kind": "job_partly", "after_rows": 1})
    job = crm.jobs.open("Contact", "update")
    crm.jobs.upload(job, ROWS)
    crm.jobs.start(job)
    crm.jobs.wait(job, 3)
    rows = {row.columns["Id"]: row.result for row in crm.jobs.results(job)}
    assert rows.keys() == {ANN, BEN, CAT}
    written = [record for record, result in rows.items() if result and result.success]
    assert nothing_twice(org) == len(written) < 3


def test_k5_a_locked_row_of_a_job_may_be_sent_again(org: LiveOrg) -> None:
    crm = logged_in(org)
    org.arm({"kind": "lock_rows", "ids": [BEN]})
    job = crm.jobs.open("Contact", "update")
    crm.jobs.upload(job, ROWS)
    crm.jobs.start(job)
    assert crm.jobs.wait(job, 3).failed == 1
    rows = {row.columns["Id"]: row.result for row in crm.jobs.results(job)}
    locked = rows[BEN]
    assert locked
    assert [(each.code, each.is_transient) for each in locked.errors] == [
        ("UNABLE_TO_LOCK_ROW", True)
    ]
    assert nothing_twice(org) == 2


def test_k7_a_job_that_salesforce_holds_is_given_up_at_the_deadline_and_found_again(
    org: LiveOrg,
) -> None:
    patience = dataclasses.replace(IMPATIENT.jobs, first_wait=0.05, deadline=0.1)
    crm = connect(org.login, dataclasses.replace(IMPATIENT, jobs=patience))
    org.arm({"kind": "job_stays"})
    job = crm.jobs.open("Contact", "update")
    crm.jobs.upload(job, ROWS)
    crm.jobs.start(job)
    with pytest.raises(CrmError, match="has not ended"):
        crm.jobs.wait(job, 3)
    org.admin.request("DELETE", "/__admin/faults").raise_for_status()
    assert org.crm().jobs.wait(job, 3).state == "done"
    assert nothing_twice(org) == 3
