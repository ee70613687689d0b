"""A7, A8, A9: Salesforce CSV exports, whatever wrote them and wherever they are cut."""

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.warehouse import Warehouse
from tests.landing.folder import Folder

TABLE = "raw.salesforce_exports"
STAMP = "2026-10-01T08:00:00.000Z"


def record_id(number: int) -> str:
    """Return an id as Salesforce gives to contacts."""
    return f"0035g00000{number:05d}AAA"


def row(number: int, *others: str) -> str:
    """Return a record as Data Loader writes it: everything quoted."""
    return ",".join(f'"{each}"' for each in (record_id(number), STAMP, *others)) + "\n"


HEADER = '"ID","SYSTEMMODSTAMP","EMAIL","TITLE"\n'


def numbers(folder: Folder) -> list[int]:
    """Return the numbers of the records that were loaded, in the files' order."""
    return [int(payload["Id"][10:15]) for payload in folder.payloads(TABLE)]


def test_a7_a_row_is_a_record_under_the_apis_names_with_its_object(folder: Folder) -> None:
    folder.write("salesforce/Contact.csv", HEADER + row(1, "ann@visitor.example", ""))
    folder.write(
        "salesforce/2026/lead_2026-10-01.csv.gz",
        gzip.compress(
            b"\xef\xbb\xbfId,SystemModstamp,IsConverted,Industry__c\r\n"
            b"00Q5g00000ABCDEEA4,2026-10-01T08:00:00.000+0200,true,Food\r\n"
        ),
    )
    assert folder.load().rows == 2
    assert folder.query(f"select envelope, line from {TABLE} order by file") == [
        ('[{"object":"Lead"}]', 2),
        ('[{"object":"Contact"}]', 2),
    ]
    assert folder.payloads(TABLE) == [
        {
            "Id": "00Q5g00000ABCDEEA4",
            "SystemModstamp": "2026-10-01T08:00:00.000+0200",
            "IsConverted": "true",
            "Industry__c": "Food",
        },
        {
            "Id": record_id(1),
            "SystemModstamp": STAMP,
            "Email": "ann@visitor.example",
            "Title": None,
        },
    ]


def test_k2_an_export_is_no_snapshot(folder: Folder) -> None:
    folder.write("salesforce/Contact.csv", HEADER + row(1, "", ""))
    folder.load()
    assert folder.query("from raw.salesforce_snapshots") == []
    assert folder.query("from raw.salesforce_contacts") == []
    assert folder.query("select source, file, rows from raw.loads") == [
        ("salesforce_exports", "salesforce/Contact.csv", 1)
    ]


@pytest.mark.parametrize(
    ("file", "is_export"),
    [
        ("salesforce/Contact.csv", True),
        ("salesforce/Contact_2026-10-01.csv", True),
        ("salesforce/weekly/CONTACT 1.CSV.gz", True),
        ("salesforce/Lead/extract.csv", True),
        ("salesforce/Account.csv", False),
        ("salesforce/Contact.xlsx", False),
        ("salesforce/extract.csv", False),
        ("elsewhere/Contact.csv", False),
    ],
)
def test_a7_the_name_tells_the_object(folder: Folder, file: str, *, is_export: bool) -> None:
    folder.write(file, HEADER + row(1, "", ""))
    report = folder.load()
    assert (report.rows, report.rejected) == ((1, 0) if is_export else (0, 1))


def test_a8_each_bad_record_is_a_reject_and_the_rest_loads(folder: Folder) -> None:
    folder.write(
        "salesforce/Contact.csv",
        HEADER.encode()
        + row(1, 'say ""hi"", then', "two\nlines, with a comma").encode()
        + b'"","2026-10-01T08:00:00Z","",""\n'
        + b'"0035g0000000001","2026-10-01T08:00:00Z","",""\n'
        + f'"{record_id(2)}","","",""\n'.encode()
        + f'"{record_id(2)}","10/01/2026 8:00 AM","",""\n'.encode()
        + f'"{record_id(2)}","1969-10-01T08:00:00Z","",""\n'.encode()
        + f'"{record_id(2)}","{STAMP}",""\n'.encode()
        + row(2, "", "").encode().replace(b'""', b'"\xff"', 1)
        + b'"broken"quote,"","",""\n'
        + b"\n"
        + row(3, "nul \0 and tab \t", "5'' ☃").encode()
        + f'{record_id(4)},{STAMP},5" pipe,6" pipe\r\n'.encode(),
    )
    report = folder.load()
    assert numbers(folder) == [1, 3, 4]
    assert [line for _, line, _ in folder.places(TABLE)] == [2, 13, 14]
    assert folder.rejects() == [
        (4, "missing_key: Id"),
        (5, "invalid_id: 0035g0000000001"),
        (6, "missing_key: SystemModstamp"),
        (7, "invalid_timestamp"),
        (8, "implausible_timestamp: 1969-10-01T08:00:00Z"),
        (9, "wrong_column_count: 3 instead of 4"),
        (10, "invalid_utf8"),
        (11, "broken_csv"),
    ]
    assert (report.rows, report.rejected) == (3, 8)
    assert folder.payloads(TABLE)[0]["Title"] == "two\nlines, with a comma"
    assert folder.payloads(TABLE)[2]["Email"] == '5" pipe'


