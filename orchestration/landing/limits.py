"""The bounds of a load: how long to wait for the rest of a file, how much to hold in memory."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from orchestration.landing.mail_limits import MailLimits

_MEBIBYTE = 1 << 20
_UNITS = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_NUMBER = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?) ?(kib|mib|gib|)", re.IGNORECASE)

_SECONDS = "settle_seconds"
#: These may be nothing at all; everything else is at least one, and a whole number.
_MAY_BE_ZERO = frozenset({_SECONDS, "reject_characters"})


class LimitsError(ValueError):
    """A limit that there is not, or a value that is none; the message says how to mend it."""


@dataclass(frozen=True)
class Limits:
    """Bounds, each with a default that suits a small machine.

    A file that has not been touched for `settle_seconds` is taken to be finished: what is still
    cut short then is a reject, not something to wait for.
    """

    settle_seconds: float = 3600.0
    #: This much of a record that cannot be read is kept.
    reject_characters: int = 10_000
    #: A line, or a JSON value that spreads over lines, is held whole: up to here.
    document_bytes: int = 16 * _MEBIBYTE
    mail_bytes: int = 64 * _MEBIBYTE
    #: A gzip file may grow to this size, or to this multiple of its own; logs shrink 10 to 30
    #: times, DEFLATE at most 1,032 times.
    inflated_bytes: int = 1024 * _MEBIBYTE
    inflation_ratio: int = 200
    #: Records go into the warehouse by so many: DuckDB compresses and writes row groups of 122,880
    #: rows at once, and would keep anything less in memory until the file is done.
    frame_rows: int = 2 * 122_880
    #: Text taken in before a frame is handed on, however few its records are.
    frame_bytes: int = 256 * _MEBIBYTE
    #: What the database may hold of a file until it is done; more goes to disk, if it can.
    database_bytes: int = 2048 * _MEBIBYTE
    #: Files are looked at, then loaded over one connection, in batches of this size.
    batch_files: int = 200
    batch_bytes: int = 256 * _MEBIBYTE

    #: Of one mail: what lies beyond is left out, the mail goes in.
    mail: MailLimits = field(default_factory=MailLimits)

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "Limits":
        """Return the defaults but for some values: numbers, or texts such as `64 MiB`.

        Those of a mail are named `mail.parts`, or stand in a mapping `mail`.

        Raises:
            LimitsError: no such limit, or no such value.
        """
        found: dict[str, dict[str, Any]] = {"": {}, "mail.": {}}
        for name, value in _flat(values):
            prefix = "mail." if name.startswith("mail.") else ""
            found[prefix][name.removeprefix(prefix)] = _number(name, value)
        return replace(cls(mail=replace(MailLimits(), **found["mail."])), **found[""])

    @classmethod
    def names(cls) -> list[str]:
        """Return what may be set."""
        own = [each.name for each in fields(cls) if each.name != "mail"]
        return own + [f"mail.{each.name}" for each in fields(MailLimits)]


def _flat(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    known = Limits.names()
    for name, value in values.items():
        if name == "mail" and isinstance(value, Mapping):
            yield from _flat({f"mail.{below}": each for below, each in value.items()})
        elif name in known:
            yield name, value
        else:
            close = get_close_matches(name, known, 1) or known
            raise LimitsError(f"There is no limit {name!r}. Try {', '.join(close)}.")


def _number(name: str, value: object) -> Any:
    """Return what a value says, in seconds, bytes or pieces."""
    text = _NUMBER.fullmatch(str(value).strip())
    least = 0 if name in _MAY_BE_ZERO else 1
    number = float(text[1]) * _UNITS[text[2].lower()] if text else -1.0
    if isinstance(value, bool) or number < least or not (number.is_integer() or name == _SECONDS):
        raise LimitsError(
            f"The limit {name}={value!r} is none. Give a whole number of at least {least}, "
            f"such as 5000 or 64 MiB."
        )
    return number if name == _SECONDS else int(number)
