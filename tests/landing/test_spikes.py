"""L7: a spike of rejects is seen, and what is usual, little or settled is none."""

from datetime import datetime, timedelta

import pytest

from orchestration.landing.settling import settle_by_hand
from orchestration.landing.spikes import RejectShare, reject_shares
from tests.landing.folder import Folder, events

SHARE, MINIMUM = 0.05, 10
BROKEN = "upstream connect error\n"


def share(
    loaded: int, rejected: int, *, usual: float = 0.0, lost_files: int = 0, source: str = "ses"
) -> RejectShare:
    return RejectShare(source, loaded, {"broken_json": rejected}, lost_files, usual)


@pytest.mark.parametrize(
    ("case", "is_spike"),
    [
        (share(100, 0), False),
        (share(100, 9), False),
        (share(100, 10), True),
        (share(0, 10), True),
        (share(191, 10), False),
        (share(189, 10), True),
        (share(700, 300, usual=0.1), False),
        (share(690, 310, usual=0.1), True),
        (share(30, 70, usual=0.5), False),
        (share(20, 80, usual=0.5), True),
        (share(0, 100, usual=1.0), False),
        (share(1000, 1, lost_files=1), True),
        (share(0, 3, lost_files=3, source="unrecognised"), False),
        (share(0, 10, lost_files=10, source="unrecognised"), True),
    ],
)
def test_l7_a_spike_is_many_and_more_than_usual(case: RejectShare, is_spike: bool) -> None:
    assert case.is_spike(SHARE, MINIMUM) is is_spike


def date_loads(folder: Folder, load_id: int, days_ago: float) -> None:
    """Make a load look as if it had been some days before the others."""
    at = datetime.fromisoformat("2026-10-22 08:00:00") - timedelta(days=days_ago)
    with folder.warehouse.connect() as connection:
        connection.execute("update raw.loads set loaded_at = ? where load_id = ?", [at, load_id])


def shares(folder: Folder) -> dict[str, RejectShare]:
    with folder.warehouse.connect() as connection:
        return {each.source: each for each in reject_shares(connection)}


def test_l7_the_last_day_of_a_source_is_compared_with_the_month_before(folder: Folder) -> None:
    loads = [(40, 9, BROKEN * 100), (5, 3, BROKEN), (0.9, 10, BROKEN * 2), (0, 10, BROKEN * 3)]
    for number, (_, good, bad) in enumerate(loads):
        numbers = range(number * 100, number * 100 + good)
        folder.write(f"sendgrid/{number}.ndjson", events(*numbers) + bad)
        folder.load()
    folder.write("ses/a.ndjson", BROKEN)
    folder.load()
    for load_id, (days_ago, _, _) in enumerate(loads, 1):
        date_loads(folder, load_id, days_ago)
    found = shares(folder)
    assert (found["sendgrid"].loaded, found["sendgrid"].reasons) == (20, {"broken_json": 5})
    assert found["sendgrid"].usual_share == pytest.approx(1 / 4)
    assert str(found["sendgrid"]) == (
        "5 of 25 records rejected (20.0%, usually 25.0%): broken_json 5"
    )
    assert found["ses"].usual_share == 0


def test_l7_settled_rejects_are_no_trouble_any_more(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", BROKEN * 20)
    folder.load()
    assert shares(folder)["sendgrid"].is_spike(SHARE, MINIMUM)
    settle_by_hand(folder.warehouse, ["sendgrid/a.ndjson"])
    assert shares(folder) == {}


def test_l7_a_file_of_which_nothing_could_be_read_is_one_reject_and_is_seen(
    folder: Folder,
) -> None:
    folder.write("sendgrid/good.ndjson", events(*range(500)))
    folder.write("sendgrid/a.ndjson", "{}".encode("utf-16"))
    folder.load()
    found = shares(folder)["sendgrid"]
    assert found.is_spike(SHARE, MINIMUM)
    assert str(found).endswith("wrong_encoding 1; files of which nothing could be read: 1")