def test_a8_a_quote_without_its_fellow_costs_its_record_only(folder: Folder) -> None:
    open_quote = row(2, "x", "y").replace('"x"', '"x')
    text = HEADER + row(1, "", "") + open_quote + "".join(row(n, "", "") for n in range(3, 9))
    folder.write("salesforce/Contact.csv", text, is_old=True)
    folder.load()
    assert numbers(folder) == [1, 3, 4, 5, 6, 7, 8]
    assert [line for line, _ in folder.rejects()] == [3]


def test_a8_a_file_whose_header_is_none_is_one_reject(folder: Folder) -> None:
    folder.write("salesforce/Contact.csv", "Full Name;Email\nAnn;ann@visitor.example\n" * 3)
    folder.write("salesforce/User.csv", "Id,Name\n0055g,Ann\n")
    folder.write("salesforce/Task.csv", "Id,SystemModstamp\n".encode("utf-16"))
    assert folder.load().rejected == 3
    assert folder.load().rejected == 0
    assert folder.rejects() == [
        (None, "missing_column: Id"),
        (None, "wrong_encoding: UTF-16, deliver it as UTF-8"),
        (None, "missing_column: SystemModstamp"),
    ]


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n"])
def test_an_empty_export_is_no_reject(folder: Folder, content: bytes) -> None:
    folder.write("salesforce/Contact.csv", content, is_old=True)
    assert folder.load().rejected == 0
    folder.write("salesforce/Contact.csv", HEADER + row(1, "", ""))
    assert folder.load().rows == 1


def test_a7_a_field_may_be_as_long_as_salesforces_longest(folder: Folder) -> None:
    folder.write("salesforce/Contact.csv", HEADER + row(1, "", "x" * 1_600_000) + row(2, "", ""))
    assert folder.load().rejected == 0
    assert numbers(folder) == [1, 2]
    assert len(folder.payloads(TABLE)[0]["Title"]) == 1_600_000


def test_a8_a_reject_of_several_lines_says_how_many(folder: Folder) -> None:
    broken = "".join(row(n, 'a"b', "") for n in range(2, 1002))
    folder.write("salesforce/Contact.csv", HEADER + row(1, "", "") + broken + row(1002, "", ""))
    folder.load()
    assert numbers(folder) == [1, 1002]
    assert folder.rejects() == [(3, "broken_csv: 1000 lines")]


def test_a9_a_growing_export_gives_only_its_new_records(folder: Folder) -> None:
    text = HEADER + row(1, "", "a\nb") + row(2, "", "c\nd")
    file = "salesforce/Contact.csv"
    folder.write(file, text[:10])
    assert folder.load().rows == 0
    taken = []
    for start, stop in ((10, 60), (60, 120), (120, 130), (130, len(text))):
        folder.append(file, text[start:stop])
        taken.append(folder.load().rows)
    assert sum(taken) == 2
    assert numbers(folder) == [1, 2]
    assert folder.places(TABLE) == [(file, 2, 0), (file, 4, 0)]
    folder.write("salesforce/Contact (1).csv", text)
    assert folder.load().rows == 0
    folder.write("salesforce/Lead.csv", text)
    assert folder.load().rows == 2


def test_a9_a_last_record_without_an_end_waits_and_is_taken_when_nothing_follows(
    folder: Folder,
) -> None:
    file = "salesforce/Contact.csv"
    folder.write(file, HEADER + row(1, "", "") + row(2, "", "").rstrip())
    assert folder.load().rows == 1
    folder.age(file)
    assert folder.load().rows == 1
    assert numbers(folder) == [1, 2]
    cut = "salesforce/Contact_cut.csv"
    folder.write(cut, HEADER + row(7, "", "") + row(8, "", 'a "" b\nc')[:-9], is_old=True)
    folder.load()
    assert folder.rejects() == [(3, "truncated")]
    folder.write(cut, HEADER + row(7, "", "") + row(8, "", 'a "" b\nc'))
    folder.load()
    assert numbers(folder) == [1, 2, 7, 8]


