"""When a reject is settled: its file holds other content, went on where it was cut off, is gone.

Rows of `raw.rejects` are never deleted; `settled_at` stays empty as long as a reject is open. Each
statement here belongs into the transaction of the file that it speaks of.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from orchestration.landing.names import fitting
from orchestration.landing.piece import Target
from orchestration.landing.reasons import CUT_OFF
from orchestration.landing.tables import create_raw_tables
from orchestration.warehouse import Warehouse

_SETTLE_REPLACED = """
update raw.rejects set settled_at = $at
where
    file = $file
    and load_id != $load_id
    and settled_at is null
    and (
        ($has_gone_on and list_contains($cut_off, split_part(reason, ': ', 1)))
        or load_id not in (
            select load_id from raw.loads
            where source = $source and file = $file and list_contains($contents, content_hash)
        )
    )
"""

#: What concerned a file as a whole: nothing of it was taken, so its load knows no content.
_SETTLE_PROBLEMS = """
update raw.rejects set settled_at = $at
where
    file = $file
    and settled_at is null
    and load_id in (
        select load_id from raw.loads where file = $file and content_hash is null
    )
"""


def settle_replaced(target: Target, contents: Collection[str], *, has_gone_on: bool) -> None:
    """Settle what a file's earlier contents left: it was mended, replaced or rotated away.

    `contents` are the hashes of what the file begins with now; a reject of one of these is still
    in there. `has_gone_on`: what was cut off at its end has been read anew by this load.
    """
    target.connection.execute(
        _SETTLE_REPLACED,
        {
            "source": target.source,
            "file": target.file,
            "load_id": target.load_id,
            "at": target.loaded_at,
            "contents": list(contents),
            "has_gone_on": has_gone_on,
            "cut_off": list(CUT_OFF),
        },
    )


def settle_problems(connection: DuckDBPyConnection, file: str, at: datetime) -> None:
    """Settle what kept a file out as a whole: it has gone, or something else keeps it out now."""
    connection.execute(_SETTLE_PROBLEMS, {"file": file, "at": at})


def settle_by_hand(warehouse: Warehouse, patterns: Sequence[str]) -> dict[str, int]:
    """Settle the open rejects of files that nobody will mend; return how many of which file.

    `patterns` are paths inside the landing folder; `*` stands for anything, folders included.

    Raises:
        NoSuchFileError: a pattern that fits no file with open rejects.
        NoWarehouseError: nothing has been loaded yet.
    """
    with warehouse.connect(read_only=True):
        pass  # one that is not there yet must not be made
    with warehouse.connect() as connection:
        create_raw_tables(connection)
        counts = dict(
            connection.execute(
                "select file, count(*) from raw.rejects where settled_at is null group by file"
            ).fetchall()
        )
        files = fitting(patterns, sorted(counts), "with open rejects")
        connection.execute(
            "update raw.rejects set settled_at = ? "
            "where settled_at is null and list_contains(?, file)",
            [datetime.now(UTC).replace(tzinfo=None), files],
        )
    return {file: counts[file] for file in files}
