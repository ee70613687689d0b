"""Assets from landing files and the Salesforce org into raw tables."""

from collections.abc import Iterator
from time import monotonic

import dagster as dg

from orchestration.crm.snapshot import take_snapshot
from orchestration.crm.snapshot_tables import TABLES
from orchestration.landing.formats import FORMATS, Format
from orchestration.landing.load import load
from orchestration.landing.networks import load_networks
from orchestration.org import Org
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.settle import settle

WAREHOUSE_POOL = "warehouse_writer"


def _landing_folders() -> dict[str, list[Format]]:
    folders: dict[str, list[Format]] = {}
    for each in FORMATS:
        folders.setdefault(each.folder, []).append(each)
    return folders


_FOLDERS = _landing_folders()

#: Where everything begins: folders that other systems write to, and the org that people edit.
origins = [
    *(
        dg.AssetSpec(
            ["landing", folder],
            group_name="sources",
            kinds={formats[0].kind},
            description="\n\n".join(each.description for each in formats),
        )
        for folder, formats in _FOLDERS.items()
    ),
    dg.AssetSpec(
        ["salesforce", "records"],
        group_name="sources",
        kinds={"salesforce"},
        description="Contacts, leads, users and activities as people and machines edit them (A7).",
    ),
    dg.AssetSpec(
        ["networks", "lists"],
        group_name="sources",
        kinds={"csv"},
        description="Lists of networks: the team's own, clouds', privacy relays' (C1).",
    ),
]


def _raw_key(table: str) -> list[str]:
    return table.split(".")


@dg.multi_asset(
    name="load_landing_files",
    specs=[
        *(
            dg.AssetSpec(
                _raw_key(each.table),
                deps=[["landing", each.folder]],
                group_name="raw",
                kinds={"duckdb"},
                description=f"{each.description} Exactly as written, with file and line (A8).",
            )
            for each in FORMATS
        ),
        dg.AssetSpec(
            ["raw", "loads"],
            deps=[["landing", folder] for folder in _FOLDERS],
            group_name="raw",
            kinds={"duckdb"},
            description="One row per file and load (A9).",
        ),
        dg.AssetSpec(
            ["raw", "rejects"],
            deps=[["landing", folder] for folder in _FOLDERS],
            group_name="raw",
            kinds={"duckdb"},
            description="Records that could not be read, with file, line and reason (A8).",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def landing_files(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None]]:
    """Load what is new in the landing folder, each file in a transaction of its own."""
    started = monotonic()
    report = load(warehouse, settings.landing, limits=settings.limits)
    seconds = monotonic() - started
    for each in FORMATS:
        part = report.of(each.source)
        yield dg.MaterializeResult(
            _raw_key(each.table),
            metadata={
                "files": part.files,
                "rows": part.rows,
                "rejected": part.rejected,
                "skipped": part.skipped,
                "known_files": part.unchanged,
            },
        )
    yield dg.MaterializeResult(
        ["raw", "loads"],
        metadata={"files": report.files, "rows": report.rows, "seconds": round(seconds, 1)},
    )
    yield dg.MaterializeResult(
        ["raw", "rejects"],
        metadata={"rejected": report.rejected, "skipped": report.skipped},
    )


@dg.asset(
    name="networks",
    key_prefix="raw",
    deps=[["networks", "lists"]],
    group_name="raw",
    kinds={"duckdb"},
    pool=WAREHOUSE_POOL,
)
def network_lists(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """The network lists as they are now, line by line (C1)."""
    lists = load_networks(warehouse, settings.networks)
    for problem in lists.problems:
        context.log.warning(problem)
    return dg.MaterializeResult(
        metadata={
            "files": lists.files,
            "networks": lists.networks,
            "unreadable_lines": len(lists.problems),
        }
    )


@dg.multi_asset(
    name="take_salesforce_snapshot",
    specs=[
        dg.AssetSpec(
            ["raw", table],
            deps=[["salesforce", "records"]],
            group_name="raw",
            kinds={"duckdb"},
            description=f"Every version of {name} records seen in a snapshot (A7).",
        )
        for name, table in [
            *((name, table.removeprefix("raw.")) for name, table in TABLES.items()),
            ("described", "salesforce_describes"),
        ]
    ],
    pool=WAREHOUSE_POOL,
)
def salesforce_snapshot(
    warehouse: dg.ResourceParam[Warehouse],
    org: dg.ResourceParam[Org],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult[None]]:
    """Read what changed in the org: in full at first, then by SystemModstamp with an overlap."""
    mapping, crm = load_mapping(settings.mapping), org.connect()
    # K2: never while a job of ours still runs, or before it is known what a dead run wrote.
    settled = settle(warehouse, crm)
    report = take_snapshot(warehouse, crm, target_fields=mapping.target_fields())
    by_object = {part.object: part for part in report.objects}
    for name, table in TABLES.items():
        part = by_object.get(name)
        yield dg.MaterializeResult(
            ["raw", table.removeprefix("raw.")],
            metadata={
                "mode": part.mode if part else "object not in this org",
                "records_read": part.read if part else 0,
                "new_versions": part.new_versions if part else 0,
            },
        )
    yield dg.MaterializeResult(
        ["raw", "salesforce_describes"],
        metadata={
            "objects": len(report.objects),
            "missing": ", ".join(report.missing) or "none",
            "settled_writes": settled.written + settled.unsent + settled.failed,
            "read_calls": report.calls.read + settled.calls.read,
            "seconds": report.seconds,
        },
    )
