"""What a load did, in figures for people and machines."""

from dataclasses import dataclass, field

from orchestration.landing.ledger import Load


@dataclass
class SourceCounts:
    """Figures of one source.

    `skipped`: records that are none of ours, such as subscription confirmations; `unchanged`:
    files with nothing new, known by look or content.
    """

    files: int = 0
    rows: int = 0
    rejected: int = 0
    skipped: int = 0
    unchanged: int = 0

    def add(self, load: Load) -> None:
        """Count what one file gave."""
        self.files += 1
        self.rows += load.rows
        self.rejected += load.rejected
        self.skipped += load.skipped

    def as_dict(self) -> dict[str, int]:
        """Return the figures by name."""
        return {
            "files": self.files,
            "rows": self.rows,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "unchanged": self.unchanged,
        }


@dataclass
class LoadReport:
    """Figures of one pass over the landing folder.

    `load_id` is None when nothing had to be written. `files` counts those that gave something
    new: rows, rejects, or bytes that wait for their rest.
    """

    load_id: int | None = None
    sources: dict[str, SourceCounts] = field(default_factory=dict)

    def of(self, source: str) -> SourceCounts:
        """Return the figures of a source, zeroes at first."""
        return self.sources.setdefault(source, SourceCounts())

    @property
    def files(self) -> int:
        """Files that gave something new."""
        return sum(counts.files for counts in self.sources.values())

    @property
    def rows(self) -> int:
        """Raw records loaded."""
        return sum(counts.rows for counts in self.sources.values())

    @property
    def rejected(self) -> int:
        """Records, or whole files, kept in `raw.rejects`."""
        return sum(counts.rejected for counts in self.sources.values())

    @property
    def skipped(self) -> int:
        """Records that are none of ours, counted in `raw.skipped`."""
        return sum(counts.skipped for counts in self.sources.values())

    @property
    def unchanged(self) -> int:
        """Files with nothing new."""
        return sum(counts.unchanged for counts in self.sources.values())

    def as_dict(self) -> dict[str, object]:
        """Return the totals, and the same per source."""
        return {
            "load_id": self.load_id,
            "files": self.files,
            "rows": self.rows,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "unchanged": self.unchanged,
            "sources": {name: counts.as_dict() for name, counts in self.sources.items()},
        }


@dataclass(frozen=True)
class LoadProgress:
    """How far a load has come; the bytes are those on disk."""

    file: str
    done_files: int
    total_files: int
    done_bytes: int
    total_bytes: int
