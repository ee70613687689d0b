"""The values that metrics with a vocabulary may take, as the seeds of the models list them (F3)."""

import csv
from collections.abc import Mapping
from pathlib import Path

#: Which column of which seed lists a metric's values.
_SOURCES: Mapping[str, tuple[str, str]] = {
    "sequence_status": ("status_vocabulary.csv", "summary"),
    "sequence_status_detailed": ("status_vocabulary.csv", "detailed"),
    "sequence_stage": ("status_plays.csv", "crm_value"),
    "initial_reply_class": ("reply_classes.csv", "reply_class"),
    "latest_reply_class": ("reply_classes.csv", "reply_class"),
}


def read_vocabularies(seeds: Path) -> dict[str, tuple[str, ...]]:
    """Return each metric's values in the order of its seed, each once."""
    found: dict[str, tuple[str, ...]] = {}
    for metric, (file, column) in _SOURCES.items():
        with (seeds / file).open(encoding="utf-8", newline="") as rows:
            found[metric] = tuple(
                dict.fromkeys(row[column] for row in csv.DictReader(rows) if row[column])
            )
    return found
