"""Rejected and skipped records by reason: where to look, and what to do about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from orchestration.landing.reasons import SEPARATOR, SKIPPED, remedy

#: Of the values that the rejects of a reason name, so many are shown; the most frequent ones.
_VARIANTS_SHOWN = 3

# A warehouse that this version has not written to yet lacks the column. An example that is still
# open, and the newest of these, is the one that somebody finds as it is described.
_REJECTS = """
with

rejects as (

    select * from raw.rejects
    union all by name
    select cast(null as timestamp) as settled_at where false

),

by_variant as (

    select
        source,
        split_part(reason, $separator, 1) as kind,
        substr(reason, length(kind) + length($separator) + 1) as variant,
        count(*) as records,
        count(*) filter (settled_at is null) as open_records,
        arg_max(
            struct_pack(file := file, line := line),
            struct_pack(is_open := settled_at is null, load_id := load_id, line := -line)
        ) as place
    from rejects
    where $with_settled or settled_at is null
    group by all

)

select
    source,
    kind,
    list(struct_pack(variant := variant, records := records) order by records desc, variant)
        filter (variant != '') as variants,
    cast(sum(records) as bigint) as records,
    cast(sum(open_records) as bigint) as open_records,
    arg_max(
        place, struct_pack(open_records := open_records, records := records, variant := variant)
    ) as place
from by_variant
group by source, kind
order by open_records desc, records desc, source, kind
"""

#: They are values of records: enough to recognise one, no more.
_VARIANT_CHARACTERS = 40

_SKIPS = """
select source, reason, cast(sum(records) as bigint) as records
from raw.skipped
group by source, reason
order by records desc, source, reason
"""


@dataclass(frozen=True)
class Rejects:
    """The rejects of one source and reason; `variants` are the values that the reason names.

    `open_records` are those of which something can be done still; `line` is None where the whole
    of `file` is meant.
    """

    source: str
    reason: str
    variants: Sequence[tuple[str, int]]
    records: int
    open_records: int
    file: str
    line: int | None

    @property
    def example(self) -> str:
        """Where one of them is."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def remedy(self) -> str:
        """What to do about them."""
        return remedy(self.reason)

    @property
    def told(self) -> str:
        """The reason, with the most frequent of its variants."""
        if not self.variants:
            return self.reason
        if len(self.variants) == 1:
            return f"{self.reason}{SEPARATOR}{_short(self.variants[0][0])}"
        shown = ", ".join(
            f"{_short(name)} ({count:,})" for name, count in self.variants[:_VARIANTS_SHOWN]
        )
        more = len(self.variants) - _VARIANTS_SHOWN
        return f"{self.reason}{SEPARATOR}{shown}" + (f" and {more:,} more" if more > 0 else "")

    def as_json(self) -> dict[str, Any]:
        """Return the figures, and what to do."""
        return {
            "source": self.source,
            "reason": self.reason,
            "variants": [{"value": name, "records": count} for name, count in self.variants],
            "records": self.records,
            "open": self.open_records,
            "example": self.example,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class Skips:
    """Records of one source that are known to be none of ours: counted, not kept."""

    source: str
    reason: str
    records: int

    @property
    def meaning(self) -> str:
        """What such records are."""
        return SKIPPED.get(self.reason, "")

    def as_json(self) -> dict[str, Any]:
        """Return the figures, and what such records are."""
        return {
            "source": self.source,
            "reason": self.reason,
            "records": self.records,
            "meaning": self.meaning,
        }


def read_rejects(connection: DuckDBPyConnection, *, with_settled: bool = False) -> list[Rejects]:
    """Return rejects by source and reason, the most frequent first; settled ones if asked for."""
    rows = connection.execute(
        _REJECTS, {"separator": SEPARATOR, "with_settled": with_settled}
    ).fetchall()
    return [
        Rejects(
            source,
            reason,
            [(each["variant"], each["records"]) for each in variants or ()],
            records,
            open_records,
            place["file"],
            place["line"],
        )
        for source, reason, variants, records, open_records, place in rows
    ]


def read_skips(connection: DuckDBPyConnection) -> list[Skips]:
    """Return skipped records by source and reason, the most frequent first."""
    return [Skips(*row) for row in connection.execute(_SKIPS).fetchall()]


def _short(text: str) -> str:
    return text if len(text) <= _VARIANT_CHARACTERS else f"{text[: _VARIANT_CHARACTERS - 1]}…"
