"""A story as one JSON document (docs/schemas/explain.schema.json)."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from orchestration.explain.moments import iso
from orchestration.explain.story import KINDS, Story


def as_document(story: Story) -> dict[str, Any]:
    """Return the story as mappings and lists: all of it, and times in UTC as ISO 8601 has them."""
    document = asdict(story)
    document["timeline"] = [
        {"kind": KINDS[type(entry)], **asdict(entry)} for entry in story.timeline
    ]
    return {"version": 1, **_with_times(document)}


def _with_times(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, dict):
        return {name: _with_times(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_times(each) for each in value]
    return value
