"""The bounds of a load: how long to wait for the rest of a file, how much to hold in memory."""

from dataclasses import dataclass

_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds, each with a default that suits a small machine.

    A file that has not been touched for `settle_seconds` is taken to be finished: what is still
    cut short then is a reject, not something to wait for.
    """

    settle_seconds: float = 3600.0
    reject_characters: int = 10_000
    slice_bytes: int = 16 * _MEBIBYTE
    #: A JSON value spread over several lines, or one line, is read whole: up to here.
    document_bytes: int = 256 * _MEBIBYTE
    mail_bytes: int = 64 * _MEBIBYTE
    #: Files are inspected, then loaded over one connection, in batches of this size.
    batch_files: int = 200
    batch_bytes: int = 256 * _MEBIBYTE
