"""What is written is what the real systems would write: shapes, ids, pages, mailboxes, sums."""

import json
import mailbox
import sqlite3
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.local_org.identifiers import canonical
from orchestration.local_org.org import Org
from orchestration.simulator import ids
from orchestration.simulator.simulate import simulate
from tests.simulator.world import World, text_of

Json = dict[str, Any]

SUMS = ("message_count", "open_count", "recorded_human_opens", "click_count", "human_click_count")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        simulate(60, 2, 5, tmp_path / name, workers=workers, people_per_part=15)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_new_simulation_replaces_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    simulate(30, 2, 5, tmp_path)
    simulate(10, 1, 6, tmp_path, end=date(2026, 3, 1))
    simulate(10, 1, 6, tmp_path / "fresh", end=date(2026, 3, 1))
    fresh = files(tmp_path / "fresh")
    kept = {name for name in files(tmp_path) if not name.startswith("fresh/")} - fresh.keys()
    assert kept == {"notes.txt"}


@pytest.mark.parametrize(("people", "weeks"), [(0, 1), (1, 0)])
def test_an_empty_simulation_is_refused(tmp_path: Path, people: int, weeks: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        simulate(people, weeks, 1, tmp_path)


def test_progress_is_told_part_by_part(tmp_path: Path) -> None:
    told: list[int] = []
    simulate(50, 1, 5, tmp_path, workers=1, people_per_part=20, progress=told.append)
    assert told == [20, 40, 50]


def test_later_parts_are_written_as_files_of_their_own(tmp_path: Path) -> None:
    """Memory is bounded by a part: no per-week file is shared by two parts."""
    simulate(40, 2, 5, tmp_path, people_per_part=20)
    names = {path.name for path in (tmp_path / "landing" / "sendgrid").iterdir()}
    assert {name.rpartition("-")[2][:5] for name in names} == {"00000", "00001"}


def test_enrollment_pages_hold_a_hundred_at_most(world: World) -> None:
    pages = [
        json.loads(text_of(path))
        for path in (world.out / "landing" / "sequences" / "enrollments").iterdir()
    ]
    assert max(len(page["enrollments"]) for page in pages) == 100
    assert {bool(page["next_cursor"]) for page in pages} == {True, False}


def test_enrollments_come_again_when_they_changed(world: World) -> None:
    versions: dict[str, list[str]] = defaultdict(list)
    for row in world.enrollment_versions():
        versions[row["id"]].append(row["updated_at"])
    assert len(versions) == world.counts["platform_enrollments"]
    assert all(len(set(times)) == len(times) for times in versions.values())
    assert max(map(len, versions.values())) >= 3


def test_mailboxes_are_valid_mbox_files(world: World) -> None:
    """A3: as many mails as were written, each with its Message-ID and a readable date."""
    found = [
        mail
        for path in (world.out / "landing" / "mailboxes").iterdir()
        for mail in mailbox.mbox(path, create=False)
    ]
    counts = world.counts
    written = sum(n for name, n in counts.items() if name.startswith("mailboxes_letters"))
    assert len(found) == written == world.report.letters
    ids_ = [str(mail["Message-ID"]) for mail in found]
    copies = {row["message_id"] for row in world.messages()}
    own = [each for each in ids_ if each.strip("<>") not in copies]
    assert len(set(own)) == len(own)
    assert not any(mail.defects for mail in found)


def test_bodies_that_begin_a_line_with_from_are_quoted(world: World) -> None:
    text = "".join(path.read_text() for path in (world.out / "landing" / "mailboxes").iterdir())
    assert "\n>From now on" in text


def test_salesforce_ids_are_valid_and_unique(world: World) -> None:
    seen: Counter[str] = Counter()
    for name in ("User", "Contact", "Lead", "Individual"):
        for record in world.org(name):
            assert canonical(record["Id"]) == record["Id"]
            seen[record["Id"]] += 1
    assert set(seen.values()) == {1}


def test_the_checksum_is_the_published_one() -> None:
    assert "001D000000IqhSL" + ids.checksum("001D000000IqhSL") == "001D000000IqhSLIAZ"


def test_the_local_org_takes_the_records(world: World, tmp_path: Path) -> None:
    """The org checks every field name and type of a seed."""
    path = tmp_path / "org.db"
    Org.open(path, seed_folder=world.out / "org")
    with sqlite3.connect(path) as connection:
        for name in ("Contact", "Lead", "Individual"):
            (count,) = connection.execute(f'select count(*) from "{name}"').fetchone()
            assert count == len(world.org(name))


def test_owners_and_pointers_lead_somewhere(world: World) -> None:
    users = {user["Id"] for user in world.org("User")}
    contacts = {contact["Id"] for contact in world.org("Contact")}
    for record in world.org("Contact") + world.org("Lead"):
        assert {record["OwnerId"], record["LastModifiedById"]} <= users
        assert record["CreatedDate"] <= record["LastModifiedDate"]
        for pointer in (record["MasterRecordId"], record.get("ConvertedContactId")):
            assert pointer is None or pointer in contacts


def test_people_add_up_to_their_messages(world: World) -> None:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for row in world.truth("messages"):
        counted = {key: row[key] for key in SUMS[1:]}
        sums[row["recipient_email"]].update({"message_count": 1, **counted})
    for person in world.truth("people"):
        assert {key: person[key] for key in SUMS} == {
            key: sums[person["person_email"]][key] for key in SUMS
        }


def test_records_add_up_to_their_people(world: World) -> None:
    people: dict[str, list[Json]] = defaultdict(list)
    for row in world.truth("people"):
        if row["crm_id"]:
            people[row["crm_id"]].append(row)
    records = world.truth("records")
    assert {row["crm_id"] for row in records} == people.keys()
    for record in records:
        own = people[record["crm_id"]]
        assert record["person_count"] == len(own)
        for key in SUMS:
            assert record[key] == sum(row[key] for row in own)
        clicks = [row["clicked_at"] for row in own if row["clicked_at"]]
        assert record["clicked_at"] == min(clicks, default=None)
        assert record["is_replied"] == any(row["is_replied"] for row in own)
