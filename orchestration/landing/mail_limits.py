"""The bounds of one mail: how much of what others wrote is looked at."""

from dataclasses import dataclass

_KIBIBYTE = 1 << 10


@dataclass(frozen=True)
class MailLimits:
    """Bounds that no honest mail comes near; what lies beyond is left out, the mail goes in."""

    #: Headers of one mail, all together.
    header_bytes: int = 16 * 1024 * _KIBIBYTE
    #: One header, or all with addresses of one name; Message-IDs are taken from the whole of it.
    field_bytes: int = 64 * _KIBIBYTE
    #: A text such as the subject, as it is kept.
    field_characters: int = 2_000
    #: Headers of one name: `Received` tells of some ten stations, of a hundred in a loop.
    same_fields: int = 200
    #: Addresses kept of one header.
    addresses: int = 1_000
    #: Message-IDs kept of one header: the first, which began the thread, and the last.
    message_ids: int = 200
    parts: int = 10_000
    #: Parts within parts.
    depth: int = 20
    #: Recipients that one delivery report tells of.
    reports: int = 1_000
    #: The text as it is kept, and what it is made of.
    body_characters: int = 20_000
    body_bytes: int = 256 * _KIBIBYTE
