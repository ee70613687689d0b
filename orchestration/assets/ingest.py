"""Assets from landing files and the Salesforce org into raw tables."""

from collections.abc import Iterator

import dagster as dg

from orchestration.crm.snapshot import take_snapshot
from orchestration.crm.snapshot_tables import TABLES
from orchestration.landing.load import load
from orchestration.org import Org
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping

WAREHOUSE_POOL = "warehouse_writer"

#: Raw table of each source, and where its files arrive.
FILES = {
    "sendgrid": ("sendgrid_events", "sendgrid"),
    "enrollments": ("enrollments", "sequences"),
    "messages": ("messages", "sequences"),
    "mailboxes": ("mailbox_messages", "mailboxes"),
}

#: Where everything begins: folders that other systems write to, and the org that people edit.
origins = [
    dg.AssetSpec(
        ["landing", "sendgrid"],
        group_name="sources",
        kinds={"json"},
        description="SendGrid Event Webhook logs (A1).",
    ),
    dg.AssetSpec(
        ["landing", "sequences"],
        group_name="sources",
        kinds={"json"},
        description="Enrollments and sent messages of the sequence platform (A5).",
    ),
    dg.AssetSpec(
        ["landing", "mailboxes"],
        group_name="sources",
        kinds={"email"},
        description="Mailbox exports with replies, reports and mail sent by hand (A3).",
    ),
    dg.AssetSpec(
        ["salesforce", "records"],
        group_name="sources",
        kinds={"salesforce"},
        description="Contacts, leads, users and activities as people and machines edit them (A7).",
    ),
]


@dg.multi_asset(
    name="load_landing_files",
    specs=[
        *(
            dg.AssetSpec(
                ["raw", table],
                deps=[["landing", folder]],
                group_name="raw",
                kinds={"duckdb"},
                description=f"Raw {source}, exactly as written, with file and line (A8).",
            )
            for source, (table, folder) in FILES.items()
        ),
        dg.AssetSpec(
            ["raw", "loads"],
            deps=[["landing", folder] for folder in ("sendgrid", "sequences", "mailboxes")],
            group_name="raw",
            kinds={"duckdb"},
            description="One row per file and load (A9).",
        ),
        dg.AssetSpec(
            ["raw", "rejects"],
            deps=[["landing", folder] for folder in ("sendgrid", "sequences", "mailboxes")],
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
    report = load(warehouse, settings.landing)
    for source, (table, _) in FILES.items():
        part = report.of(source)
        yield dg.MaterializeResult(
            ["raw", table],
            metadata={
                "files": part.files,
                "rows": part.rows,
                "rejected": part.rejected,
                "known_files_skipped": part.skipped,
            },
        )
    yield dg.MaterializeResult(
        ["raw", "loads"],
        metadata={"files": report.files, "rows": report.rows},
    )
    yield dg.MaterializeResult(["raw", "rejects"], metadata={"rejected": report.rejected})


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
    mapping = load_mapping(settings.mapping)
    report = take_snapshot(warehouse, org.connect(), target_fields=mapping.target_fields())
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
            "read_calls": report.calls.read,
            "seconds": report.seconds,
        },
    )
