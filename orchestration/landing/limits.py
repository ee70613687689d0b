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
    #: This much of a record that cannot be read is kept.
    reject_characters: int = 10_000
    #: A JSON value spread over several lines, or one line, is read whole: up to here.
    document_bytes: int = 256 * _MEBIBYTE
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
    #: Files are looked at, then loaded over one connection, in batches of this size.
    batch_files: int = 200
    batch_bytes: int = 256 * _MEBIBYTE
