"""Loading files again though their content is known: what was refused before may be read now.

A raw row is never changed and never there twice: of what a reload reads, only what earlier loads
of the same content did not take is added. A record is known by its line and its payload.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.formats import Format
from orchestration.landing.ledger import source_of
from orchestration.landing.names import fitting
from orchestration.landing.piece import Outcome, Target
from orchestration.landing.place import place_of
from orchestration.landing.tables import create_raw_tables
from orchestration.warehouse import Warehouse


def request_reload(
    warehouse: Warehouse, landing: Path | BucketUrl, patterns: Sequence[str]
) -> list[str]:
    """Have files loaded again by the next pass, and return their names.

    `patterns` are paths inside the landing folder; `*` stands for anything, folders included.

    Raises:
        NoSuchFileError: a pattern that fits no file.
        StorageError: the bucket cannot be listed.
    """
    place = place_of(landing, warehouse.path.parent)
    sources = {found.file: source_of(found) for found in place.files()}
    wanted = fitting(patterns, sources, "in the landing folder")
    at = datetime.now(UTC).replace(tzinfo=None)
    with warehouse.connect() as connection:
        create_raw_tables(connection)
        connection.executemany(
            "insert into raw.reloads (source, file, requested_at) values (?, ?, ?)",
            [[sources[file], file, at] for file in wanted],
        )
    return wanted


_EARLIER = """
with earlier_loads as (

    select unnest($load_ids::bigint[]) as load_id, unnest($files::varchar[]) as file

)
"""

_FORGET_ROWS = (
    _EARLIER
    + """
delete from {table}
where
    load_id = $load_id
    and file = $file
    and (line, md5(payload)) in (
        select (earlier.line, md5(earlier.payload))
        from {table} as earlier
        inner join earlier_loads using (load_id, file)
    )
"""
)

_SAME_REJECT = """
    one.line is not distinct from other.line
    and one.reason = other.reason
    and one.payload is not distinct from other.payload
"""

_SETTLE_OTHERS = (
    _EARLIER
    + f"""
update raw.rejects as one set settled_at = $at
where
    settled_at is null
    and (load_id, file) in (select (load_id, file) from earlier_loads)
    and not exists (
        select 1 from raw.rejects as other
        where other.load_id = $load_id and other.file = $file and {_SAME_REJECT}
    )
"""
)

_FORGET_REJECTS = (
    _EARLIER
    + f"""
delete from raw.rejects as one
where
    load_id = $load_id
    and file = $file
    and exists (
        select 1
        from raw.rejects as other
        inner join earlier_loads using (load_id, file)
        where other.settled_at is null and {_SAME_REJECT}
    )
"""
)

#: A load may have counted a reason several times, each time for a part of its file.
_SKIPS = (
    _EARLIER
    + """
select
    reason,
    coalesce(sum(records) filter (load_id = $load_id and file = $file), 0) as fresh,
    coalesce(sum(records) filter (earlier_loads.load_id is not null), 0) as known
from raw.skipped
left join earlier_loads using (load_id, file)
group by reason
"""
)


@dataclass(frozen=True)
class EarlierLoads:
    """The loads that took in the content of a file, under whatever name: (load id, file)."""

    loads: Sequence[tuple[int, str]]

    @classmethod
    def of(cls, target: Target, form: Format, contents: Collection[str]) -> "EarlierLoads":
        """Find the loads of contents (by hash) that a file begins with."""
        found = target.connection.execute(
            "select distinct load_id, file from raw.loads "
            "where source = ? and load_id != ? and list_contains(?, content_hash)",
            [form.source, target.load_id, list(contents)],
        ).fetchall()
        scope = form.scope(target.file)
        return cls([(load_id, file) for load_id, file in found if form.scope(file) == scope])

    def subtract(self, target: Target, outcome: Outcome) -> None:
        """Take out of a load, and of its figures, what these loads brought already.

        Rejects that are known stay as they were; the others of these loads are settled.
        """
        place = {"load_id": target.load_id, "file": target.file}
        earlier = {
            "load_ids": [load_id for load_id, _ in self.loads],
            "files": [file for _, file in self.loads],
        }
        forget_rows = _FORGET_ROWS.format(table=target.table)
        outcome.rows -= target.execute(forget_rows, place | earlier)
        target.execute(_SETTLE_OTHERS, place | earlier | {"at": target.loaded_at})
        outcome.rejected -= target.execute(_FORGET_REJECTS, place | earlier)
        counts = target.connection.execute(_SKIPS, place | earlier).fetchall()
        target.connection.execute(
            "delete from raw.skipped where load_id = $load_id and file = $file", place
        )
        outcome.skipped = 0
        for reason, fresh, known in counts:
            if fresh > known:
                target.connection.execute(
                    "insert into raw.skipped values (?, ?, ?, ?, ?)",
                    [target.load_id, target.source, target.file, reason, fresh - known],
                )
                outcome.skipped += int(fresh - known)
