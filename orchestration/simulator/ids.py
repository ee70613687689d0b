"""Identifiers in the shapes that the real systems give out."""

from base64 import urlsafe_b64encode
from functools import lru_cache
from random import Random

CONTACT = "003"
LEAD = "00Q"
USER = "005"
INDIVIDUAL = "0PK"

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "Hs0"


def checksum(id15: str) -> str:
    """Return the three characters that make a 15-character Salesforce id case-insensitive.

    Each character encodes which letters of one group of five are upper case.
    """
    return _sign(id15[:5]) + _sign(id15[5:10]) + _sign(id15[10:])


@lru_cache(4096)
def _sign(group: str) -> str:
    return _CHECK[sum(1 << bit for bit, char in enumerate(group) if char.isupper())]


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
    return urlsafe_b64encode(rng.randbytes(18))[:22].decode()


def uuid(rng: Random) -> str:
    """Return a random version-4 UUID."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
