"""The dbt project as assets: one process, one op, every test a check."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

from orchestration.assets.ingest import WAREHOUSE_POOL
from orchestration.housekeeping import BUILDS_KEPT, hand_on_parsed, keep_newest
from orchestration.resources import DbtResource
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import Mapping as FieldMappings
from orchestration.writeback.mapping import load_mapping

#: How dbt words that a node failed: a model, a test.
_FAILED = ("error", "runtime error", "fail")
_LINES_SHOWN = 3
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


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

    The default's fields stand in dbt_project.yml: passing none keeps dbt's partial parse. Unit
    tests hold made-up rows against the models: they are for whoever changes a model, and a
    quarter of a run's time would go to them.
    """
    args = ["build", "--exclude-resource-type", "unit_test"]
    if config.full_refresh:
        args.append("--full-refresh")
    if mapping is not None:
        fields = {
            entry.metric: entry.field for entries in mapping.objects.values() for entry in entries
        }
        args += ["--vars", json.dumps({"crm_fields": fields})]
    return args


def failure_text(error: Exception, target: Path) -> str:
    """Say in the fewest lines why a build failed, and where dbt's own words are.

    dbt lists what came of each node; where it did not get that far, its errors are in `error`.
    """
    results = target / "run_results.json"
    lines = [
        f"{result['unique_id'].split('.')[2]}: {_first_lines(result.get('message') or '')}"
        for result in (json.loads(results.read_text())["results"] if results.exists() else [])
        if result["status"] in _FAILED
    ]
    if not lines:
        _, _, words = str(error).rpartition("Errors parsed from dbt logs:")
        lines = [_first_lines(_COLOURS.sub("", words))]
    return "\n".join([*lines, f"All that dbt said is in {target / 'dbt.log'}."])


def _first_lines(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(lines[:_LINES_SHOWN]) + (" …" if len(lines) > _LINES_SHOWN else "")


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
        keep_newest(settings.builds, BUILDS_KEPT - 1)
        target = settings.builds / context.run.run_id
        hand_on_parsed(settings.builds, target)
        build = dbt.cli(
            build_args(config, mapping),
            context=context,
            target_path=target,
            raise_on_error=False,
        )
        events = build.stream()
        try:
            # No `yield from`: it would close the stream, which cannot be closed half read.
            for event in events:  # noqa: UP028
                yield event
        except BaseException:
            # Somebody ended the run between two events: dbt must not go on by itself.
            build.process.terminate()
            deque(events, maxlen=0)
            raise
        if error := build.get_error():
            raise dg.Failure(failure_text(error, build.target_path))
        warehouse.checkpoint()

    return models
