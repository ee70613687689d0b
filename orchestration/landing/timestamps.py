"""Checks of the times that providers write: SQL that refuses what is no time, or cannot be true."""

from orchestration.landing.record_sql import Check

#: Nothing that these records tell of happened before 2000, nor will it after 2099 (UTC).
_FIRST_SECOND, _LAST_SECOND = 946_684_800, 4_102_444_799

_NUMBER = "try_cast({value} as double)"
#: Of milliseconds, 1e11 is March 1973; of seconds, the year 5138.
_SECONDS = f"{_NUMBER} / case when {_NUMBER} > 1e11 then 1000 else 1 end"
_EPOCH_REFUSED = f"coalesce({_SECONDS} not between {_FIRST_SECOND} and {_LAST_SECOND}, true)"

_ISO = "try_cast({value} as timestamptz)"


def not_plausible(cast: str) -> str:
    """Return the SQL that refuses a `cast` of `{value}` to a timestamp: none, or none of ours."""
    return f"coalesce(year({cast}) not between 2000 and 2099, true)"


def time_reason(cast: str) -> str:
    """Return the SQL of why a time is refused, by what the `cast` of `{value}` makes of it."""
    return (
        f"case when {cast} is null then 'invalid_timestamp' "
        "else 'implausible_timestamp: ' || left({value}, 100) end"
    )


def epoch_check(*keys: str) -> Check:
    """Return the check of a time in seconds or milliseconds since 1970, as a number or its text."""
    return Check(keys, _EPOCH_REFUSED, time_reason(_NUMBER))


def iso_check(*keys: str, is_optional: bool = False) -> Check:
    """Return the check of a time in ISO 8601; a record may do without one that `is_optional`."""
    return Check(keys, not_plausible(_ISO), time_reason(_ISO), is_optional)
