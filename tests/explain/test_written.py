"""What plans said of a person's fields, and which fields tell of opens and clicks."""

import duckdb

from orchestration.explain.sentences import decision
from orchestration.explain.story import Cell, Planned
from orchestration.explain.written import tracking_fields, values_now
from orchestration.writeback.mapping import parse_mapping
from tests.explain.ann import at

MAPPING = parse_mapping(
    """
version: 1
objects:
  Contact:
    - {metric: is_replied, field: Replied__c, policy: owned}
    - {metric: sequence_status, field: Status__c, policy: owned}
    - {metric: engagement_level, field: Level__c, policy: owned}
""",
    "mapping.yml",
)

ANN = "003Hs0000000001IAA"

SCENE = f"""
create schema crm;
create table crm.contact_fields as
select
    '{ANN}' as crm_id, true as is_replied, 'Active' as sequence_status, 'Warm' as engagement_level;
create schema writeback;
create table writeback.plans as
from (values
    ('plan-00001', timestamp '2026-10-06 12:00'), ('plan-00002', timestamp '2026-10-07 12:00')
) as rows (plan_id, created_at);
"""


def planned(number: int, *fields: str) -> Planned:
    """Return a plan that writes these fields."""
    return Planned(
        at("12:00", day=5 + number),
        f"plan-0000{number}",
        "Contact",
        ANN,
        tuple(Cell(field, None, "x", "owned", "write", "differs") for field in fields),
    )


def test_what_the_newest_plan_does_not_list_is_unchanged_since_the_last_that_did() -> None:
    """K1: a large plan lists what is to change; what is the same is counted."""
    plans = [planned(1, "Replied__c", "Status__c"), planned(2, "Status__c")]
    with duckdb.connect() as connection:
        connection.execute(SCENE)
        values = values_now(connection, MAPPING, "Contact", ANN, plans, [])
    assert {value.field: (value.value, decision(value)) for value in values} == {
        "Replied__c": ("true", "unchanged since plan-00001"),
        "Status__c": ("Active", "to write"),
        "Level__c": ("Warm", "not listed"),
    }


def test_the_level_of_engagement_is_hidden_with_opens_and_clicks() -> None:
    """D9: it is made of them."""
    assert tracking_fields(MAPPING) == {"Level__c"}
