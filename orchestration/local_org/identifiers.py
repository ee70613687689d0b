"""Salesforce record ids: 15 characters that mind their case, or 18 with a suffix that guards it."""

import re

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")

#: Where this org's own records live, so that they never meet ids from a seed.
POD = "TL0"


def suffix(id15: str) -> str:
    """Return the three characters that say which of the 15 are upper case."""
    return "".join(
        _ALPHABET[
            sum(1 << bit for bit, letter in enumerate(id15[at : at + 5]) if "A" <= letter <= "Z")
        ]
        for at in (0, 5, 10)
    )


def canonical(identifier: object) -> str | None:
    """Return the 18-character form of a 15- or 18-character id, or None if it is no id.

    The first 15 characters are case-sensitive; an 18-character id must carry their suffix.
    """
    if not isinstance(identifier, str) or not _SHAPE.fullmatch(identifier):
        return None
    id15 = identifier[:15]
    expected = suffix(id15)
    if len(identifier) == 18 and identifier[15:].upper() != expected:
        return None
    return id15 + expected


def build(key_prefix: str, number: int) -> str:
    """Return the id of this org's `number`-th record of an object, in ascending order."""
    digits = ""
    for _ in range(12 - len(POD)):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    id15 = key_prefix + POD + digits
    return id15 + suffix(id15)
