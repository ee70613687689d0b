"""The code location as a whole: one lineage from files to fields, in turns, with checks."""

import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_dbt import DbtCliResource

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.assets.story import tell_story
from orchestration.landing.formats import FORMATS
from orchestration.resources import DbtResource
from orchestration.run_problems import STEPS
from orchestration.settings import Settings
from tests.dbt_files import models
from tests.orchestration.conftest import Graph

pytestmark = pytest.mark.slow

FIELDS = dg.AssetKey(["salesforce", "engagement_fields"])
ORIGINS = {
    *(dg.AssetKey(["landing", each.folder]) for each in FORMATS),
    dg.AssetKey(["networks", "lists"]),
    dg.AssetKey(["salesforce", "records"]),
}

#: Where the flow may end besides marts: what people, Salesforce and later issues read.
ENDS = {
    FIELDS,
    dg.AssetKey(["salesforce", "activities"]),
    dg.AssetKey(["published", "read_copy"]),
    dg.AssetKey(["raw", "loads"]),
    dg.AssetKey(["raw", "rejects"]),
    # Read by the tests that no request of an access log is lost (A8).
    dg.AssetKey(["intermediate", "int_access_logs__request_counts"]),
    # For analysts: the plan reads what the snapshot stored (J2, J5).
    dg.AssetKey(["staging", "stg_salesforce__campaign_members"]),
    dg.AssetKey(["staging", "stg_salesforce__email_messages"]),
}


def names(keys: set[dg.AssetKey]) -> list[str]:
    return sorted(key.to_user_string() for key in keys)


def upstream(graph: Graph, key: dg.AssetKey) -> set[dg.AssetKey]:
    """Return everything that an asset is made from, the origins included."""
    found: set[dg.AssetKey] = set()
    waiting = {key}
    while waiting:
        parents = set(graph.get(waiting.pop()).parent_keys) - found
        found |= parents
        waiting |= parents
    return found


def test_the_code_location_loads(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_asset_begins_at_an_origin_or_a_seed(graph: Graph) -> None:
    roots = {key for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys}
    seeds = {key for key in roots if graph.get(key).group_name == "seeds"}
    assert names(roots - seeds) == names(ORIGINS)
    assert {key for key in roots if not graph.get(key).is_materializable} == ORIGINS


def test_every_asset_leads_somewhere_or_is_an_end_by_intent(graph: Graph) -> None:
    leaves = {key for key in graph.get_all_asset_keys() if not graph.get(key).child_keys}
    marts = {key for key in leaves if key.path[0] == "marts"}
    assert names(leaves - marts) == names(ENDS)


@pytest.mark.parametrize("origin", sorted(ORIGINS), ids=lambda key: key.to_user_string())
def test_there_is_a_path_from_each_origin_to_the_fields(graph: Graph, origin: dg.AssetKey) -> None:
    assert origin in upstream(graph, FIELDS)


@pytest.mark.parametrize("table", [each.table.removeprefix("raw.") for each in FORMATS])
def test_every_raw_table_of_the_landing_folder_reaches_the_fields(graph: Graph, table: str) -> None:
    assert dg.AssetKey(["raw", table]) in upstream(graph, FIELDS)


def test_every_model_is_an_asset_named_schema_and_table(
    graph: Graph, manifest: dict[str, Any]
) -> None:
    keys = graph.get_all_asset_keys()
    assert {dg.AssetKey([model.room, model.name]) for model in models().values()} <= keys
    tables = {
        dg.AssetKey([node["schema"], node["alias"]])
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"}
    }
    assert tables <= keys


def test_every_asset_has_a_group_and_a_description(graph: Graph) -> None:
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    mute = {node.key for node in nodes if not node.description or node.group_name == "default"}
    assert names(mute) == []


def test_the_ledger_is_no_source_of_anything_but_the_fields(graph: Graph) -> None:
    """Data flows one way: results come back only with the next snapshot."""
    ledger = dg.AssetKey(["writeback", "ledger"])
    read_by = graph.get(ledger).child_keys
    assert names(read_by) == [
        "published/read_copy", "salesforce/activities", "salesforce/engagement_fields",
    ]  # fmt: skip


def test_every_op_that_opens_the_warehouse_takes_its_turn(definitions: dg.Definitions) -> None:
    made = [*(definitions.assets or []), *(definitions.asset_checks or [])]
    pools = {each.op.name: each.op.pool for each in made if isinstance(each, dg.AssetsDefinition)}
    assert set(STEPS) < set(pools), "and the checks"
    assert {name for name, pool in pools.items() if pool != WAREHOUSE_POOL} == set()


def test_a_story_can_be_asked_for_while_a_sync_is_at_work(definitions: dg.Definitions) -> None:
    """L5: the job takes no turn at the warehouse, which runs hold from beginning to end."""
    assert [node.name for node in definitions.resolve_job_def("explain").nodes] == ["tell_story"]
    assert tell_story.required_resource_keys == {"settings"}


def test_the_sync_job_runs_everything(definitions: dg.Definitions, graph: Graph) -> None:
    job = definitions.resolve_job_def("sync")
    assert job.asset_layer.executable_asset_keys == graph.executable_asset_keys
    assert graph.executable_asset_keys == graph.get_all_asset_keys() - ORIGINS


def test_every_dbt_test_is_a_check_and_an_error_stops_what_follows(
    graph: Graph, manifest: dict[str, Any]
) -> None:
    tests = {
        node["name"]: node["config"]["severity"].lower()
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
    }
    checks = {
        key.name: graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
        if key.name not in {"rejects_are_few", "nothing_was_refused"}
    }
    assert len(tests) > 50
    assert set(tests) - set(checks) == set(), (
        "A test over several models names the one that it speaks of: "
        "config(meta={'dagster': {'ref': {'name': …}}})"
    )
    assert {name for name, blocks in checks.items() if blocks != (tests[name] == "error")} == set()


def test_the_plan_waits_for_the_models_that_it_writes(graph: Graph) -> None:
    parents = graph.get(dg.AssetKey(["writeback", "plan"])).parent_keys
    assert {"crm/contact_fields", "crm/lead_fields"} <= set(names(parents))


def test_the_short_way_to_dbts_version_tells_what_the_long_way_tells(
    definitions: dg.Definitions, assembled_settings: Settings
) -> None:
    """`DbtResource` overrides a private property: this fails when the parent's changes."""
    short = (definitions.resources or {})["dbt"]
    assert isinstance(short, DbtResource)
    assert "_cli_version" in vars(DbtCliResource)
    long = DbtCliResource(
        project_dir=str(assembled_settings.dbt_project), dbt_executable=short.dbt_executable
    )
    assert (type(short._cli_version), short._cli_version) == (
        type(long._cli_version),
        long._cli_version,
    )


def test_dbt_is_the_one_of_this_environment_whatever_path_finds_first(
    definitions: dg.Definitions,
) -> None:
    dbt = (definitions.resources or {})["dbt"]
    assert isinstance(dbt, DbtResource)
    assert Path(dbt.dbt_executable) == Path(sys.executable).with_name("dbt")
