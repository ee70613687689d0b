"""Seeding: everything in as given, or nothing and a line to look at."""

from pathlib import Path

import pytest

from orchestration.local_org.org import Org
from orchestration.local_org.seed import SeedError
from tests.local_org.caller import ADA, REP, STAMP, TEAM, Caller, record_id, write_seed


def test_ids_and_timestamps_are_kept_as_given(org: Caller) -> None:
    (ada,) = org.query(
        "select Id, CreatedDate, LastModifiedDate, SystemModstamp, LastModifiedById from Contact "
        f"where Id = '{ADA}'"
    )
    assert ada == {
        "Id": ADA,
        "CreatedDate": STAMP,
        "LastModifiedDate": STAMP,
        "SystemModstamp": STAMP,
        "LastModifiedById": REP,
    }


def test_nothing_is_lost(tmp_path: Path, seed_folder: Path) -> None:
    org = Org.open(tmp_path / "org.db", seed_folder=seed_folder)
    with org.store.reading() as connection:
        for name, rows in TEAM.items():
            for row in rows:
                columns = ", ".join(f'"{key}"' for key in row)
                kept = connection.execute(
                    f'select {columns} from "{name}" where "Id" = ?', (row["Id"],)
                ).fetchone()
                assert kept == tuple(row.values())
    org.store.close()


def test_an_org_is_seeded_once(tmp_path: Path, seed_folder: Path) -> None:
    for _ in range(2):
        org = Org.open(tmp_path / "org.db", seed_folder=seed_folder)
        org.store.close()
    with org.store.reading() as connection:
        assert connection.execute("select count(*) from Contact").fetchone() == (4,)
    org.store.close()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{not json", "Contact.ndjson, line 2: {not json is no JSON"),
        ("[1]", "line 2: [1] is no record. Write one JSON object"),
        ('{"LastName": "x"}', "has no Id. Give every record its 18-character Id"),
        ('{"Id": "003x"}', 'Id: "003x" is no Salesforce id'),
        ('{"Id": "ID", "Foo": 1}', "line 2: Foo is no field of Contact. Leave it out"),
        (
            '{"Id": "ID", "CreatedDate": "yesterday"}',
            'CreatedDate: "yesterday" is no datetime such as 2026-10-22T21:03:23.000+0000',
        ),
        ('{"Id": "ID", "CreatedDate": "2026-13-22T21:03:23.000+0000"}', "month must be in 1..12"),
        ('{"Id": "ID", "IsDeleted": "no"}', 'IsDeleted: "no" must be true or false'),
        ('{"Id": "ID", "Touchline_Open_Count__c": "3"}', "must be a number"),
        ('{"Id": "ID", "OwnerId": 5}', "OwnerId: 5 is no Salesforce id"),
        ('{"Id": "ID", "Title": 5}', "Title: 5 must be text"),
        ('{"Id": "ID", "FirstName": "' + "x" * 41 + '"}', "is longer than 40 characters"),
        (f'{{"Id": "{ADA}"}}', f"line 2: {ADA} is in the org already"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_loaded(
    tmp_path: Path, line: str, expected: str
) -> None:
    text = f'{{"Id": "{ADA}", "LastName": "x"}}\n' + line.replace("ID", record_id("003", 9), 1)
    if '"ID"' not in line:
        text = f'{{"Id": "{ADA}", "LastName": "x"}}\n{line}'
    (tmp_path / "Contact.ndjson").write_text(text, encoding="utf-8")
    with pytest.raises(SeedError) as caught:
        Org.open(tmp_path / "org.db", seed_folder=tmp_path)
    assert expected in str(caught.value)
    assert "nothing was loaded" in str(caught.value)
    org = Org.open(tmp_path / "org.db")
    with org.store.reading() as connection:
        assert connection.execute("select count(*) from Contact").fetchone() == (0,)
    org.store.close()


def test_an_unknown_object_or_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"holds no <Object>\.ndjson file"):
        Org.open(tmp_path / "org.db", seed_folder=tmp_path)
    write_seed(tmp_path, {"Dog": [{"Id": ADA}]})
    with pytest.raises(SeedError, match="the org has no object 'Dog'"):
        Org.open(tmp_path / "org.db", seed_folder=tmp_path)


def test_a_unique_value_given_twice_is_refused(tmp_path: Path) -> None:
    tasks = [{"Id": record_id("00T", n), "Touchline_Key__c": "same"} for n in (1, 2)]
    with pytest.raises(SeedError, match="share a value that must be unique"):
        Org.open(tmp_path / "org.db", seed_folder=write_seed(tmp_path, {"Task": tasks}))


def test_a_reset_that_fails_leaves_the_org_as_it_was(org: Caller, tmp_path: Path) -> None:
    (tmp_path / "Contact.ndjson").write_text("{", encoding="utf-8")
    before = org.admin("GET", "/state")
    reply = org.http.post("/__admin/reset", json={"seed": str(tmp_path)})
    assert reply.status_code == 400
    assert "Contact.ndjson, line 1" in reply.json()[0]["message"]
    assert org.admin("GET", "/state") == before
