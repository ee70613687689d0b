"""Time in the simulated world: epoch seconds (UTC) inside, each system's notation outside."""

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from random import Random
from time import asctime, gmtime

MINUTE = 60
HOUR = 3600
DAY = 86400
WEEK = 7 * DAY

_FRIDAY = 4


@cache
def _day(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


@cache
def _mail_day(number: int) -> str:
    # The standard library's own formatter: strftime would follow the locale.
    return format_datetime(datetime.fromtimestamp(number * DAY, UTC))[:16]


_MINUTES = tuple(f"{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02}" for second in range(60))


def iso(at: int) -> str:
    """Return `2026-10-22T21:03:23Z`."""
    day, rest = divmod(at, DAY)
    return f"{_day(day)}T{_MINUTES[rest // 60]}{_SECONDS[rest % 60]}Z"


def salesforce_time(at: int) -> str:
    """Return `2026-10-22T21:03:23.000+0000`, as Salesforce's REST API writes it."""
    return f"{iso(at)[:-1]}.000+0000"


def day_name(at: int) -> str:
    """Return the UTC date as `2026-10-22`."""
    return _day(at // DAY)


def mail_date(at: int, offset_hours: int = 0) -> str:
    """Return an RFC 5322 date in a zone `offset_hours` east of Greenwich."""
    day, rest = divmod(at + offset_hours * HOUR, DAY)
    return f"{_mail_day(day)} {_MINUTES[rest // 60]}{_SECONDS[rest % 60]} {offset_hours:+03}00"


def postmark(at: int) -> str:
    """Return the date of an mbox separator line."""
    return asctime(gmtime(at))


def midnight(day: date) -> int:
    """Return the epoch second at which `day` begins in UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def working_moment(rng: Random, not_before: int) -> int:
    """Return a moment in sales hours (07:00 to 17:00 UTC, Monday to Friday), soon enough."""
    day, second = divmod(not_before, DAY)
    if second > 16 * HOUR:
        day, second = day + 1, 0
    weekday = (day + 3) % 7
    if weekday > _FRIDAY:
        day, second = day + 7 - weekday, 0
    first = max(second, 7 * HOUR)
    return day * DAY + first + int(rng.random() * (17 * HOUR - first))
