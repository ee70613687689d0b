"""A spike of rejects (L7): a source of which suddenly more cannot be read than is usual."""

from collections.abc import Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.landing.ledger import UNRECOGNISED

# The newest loads of a source are those of its last day; the month before them is what is usual.
# Snapshots of Salesforce are loads without files.
_LOADS = """
with loads as (

    select
        *,
        loaded_at > max(loaded_at) over (partition by source) - interval 1 day as is_recent,
        loaded_at > max(loaded_at) over (partition by source) - interval 31 days as is_in_a_month
    from raw.loads
    where source != 'salesforce'

)
"""

_LOADED = (
    _LOADS
    + """
select
    source,
    coalesce(sum("rows") filter (is_recent), 0) as loaded,
    sum(rejected) filter (is_in_a_month and not is_recent)
        / nullif(sum("rows" + rejected) filter (is_in_a_month and not is_recent), 0) as usual_share
from loads
group by source
order by source
"""
)

# Settled ones are no trouble any more (though they are part of what is usual).
_REJECTED = (
    _LOADS
    + """
select
    source,
    split_part(rejects.reason, ': ', 1) as kind,
    count(*) as records,
    count(distinct file) filter (loads.bytes = 0) as lost_files
from raw.rejects as rejects
inner join loads using (load_id, source, file)
where rejects.settled_at is null and loads.is_recent
group by source, kind
order by records desc, kind
"""
)


@dataclass(frozen=True)
class RejectShare:
    """How much of a source's newest loads could not be read, and how much usually cannot.

    `lost_files` are those of which nothing at all was taken in; `reasons` count open rejects.
    """

    source: str
    loaded: int
    reasons: Mapping[str, int]
    lost_files: int
    usual_share: float

    @property
    def rejected(self) -> int:
        """Open rejects of the newest loads."""
        return sum(self.reasons.values())

    @property
    def share(self) -> float:
        """Rejects among all records of the newest loads."""
        return self.rejected / (self.loaded + self.rejected) if self.rejected else 0.0

    def is_spike(self, share: float, minimum: int) -> bool:
        """Tell whether somebody has to see this.

        At least `minimum` records were rejected, more than `share` of all, and three times the
        usual share (or, where that is more than can be, half of what is usually read). A file of
        which nothing was taken in is one reject and may have been a day's work: it always counts.
        """
        is_usual = self.share <= min(3 * self.usual_share, (1 + self.usual_share) / 2)
        is_much = self.rejected >= minimum and self.share > share and not is_usual
        return is_much or (self.lost_files > 0 and self.source != UNRECOGNISED)

    def __str__(self) -> str:
        """Say it for people."""
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.items())
        lost = f"; files of which nothing could be read: {self.lost_files:,}"
        return (
            f"{self.rejected:,} of {self.loaded + self.rejected:,} records rejected "
            f"({self.share:.1%}, usually {self.usual_share:.1%}): {reasons}"
            f"{lost if self.lost_files else ''}"
        )


def reject_shares(connection: DuckDBPyConnection) -> list[RejectShare]:
    """Return how much of each source's newest loads was rejected; only sources with rejects."""
    reasons: dict[str, dict[str, int]] = {}
    lost: dict[str, int] = {}
    for source, reason, records, lost_files in connection.execute(_REJECTED).fetchall():
        reasons.setdefault(source, {})[reason] = records
        lost[source] = lost.get(source, 0) + lost_files
    return [
        RejectShare(source, int(loaded), reasons[source], lost[source], usual_share or 0.0)
        for source, loaded, usual_share in connection.execute(_LOADED).fetchall()
        if source in reasons
    ]
