"""The CSV of bulk jobs, written and read."""

import csv
import io
import math
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.crm import bulk_csv
from orchestration.crm.bulk_csv import from_csv, to_csv
from orchestration.crm.client import CrmUnavailableError, Record

PARIS = timezone(timedelta(hours=1))
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
).filter(lambda text: text != "#N/A")


def test_id_comes_first_then_the_fields_by_name() -> None:
    records: list[Record] = [
        {"Title": "CTO", "Id": "b", "Email": None},
        {"Id": "a", "Phone": "1"},
    ]
    assert to_csv(records) == b"Id,Email,Phone,Title\nb,#N/A,,CTO\na,,1,\n"


def test_the_bytes_are_the_same_in_every_process() -> None:
    ask = (
        "from orchestration.crm.bulk_csv import to_csv;"
        "print(to_csv([{name: 1 for name in {'Id', 'B__c', 'A__c', 'C__c'}}]))"
    )
    bodies = {
        subprocess.run(
            [sys.executable, "-c", ask],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert bodies == {"b'Id,A__c,B__c,C__c\\n1,1,1,1\\n'\n"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "#N/A"),
        ("", "#N/A"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (Decimal("12.50"), "12.50"),
        (date(2026, 12, 1), "2026-12-01"),
        (datetime(2026, 12, 1, 3, 4, 5, 678_900, UTC), "2026-12-01T03:04:05.678Z"),
        (datetime(2026, 12, 1, 0, 30, tzinfo=PARIS), "2026-11-30T23:30:00.000Z"),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("one\ntwo", '"one\ntwo"'),
        ("one\r\ntwo\rthree", '"one\r\ntwo\rthree"'),
        (" spaced ", '" spaced "'),
        ("Zoë 🙂", "Zoë 🙂"),
    ],
)  # fmt: skip
def test_a_value_as_salesforce_reads_it(value: object, cell: str) -> None:
    assert to_csv([{"Id": "a", "F__c": value}]) == f"Id,F__c\na,{cell}\n".encode()


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, Decimal("NaN"), datetime(2026, 12, 1), "#N/A", "x" * 32_001,  # noqa: DTZ001
        "nul\0", "half \ud83d", b"bytes", ["a"], {"a": 1},
    ],
)  # fmt: skip
def test_a_value_that_csv_cannot_carry_is_refused_by_its_field_and_not_quoted(
    value: object,
) -> None:
    with pytest.raises(ValueError, match=r"^F__c: ") as caught:
        to_csv([{"Id": "a", "F__c": value}])
    assert "nul" not in str(caught.value)
    assert "half" not in str(caught.value)


def test_more_bytes_than_a_job_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_csv, "BYTES_PER_JOB", 30)
    assert len(to_csv([{"Id": "a", "F__c": "x" * 19}])) == 30
    with pytest.raises(ValueError, match="31 bytes"):
        to_csv([{"Id": "a", "F__c": "x" * 20}])


@given(st.lists(st.dictionaries(st.sampled_from(["A__c", "B__c"]), TEXT), min_size=1, max_size=5))
def test_any_text_comes_through_as_it_is(fields: list[dict[str, str]]) -> None:
    records = [{"Id": str(at), **each} for at, each in enumerate(fields)]
    body = to_csv(records)
    assert not body.startswith(b"\xef\xbb\xbf")
    for rows in (
        list(csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True)),
        list(from_csv(body)),
    ):
        assert [{k: v for k, v in row.items() if v != ""} for row in rows] == records


def test_results_are_utf_8_whatever_the_header_says_and_keep_their_line_breaks() -> None:
    body = 'sf__Id,sf__Created,Title\n003,false,"Zoë\r\nand\nco"\n'.encode()
    expected = {"sf__Id": "003", "sf__Created": "false", "Title": "Zoë\r\nand\nco"}
    assert list(from_csv(body)) == [expected]
    assert list(from_csv(b"\xef\xbb\xbf" + body)) == [expected]
    assert list(from_csv(b"")) == list(from_csv(b"sf__Id,sf__Error\n")) == []


@pytest.mark.parametrize("body", [b"a,b\n1\n", b"a\n1,2\n", b"a\n\xff\n", b'a\n"cut'])
def test_results_that_cannot_be_read_are_no_results(body: bytes) -> None:
    with pytest.raises(CrmUnavailableError, match="bulk job's results"):
        list(from_csv(body))
