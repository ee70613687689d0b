"""The doctor: one pass over everything that a writeback needs, before anything is planned (K8)."""

from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.crm.client import Crm, Operation
from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot import stored_schemas
from orchestration.writeback.mapping import Mapping, MappingError, load_mapping
from orchestration.writeback.plan_sql import SOURCES
from orchestration.writeback.preflight import Preflight, preflight
from orchestration.writeback.preflight_facts import Finding

#: Read for the models whatever is written: people, who they belong to, and who wants no tracking.
_READ = ("Contact", "Lead", "User", "Individual")

#: An undo that was only looked at is newer, and no plan that anybody applies.
_NEWEST_PLAN = """
select api_calls_estimate
from writeback.plans
where state = 'planned'
order by created_at desc
limit 1
"""


@dataclass(frozen=True, slots=True)
class History:
    """What earlier runs left; empty before the first one.

    `schemas`: the describes of the last snapshot. `columns`: of the marts, by object.
    `calls_needed`: what the newest plan costs, if it was not applied.
    """

    schemas: MappingOf[str, ObjectSchema] = field(default_factory=dict)
    columns: MappingOf[str, MappingOf[str, str]] | None = None
    calls_needed: int = 0


def read_history(connection: DuckDBPyConnection) -> History:
    """Read what earlier runs left in the warehouse, or in its read copy."""
    tables = {
        f"{schema}.{name}": columns
        for schema, name, columns in connection.execute(
            "select schema_name, table_name, map_from_entries(list((column_name, data_type))) "
            "from duckdb_columns() where database_name = current_database() group by all"
        ).fetchall()
    }
    metrics = {name: tables[source[0]] for name, source in SOURCES.items() if source[0] in tables}
    newest = connection.execute(_NEWEST_PLAN).fetchone() if "writeback.plans" in tables else None
    return History(
        schemas=stored_schemas(connection) if "raw.salesforce_describes" in tables else {},
        columns=metrics if len(metrics) == len(SOURCES) else None,
        calls_needed=newest[0] if newest else 0,
    )


def diagnose(
    crm: Crm,
    mapping_file: Path | None,
    history: History,
    vocabularies: MappingOf[str, Collection[str]],
) -> Preflight:
    """Check login, limits, permissions, mapping and all else in one pass; write nothing."""
    try:
        mapping = load_mapping(mapping_file)
    except MappingError as error:
        return _without_mapping(crm, error)
    found = preflight(
        crm,
        mapping,
        objects_of(mapping),
        history.calls_needed,
        is_planned=False,
        earlier=history.schemas,
        columns=history.columns,
        vocabularies=vocabularies,
    )
    read = Finding("mapping", "ok", mapping.file, "can be read")
    return Preflight((read, *found.findings), found.schemas, found.limits)


def objects_of(mapping: Mapping) -> dict[str, frozenset[Operation]]:
    """Return every object that the mapping has Touchline touch, and what it does to it."""
    wanted: dict[str, set[Operation]] = {name: set() for name in _READ}
    for name, fields in mapping.objects.items():
        wanted[name] |= {"update"} if fields else set()
    sections = mapping.sections
    if sections.create_missing:
        wanted[sections.create_missing.object].add("create")
    if sections.activities.log == "email_message":
        wanted["EmailMessage"] = {"create", "update"}
        wanted["EmailMessageRelation"] = {"create"}
    # Mail that somebody wrote by hand is logged as a task in any case.
    if sections.activities.log != "off":
        wanted["Task"] = {"create"}
    if sections.tasks.kinds:
        wanted["Task"] = {"create", "update"}
    if sections.campaign_members.fill:
        wanted["CampaignMember"] = {"create", "update"}
    return {name: frozenset(operations) for name, operations in wanted.items()}


def _without_mapping(crm: Crm, error: MappingError) -> Preflight:
    """Tell what is wrong with the mapping; login and limits can be checked all the same."""
    unreadable = [
        Finding("mapping", "problem", f"{each.file}:{each.line}", f"{each.value}: {each.reason}",
                each.remedy)
        for each in error.problems
    ]  # fmt: skip
    found = preflight(crm, load_mapping(), {}, 0)
    return Preflight((*unreadable, *found.findings), found.schemas, found.limits)
