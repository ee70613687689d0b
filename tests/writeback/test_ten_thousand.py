"""What ten thousand changed records cost, by the org's own count (K3)."""

from collections.abc import Iterator

import pytest

from orchestration.crm.salesforce import connect
from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback import routes
from orchestration.writeback.apply import apply_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan
from tests.crm.live_org import SEED, LiveOrg, running_org
from tests.writeback.stage import Stage

pytestmark = pytest.mark.slow

MAPPING = load_mapping()
IDS = [f"003{number:012}AAA" for number in range(10_000)]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveOrg]:
    """An org of ten thousand contacts, which answers in pages as large as Salesforce's."""
    ann, *_ = SEED["Contact"]
    contacts = [{**ann, "Id": each, "Email": f"{each}@x.example"} for each in IDS]
    seed = {"User": SEED["User"], "Contact": contacts}
    with running_org(tmp_path_factory.mktemp("many"), seed, page_size=2_000) as org:
        yield org


@pytest.mark.parametrize(("route", "most_writes"), [("collections", 50), ("bulk", 3)])
def test_k3_ten_thousand_changed_records_cost_fifty_requests_or_one_job(
    many: LiveOrg, stage: Stage, monkeypatch: pytest.MonkeyPatch, route: str, most_writes: int
) -> None:
    """A job is opened, filled and started; and what is up to date costs no call at all."""
    if route == "collections":
        monkeypatch.setattr(routes, "BULK_FROM", len(IDS) + 1)
    many.reset()
    crm = connect(many.login)
    stage.metrics(contacts=[{"crm_id": each, "open_count": 4} for each in IDS])
    take_snapshot(stage.warehouse, crm, target_fields=MAPPING.target_fields())
    plan = make_plan(stage.warehouse, MAPPING, planners=[])

    before = len(many.requests(is_api_call="true"))
    report = apply_plan(stage.warehouse, crm, plan.plan_id, "run", MAPPING)
    assert (report.written, report.failed, report.unsent) == (len(IDS), 0, 0)
    calls = many.requests(is_api_call="true")[before:]
    assert len(calls) == plan.api_calls_estimate
    assert sum(call["is_write"] for call in calls) <= most_writes
    jobs = stage.rows("select count(*) from writeback.jobs")
    assert jobs == [(1 if route == "bulk" else 0,)]

    take_snapshot(stage.warehouse, crm, target_fields=MAPPING.target_fields())
    up_to_date = make_plan(stage.warehouse, MAPPING, planners=[])
    asked = len(many.requests())
    again = apply_plan(stage.warehouse, crm, up_to_date.plan_id, "again", MAPPING)
    assert (up_to_date.api_calls_estimate, again.written) == (0, 0)
    assert len(many.requests()) == asked
