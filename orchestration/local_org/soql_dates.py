"""SOQL's date literals (`TODAY`, `LAST_N_DAYS:30`) as half-open ranges of UTC days."""

import re
from datetime import date, timedelta

_LITERAL = re.compile(r"([A-Z_]+?)(?::(\d+))?", re.IGNORECASE)

#: Literals of one word: the unit, and how many units away the range begins and ends.
_FIXED = {
    "YESTERDAY": ("DAY", -1, 0),
    "TODAY": ("DAY", 0, 1),
    "TOMORROW": ("DAY", 1, 2),
    "LAST_WEEK": ("WEEK", -1, 0),
    "THIS_WEEK": ("WEEK", 0, 1),
    "NEXT_WEEK": ("WEEK", 1, 2),
    "LAST_MONTH": ("MONTH", -1, 0),
    "THIS_MONTH": ("MONTH", 0, 1),
    "NEXT_MONTH": ("MONTH", 1, 2),
    "LAST_YEAR": ("YEAR", -1, 0),
    "THIS_YEAR": ("YEAR", 0, 1),
    "NEXT_YEAR": ("YEAR", 1, 2),
    "LAST_90_DAYS": ("DAY", -90, 1),
    "NEXT_90_DAYS": ("DAY", 1, 91),
}
_COUNTED = re.compile(r"(LAST|NEXT)_N_(DAY|WEEK|MONTH|YEAR)S")
_AGO = re.compile(r"N_(DAY|WEEK|MONTH|YEAR)S_AGO")


def date_range(literal: str, today: date) -> tuple[date, date] | None:
    """Return first day and day after the last of a literal; None if SOQL has no such literal.

    `LAST_N_DAYS:n` includes today, the other `LAST_N_…` end before the current unit.
    Weeks begin on Sunday, as in the default locale.
    """
    match = _LITERAL.fullmatch(literal)
    if not match:
        return None
    word, count = match.group(1).upper(), match.group(2)
    found = _FIXED.get(word) if count is None else _counted(word, int(count))
    if found is None:
        return None
    unit, start, end = found
    return _shift(unit, today, start), _shift(unit, today, end)


def _counted(word: str, count: int) -> tuple[str, int, int] | None:
    if match := _COUNTED.fullmatch(word):
        direction, unit = match.groups()
        if direction == "NEXT":
            return unit, 1, count + 1
        return unit, -count, 1 if unit == "DAY" else 0
    if match := _AGO.fullmatch(word):
        return match.group(1), -count, 1 - count
    return None


def _shift(unit: str, today: date, count: int) -> date:
    """Return the first day of the unit that lies `count` units away."""
    if unit == "DAY":
        return today + timedelta(days=count)
    if unit == "WEEK":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday + timedelta(weeks=count)
    if unit == "MONTH":
        months = today.year * 12 + today.month - 1 + count
        return date(months // 12, months % 12 + 1, 1)
    return date(today.year + count, 1, 1)
