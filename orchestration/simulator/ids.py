"""Identifiers in the shapes that the real systems give out."""

from random import Random

CONTACT = "003"
LEAD = "00Q"
USER = "005"
INDIVIDUAL = "0PK"

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_PAIRS = tuple(high + low for high in _BASE64URL for low in _BASE64URL)
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "Hs0"


def checksum(id15: str) -> str:
    """Return the three characters that make a 15-character Salesforce id case-insensitive.

    Each character encodes which letters of one group of five are upper case.
    """
    return "".join(
        _CHECK[sum(1 << bit for bit, char in enumerate(id15[start : start + 5]) if char.isupper())]
        for start in (0, 5, 10)
    )


def salesforce_id(prefix: str, number: int) -> str:
    """Return the 18-character id of the `number`-th record of an object (by key prefix)."""
    digits = ""
    for _ in range(9):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    id15 = prefix + _POD + digits
    return id15 + checksum(id15)


def token(rng: Random) -> str:
    """Return 22 characters of base64url, as SendGrid's X-Message-ID looks."""
    bits = rng.getrandbits(132)
    pairs = []
    for _ in range(11):
        pairs.append(_PAIRS[bits & 4095])
        bits >>= 12
    return "".join(pairs)


def uuid(rng: Random) -> str:
    """Return a random version-4 UUID."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
