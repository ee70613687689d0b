"""How lines become files: the shapes and compressions in which providers' logs arrive."""

import gzip
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

_FAST = 1
_BATCH = 25


class Shape(StrEnum):
    """The three shapes of a webhook log, by the suffix that such files carry."""

    OBJECT_PER_LINE = "ndjson"
    ARRAY = "json"
    ARRAY_PER_LINE = "jsonl"


def pack(lines: Sequence[str], shape: Shape) -> str:
    """Lay out JSON objects, each given as one line of text, in a shape."""
    if shape is Shape.OBJECT_PER_LINE:
        return "\n".join([*lines, ""])
    if shape is Shape.ARRAY:
        return "[" + ",\n".join(lines) + "]\n"
    batches = (lines[start : start + _BATCH] for start in range(0, len(lines), _BATCH))
    return "".join(f"[{','.join(batch)}]\n" for batch in batches)


def write_text(path: Path, text: str, *, is_compressed: bool = False) -> None:
    """Write a file (with `.gz` added when compressed), the same bytes for the same text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode()
    if is_compressed:
        path = path.with_name(f"{path.name}.gz")
        content = gzip.compress(content, compresslevel=_FAST, mtime=0)
    path.write_bytes(content)
