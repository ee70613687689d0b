"""Snapshots of the local org into a real warehouse (A7)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.crm.client import CrmMissingObjectError
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import OVERLAP, SnapshotReport, stored_schemas, take_snapshot
from orchestration.landing.tables import create_raw_tables
from orchestration.warehouse import Warehouse
from tests.crm.live_org import ANN, BEN, CAT, IMPATIENT, LEA, LiveOrg

OPENS = "Touchline_Open_Count__c"
TARGETS = {"Contact": [OPENS], "Lead": [OPENS]}


def rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


def figures(report: SnapshotReport) -> dict[str, tuple[str, int, int]]:
    return {each.object: (each.mode, each.read, each.new_versions) for each in report.objects}


def test_a7_the_first_snapshot_is_full_and_the_next_incremental(
    org: LiveOrg, warehouse: Warehouse
) -> None:
    first = take_snapshot(warehouse, org.crm(), target_fields=TARGETS)
    assert figures(first)["Contact"] == ("full", 3, 3)
    org.change("Contact", BEN, Title="CTO")
    second = take_snapshot(warehouse, org.crm(), target_fields=TARGETS)
    assert figures(second)["Contact"] == ("incremental", 1, 1)
    assert figures(second)["Lead"] == ("incremental", 0, 0)
    assert rows(
        warehouse,
        "select record_id, payload ->> '$.Title' from raw.salesforce_contacts order by load_id, 1",
    ) == [(ANN, None), (BEN, None), (CAT, None), (BEN, "CTO")]


def test_a7_what_the_overlap_reads_again_adds_no_version(
    org: LiveOrg, warehouse: Warehouse
) -> None:
    org.change("Contact", BEN, Title="CTO")
    take_snapshot(warehouse, org.crm())
    again = take_snapshot(warehouse, org.crm())
    assert figures(again)["Contact"] == ("incremental", 1, 0)
    (until,) = {each.until for each in take_snapshot(warehouse, org.crm(), ["Contact"]).objects}
    (since,) = {each.since for each in take_snapshot(warehouse, org.crm(), ["Contact"]).objects}
    assert since == until - OVERLAP
    assert timedelta(minutes=5) == OVERLAP


def test_a7_deletions_and_merges_come_in(org: LiveOrg, warehouse: Warehouse) -> None:
    take_snapshot(warehouse, org.crm())
    org.change("Contact", BEN, IsDeleted=True, MasterRecordId=ANN, force=True)
    take_snapshot(warehouse, org.crm())
    assert rows(
        warehouse,
        "select is_deleted, payload ->> '$.MasterRecordId' from raw.salesforce_contacts "
        f"where record_id = '{BEN}' order by load_id",
    ) == [(False, None), (True, ANN)]


def test_i6_more_fields_to_read_make_the_next_snapshot_full(
    org: LiveOrg, warehouse: Warehouse
) -> None:
    take_snapshot(warehouse, org.crm(), ["Contact", "Lead"])
    grown = take_snapshot(
        warehouse, org.crm(), ["Contact", "Lead"], target_fields={"Contact": [OPENS]}
    )
    assert figures(grown) == {"Contact": ("full", 3, 3), "Lead": ("incremental", 0, 0)}
    back = take_snapshot(warehouse, org.crm(), ["Contact"])
    assert figures(back) == {"Contact": ("incremental", 0, 0)}


def test_a_field_hidden_from_the_login_is_not_asked_for(org: LiveOrg, warehouse: Warehouse) -> None:
    org.hide(Contact=["HasOptedOutOfEmail"])
    take_snapshot(warehouse, org.crm(), ["Contact"], {"Contact": ["HasOptedOutOfEmail"]})
    assert rows(
        warehouse,
        "select list_contains(fields, 'HasOptedOutOfEmail'), list_contains(fields, 'Email') "
        "from raw.salesforce_snapshots",
    ) == [(False, True)]


def test_a_record_that_a_full_read_no_longer_shows_is_marked_deleted(
    org: LiveOrg, warehouse: Warehouse
) -> None:
    take_snapshot(warehouse, org.crm(), ["Lead"])
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw.salesforce_leads select load_id, loaded_at, '00Q000000000009EAA', "
            'system_modstamp, false, json_merge_patch(payload, \'{"Id": "00Q000000000009EAA"}\') '
            f"from raw.salesforce_leads where record_id = '{LEA}'"
        )
    report = take_snapshot(warehouse, org.crm(), ["Lead"], TARGETS)
    assert figures(report)["Lead"] == ("full", 2, 3)
    assert rows(
        warehouse,
        "select is_deleted, payload ->> '$.IsDeleted' from raw.salesforce_leads "
        "where record_id = '00Q000000000009EAA' order by load_id desc limit 1",
    ) == [(True, "true")]


def test_a_record_that_comes_back_as_it_was_is_newer_than_its_disappearance(
    org: LiveOrg, warehouse: Warehouse
) -> None:
    """A sharing rule may hide a record and show it again: its SystemModstamp stays the same."""
    take_snapshot(warehouse, org.crm(), ["Lead"])
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw.salesforce_leads select load_id + 1, loaded_at, record_id, "
            "system_modstamp + interval 1 hour, true, "
            "json_merge_patch(payload, '{\"IsDeleted\": true}') "
            f"from raw.salesforce_leads where record_id = '{LEA}'"
        )
        connection.execute("select nextval('raw.load_ids')")
    report = take_snapshot(warehouse, org.crm(), ["Lead"], TARGETS)
    assert figures(report)["Lead"][0] == "full"
    assert rows(
        warehouse,
        "select is_deleted from raw.salesforce_leads "
        f"where record_id = '{LEA}' order by system_modstamp desc, load_id desc limit 1",
    ) == [(False,)]


def test_describes_are_stored_once_until_they_change(org: LiveOrg, warehouse: Warehouse) -> None:
    for _ in range(2):
        take_snapshot(warehouse, org.crm(), ["Contact", "Lead"])
    org.hide(Contact=["Phone"])
    take_snapshot(warehouse, org.crm(), ["Contact", "Lead"])
    assert rows(
        warehouse,
        "select object, count(*) from raw.salesforce_describes group by object order by object",
    ) == [("Contact", 2), ("Lead", 1)]
    with warehouse.connect(read_only=True) as connection:
        schemas = stored_schemas(connection)
    assert "Phone" not in schemas["Contact"].fields
    assert schemas["Lead"].fields[OPENS].is_updateable


def test_a8_every_snapshot_is_a_load(org: LiveOrg, warehouse: Warehouse) -> None:
    for _ in range(2):
        take_snapshot(warehouse, org.crm(), ["Contact", "User"])
    assert rows(
        warehouse, "select load_id, source, file, bytes, rows, rejected from raw.loads order by all"
    ) == [
        (1, "salesforce", "Contact", 0, 3, 0),
        (1, "salesforce", "User", 0, 2, 0),
        (2, "salesforce", "Contact", 0, 0, 0),
        (2, "salesforce", "User", 0, 0, 0),
    ]


def test_calls_are_counted_and_nothing_is_written_to_the_org(
    org: LiveOrg, warehouse: Warehouse
) -> None:
    crm = org.crm()
    report = take_snapshot(warehouse, crm, ["Contact"])
    assert (report.calls.login, report.calls.read, report.calls.write) == (1, 3, 0)
    assert report.calls == crm.calls
    assert org.requests(is_write="true") == []


@pytest.mark.parametrize("missing", ["Contact", "Lead", "Task"])
def test_a7_only_an_org_without_mapped_people_has_no_snapshot(
    org: LiveOrg, warehouse: Warehouse, missing: str
) -> None:
    class Lacking(SalesforceCrm):
        def describe(self, object_name: str) -> dict[str, Any]:
            return super().describe("Nonsense__c" if object_name == missing else object_name)

    crm = Lacking(org.login, IMPATIENT)
    if missing == "Task":
        assert take_snapshot(warehouse, crm, target_fields=TARGETS).missing == ("Task",)
        return
    with pytest.raises(CrmMissingObjectError, match=f"mapping writes to {missing}"):
        take_snapshot(warehouse, crm, target_fields=TARGETS)


def test_no_warehouse_connection_is_held_while_the_org_is_asked(
    org: LiveOrg, tmp_path: Path
) -> None:
    warehouse = Warehouse(tmp_path / "not held open.duckdb")
    with warehouse.connect() as connection:
        create_raw_tables(connection)

    class Probing(SalesforceCrm):
        def _ask(self, *arguments: Any) -> Any:
            # Refused by DuckDB if this process had the file open for writing.
            duckdb.connect(str(warehouse.path), read_only=True).close()
            return super()._ask(*arguments)

    assert take_snapshot(warehouse, Probing(org.login, IMPATIENT)).read == 7


def test_k2_a_write_sent_while_a_snapshot_is_read_counts_as_later(
    org: LiveOrg, warehouse: Warehouse
) -> None:
    asked: list[datetime] = []

    class Watching(SalesforceCrm):
        def _ask(self, *arguments: Any) -> Any:
            asked.append(datetime.now(UTC).replace(tzinfo=None))
            return super()._ask(*arguments)

    take_snapshot(warehouse, Watching(org.login, IMPATIENT))
    ((stored,),) = rows(warehouse, "select max(loaded_at) from raw.salesforce_snapshots")
    assert stored <= min(asked)
