"""A moment is a date, which means its end, or a time, which is UTC unless it says otherwise."""

from datetime import datetime

import pytest

from orchestration.explain.moments import MomentError, iso, parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", "2026-11-20 23:59:59.999999"),
        ("2026-11-20T12:00", "2026-11-20 12:00:00"),
        (" 2026-11-20 12:00:05 ", "2026-11-20 12:00:05"),
        ("2026-11-20T12:00Z", "2026-11-20 12:00:00"),
        ("2026-11-20T12:00+02:00", "2026-11-20 10:00:00"),
    ],
)
def test_a_moment_is_read_as_utc(text: str, moment: str) -> None:
    assert parse_moment(text) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-31", "12:00"])
def test_what_is_no_moment_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(MomentError, match="2026-11-20T12:00 in UTC"):
        parse_moment(text)


def test_machines_get_iso_8601_in_utc() -> None:
    assert iso(datetime.fromisoformat("2026-11-20 12:00")) == "2026-11-20T12:00:00Z"
