"""The moment that a story is told as of: how people write one, and how machines read it."""

from datetime import UTC, date, datetime, time


class MomentError(ValueError):
    """A moment cannot be read; the message shows how one is written."""


def parse_moment(text: str) -> datetime:
    """Return a moment as UTC without zone. A date alone means its end, a time without zone is UTC.

    Raises:
        MomentError: it is neither a date nor a time.
    """
    text = text.strip()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return datetime.combine(day, time.max)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MomentError(
            f"{text!r} is no moment. Give a date such as 2026-11-20, which means its end, or a "
            f"time such as 2026-11-20T12:00 in UTC."
        ) from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def iso(moment: datetime) -> str:
    """Return a UTC moment as machines read it, to the second where that is all there is to it."""
    return f"{moment.isoformat()}Z"