def test_a9_a_record_given_up_between_two_fields_is_taken_when_the_rest_comes(
    folder: Folder,
) -> None:
    text = HEADER + row(1, "", "") + row(2, "a", "b")
    file = "salesforce/Contact.csv"
    folder.write(file, text[: text.rindex(',"b"')], is_old=True)
    folder.load()
    assert folder.rejects() == [(3, "truncated")]
    folder.write(file, text)
    folder.load()
    assert numbers(folder) == [1, 2]
    assert folder.query("select line from raw.rejects where settled_at is null") == []


def test_old_macs_line_ends_are_line_ends(folder: Folder) -> None:
    text = HEADER + row(1, "", "") + row(2, "", "")
    folder.write("salesforce/Contact.csv", text.replace("\n", "\r"))
    folder.load()
    assert folder.places(TABLE) == [
        ("salesforce/Contact.csv", 2, 0),
        ("salesforce/Contact.csv", 3, 0),
    ]


def test_a8_a_truncated_gzip_loads_what_is_readable(folder: Folder) -> None:
    text = HEADER + "".join(row(n, f"{hash(str(n))}", "") for n in range(500))
    whole = gzip.compress(text.encode())
    folder.write("salesforce/Contact.csv.gz", whole[: len(whole) // 2], is_old=True)
    report = folder.load()
    assert 0 < report.rows < 500
    assert [reason for _, reason in folder.rejects()] == ["truncated_gzip"]
    folder.write("salesforce/Contact.csv.gz", whole)
    folder.load()
    assert numbers(folder) == list(range(500))


def test_a8_a_quote_that_is_never_closed_does_not_exhaust_memory(folder: Folder) -> None:
    filler = "x" * 200 + "\n"
    text = HEADER + row(1, "", "") + f'"{record_id(2)}","{STAMP}","' + filler * 100_000
    folder.write(
        "salesforce/Contact.csv", text + row(3, "", "").replace("\n", '\n"\n'), is_old=True
    )
    folder.load()
    assert numbers(folder) == [1, 3]
    assert [(line, reason[:22]) for line, reason in folder.rejects()][:1] == [
        (3, "broken_csv: more than ")
    ]
    assert len(folder.rejects()) <= 2  # what is left of the quote, behind the good one


@pytest.mark.parametrize("is_closed", [True, False])
def test_a8_a_record_that_is_too_long_is_one_reject(folder: Folder, is_closed: bool) -> None:
    long = f'"{record_id(2)}","{STAMP}","' + "x" * 30_000_000 + ('","y"\n' if is_closed else "\n")
    text = HEADER + row(1, "", "") + long + row(3, "", "") + row(4, "", "")
    folder.write("salesforce/Contact.csv", text, is_old=True)
    folder.load()
    assert numbers(folder) == [1, 3, 4]
    assert folder.rejects() == [(3, "broken_csv: more than 8388608 bytes in one record")]
    assert folder.load().files == 0


VALUES = st.text(st.sampled_from('ab,"\n\r ;é☃'), max_size=6)


@settings(max_examples=15, deadline=None)
@given(records=st.lists(st.tuples(VALUES, VALUES), max_size=6), cut=st.floats(0, 1))
def test_a9_any_cut_gives_the_same_records(records: list[tuple[str, str]], cut: float) -> None:
    rows = [
        row(number, *(value.replace('"', '""') for value in record))
        for number, record in enumerate(records)
    ]
    content = (HEADER + "".join(rows)).encode()
    at = int(cut * len(content))
    with tempfile.TemporaryDirectory() as directory:
        landing = Path(directory) / "landing"
        landing.mkdir()
        folder = Folder(landing, Warehouse(Path(directory) / "warehouse.duckdb"))
        folder.write("salesforce/Contact.csv", content[:at])
        folder.load()
        folder.append("salesforce/Contact.csv", content[at:])
        folder.load()
        payloads = folder.payloads(TABLE)
        assert folder.rejects() == []
    assert [(each["Email"] or "", each["Title"] or "") for each in payloads] == records
