"""Network lists given as files (C1): what a line may be, and that a new list replaces the old."""

from pathlib import Path
from typing import Any

import pytest

from orchestration.landing.networks import load_networks
from orchestration.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "networks"
    folder.mkdir()
    return folder


def stored(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(
            "select network_kind, cidr, file, line from raw.networks "
            "where problem is null order by all"
        ).fetchall()


def write(file: Path, *lines: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_apples_list_and_plain_ones_are_read_as_they_are(warehouse: Warehouse, lists: Path) -> None:
    write(
        lists / "privacy_relay.csv",
        "172.224.224.0/31,US,US-CA,Los Angeles,",
        "2a02:26f7::/64,DE,,,",
    )
    write(
        lists / "own" / "offices.txt", "# Berlin", "192.0.2.0/24  # first floor", "", "198.51.100.7"
    )
    write(lists / "datacenter" / "cloud.csv", "cidr,region", '"203.0.113.0/25",eu')
    read = load_networks(warehouse, lists)
    assert (read.files, read.networks, read.problems) == (3, 5, ())
    assert stored(warehouse) == [
        ("datacenter", "203.0.113.0/25", "datacenter/cloud.csv", 2),
        ("own", "192.0.2.0/24", "own/offices.txt", 2),
        ("own", "198.51.100.7", "own/offices.txt", 4),
        ("privacy_relay", "172.224.224.0/31", "privacy_relay.csv", 1),
        ("privacy_relay", "2a02:26f7::/64", "privacy_relay.csv", 2),
    ]


def test_a_line_that_names_no_network_is_told_with_file_and_remedy(
    warehouse: Warehouse, lists: Path
) -> None:
    lines = ["192.0.2.0/33", "office.example", "10.0.0.0/255.0.0.0", "::ffff:10.0.0.0/104"]
    write(lists / "own.txt", "192.0.2.0/24", *lines)
    read = load_networks(warehouse, lists)
    assert read.networks == 1
    remedy = "is no network. Write it as 192.0.2.0/24 or 2001:db8::/32."
    assert read.problems == tuple(
        f"{lists / 'own.txt'}, line {number}: {line!r} {remedy}"
        for number, line in enumerate(lines, 2)
    )
    assert stored(warehouse) == [("own", "192.0.2.0/24", "own.txt", 1)]
    assert load_networks(warehouse, lists) == read, "known lines keep their problems"


def test_a_list_is_what_it_is_now_whatever_it_was_before(warehouse: Warehouse, lists: Path) -> None:
    for content in (["192.0.2.0/24", "10.0.0.0/8"], ["10.0.0.0/8"], ["192.0.2.0/24", "10.0.0.0/8"]):
        write(lists / "own.txt", *content)
        load_networks(warehouse, lists)
        assert [row[1] for row in stored(warehouse)] == sorted(content)
    (lists / "own.txt").unlink()
    assert load_networks(warehouse, lists).networks == 0
    assert stored(warehouse) == []


def test_other_files_and_drafts_are_no_lists(warehouse: Warehouse, lists: Path) -> None:
    write(lists / "README.txt", "192.0.2.0/24")
    write(lists / ".own.txt", "192.0.2.0/24")
    write(lists / "own.json", "192.0.2.0/24")
    assert load_networks(warehouse, lists).files == 0
    assert load_networks(warehouse, lists / "missing").files == 0
