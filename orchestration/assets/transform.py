"""The dbt project as assets: one process, one op, every test a check."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.resources import DbtResource
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import Mapping as FieldMappings
from orchestration.writeback.mapping import load_mapping


class BuildConfig(dg.Config):
    """How to build the models: `full_refresh` rebuilds the incremental ones from raw."""

    full_refresh: bool = False


class Conventions(DagsterDbtTranslator):
    """Keys are schema/table, groups are the model folders, descriptions are dbt's own."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the description without the SQL, which the code reference shows already."""
        return str(dbt_resource_props.get("description", ""))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Return the room: staging, intermediate, marts, crm, or seeds."""
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        if dbt_resource_props["resource_type"] == "model":
            return str(dbt_resource_props["fqn"][1])
        return super().get_group_name(dbt_resource_props)


def build_args(config: BuildConfig, mapping: FieldMappings | None) -> list[str]:
    """Return dbt's arguments; `mapping` is given only where it is not the default one.

    The default's fields stand in dbt_project.yml: passing none keeps dbt's partial parse.
    """
    args = ["build"]
    if config.full_refresh:
        args.append("--full-refresh")
    if mapping is not None:
        fields = {
            entry.metric: entry.field for entries in mapping.objects.values() for entry in entries
        }
        args += ["--vars", json.dumps({"crm_fields": fields})]
    return args


def build_models(project: DbtProject) -> dg.AssetsDefinition:
    """Return the dbt project's models, seeds and tests as one op of many assets."""

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        pool=WAREHOUSE_POOL,
        name="build_models",
        dagster_dbt_translator=Conventions(
            DagsterDbtTranslatorSettings(enable_code_references=True)
        ),
    )
    def models(
        context: dg.AssetExecutionContext,
        dbt: DbtResource,
        config: BuildConfig,
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        mapping = load_mapping(settings.mapping) if settings.mapping else None
        # dbt does not wait for the file as we do: see that nobody is in before it starts.
        with warehouse.connect():
            pass
        yield from dbt.cli(build_args(config, mapping), context=context).stream()

    return models
