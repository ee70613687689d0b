"""Which way a plan's records go, and what that costs (K3)."""

from dataclasses import replace

import pytest

from orchestration.crm.salesforce import connect
from orchestration.settings import SalesforceLogin
from orchestration.writeback.plan import make_plan
from orchestration.writeback.routes import (
    ROWS_PER_JOB,
    ROWS_PER_REQUEST,
    choose_route,
    preflight_route,
    read_routes,
)
from tests.writeback.stage import Stage, contact_mapping

OPENS = "metric: open_count, field: Opens__c, policy: owned"


@pytest.mark.parametrize(
    ("operation", "records", "route", "read_calls", "write_calls"),
    [
        ("update", 1, "collections", 1, 1),
        ("update", 200, "collections", 1, 1),
        ("update", 201, "collections", 2, 2),
        ("update", 1_999, "collections", 10, 10),
        ("update", 2_000, "bulk", 5, 3),
        ("update", 10_000, "bulk", 5, 3),
        ("update", 100_001, "bulk", 13, 9),
        ("create", 201, "collections", 0, 2),
        ("create", 2_000, "bulk", 4, 3),
        ("delete", 201, "collections", 2, 2),
        ("delete", 2_000, "bulk", 5, 3),
    ],
)
def test_k3_the_cheaper_route_is_taken_from_2000_records_on(
    operation: str, records: int, route: str, read_calls: int, write_calls: int
) -> None:
    chosen = choose_route("Contact", operation, records)
    assert (chosen.route, chosen.read_calls, chosen.write_calls) == (
        route,
        read_calls,
        write_calls,
    )


@pytest.mark.parametrize(("recent", "read_calls"), [(0, 5), (2_000, 5), (2_001, 6), (9_000, 9)])
def test_k3_what_is_as_young_as_the_snapshot_is_asked_for_before_a_job(
    recent: int, read_calls: int
) -> None:
    assert choose_route("Contact", "update", 10_000, recent=recent).read_calls == read_calls


def test_k3_where_most_records_are_young_a_job_may_cost_more() -> None:
    route = choose_route("Contact", "update", 2_000, recent=30_000)
    assert (route.route, route.calls) == ("collections", 20)


@pytest.mark.parametrize("name", ["EmailMessage", "EmailMessageRelation"])
def test_k3_records_that_name_one_another_are_never_created_in_bulk(name: str) -> None:
    assert choose_route(name, "create", 10_000).route == "collections"
    assert choose_route(name, "update", 10_000).route == "bulk"
    assert choose_route("Task", "create", 10_000, refers=True).route == "collections"


def test_k3_creations_without_a_key_never_go_in_bulk() -> None:
    """Nothing in a job's results would tell which is which."""
    assert choose_route("CampaignMember", "create", 10_000).route == "collections"
    assert choose_route("CampaignMember", "delete", 10_000).route == "bulk"


def test_k3_ten_thousand_changed_records_cost_at_most_fifty_calls() -> None:
    for operation in ("update", "create", "delete"):
        assert choose_route("Contact", operation, 10_000).calls <= 50


def test_k3_before_the_first_write_limits_and_each_describe_are_asked_for() -> None:
    route = preflight_route({"Lead", "Contact"})
    assert (route.calls, route.reason) == (
        3,
        "the day's limits, and how Contact and Lead may be written now",
    )


def test_k3_the_estimate_is_the_sum_of_the_routes(stage: Stage) -> None:
    contacts, leads = (
        [f"{prefix}{number:012}AAA" for number in range(count)]
        for prefix, count in (("003", 2_000), ("00Q", 3))
    )
    stage.snapshot(
        contacts=[{"Id": each, "Opens__c": 1.0} for each in contacts],
        leads=[{"Id": each, "Opens__c": 1.0} for each in leads],
    )
    stage.metrics(
        contacts=[{"crm_id": each, "open_count": 2} for each in contacts],
        leads=[{"crm_id": each, "open_count": 2} for each in leads],
    )
    contact, lead = (contact_mapping(OPENS, name=name) for name in ("Contact", "Lead"))
    plan = make_plan(stage.warehouse, contact)
    assert plan.api_calls_estimate == 2 + 8
    # The same two objects, in one mapping.
    both = replace(
        contact,
        objects={**contact.objects, **lead.objects},
        places={**contact.places, **lead.places},
    )
    plan = make_plan(stage.warehouse, both)
    with stage.warehouse.connect(read_only=True) as connection:
        routes = read_routes(connection, plan.plan_id)
    assert [(each.object, each.operation, each.route, each.records) for each in routes] == [
        ("*", "preflight", "preflight", 0),
        ("Contact", "update", "bulk", 2_000),
        ("Lead", "update", "collections", 3),
    ]
    assert plan.api_calls_estimate == sum(each.calls for each in routes) == 3 + 8 + 2


def test_k3_a_plan_without_writes_has_no_routes(stage: Stage) -> None:
    stage.snapshot(contacts=[{"Id": "003000000000001AAA", "Opens__c": 1.0}])
    stage.metrics(contacts=[{"crm_id": "003000000000001AAA", "open_count": 1}])
    plan = make_plan(stage.warehouse, contact_mapping(OPENS))
    assert plan.api_calls_estimate == 0
    assert stage.rows("select count(*) from writeback.plan_routes") == [(0,)]


def test_k3_routes_count_with_the_sizes_that_the_adapter_has() -> None:
    crm = connect(SalesforceLogin("127.0.0.1:1", "key", "secret"))
    assert (crm.rows_per_write, crm.jobs.rows_per_job) == (ROWS_PER_REQUEST, ROWS_PER_JOB)
