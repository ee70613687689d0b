"""XML as Salesforce writes its metadata: one element a line, four spaces a level."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TypeAlias

#: An element: its name, and its text or the elements in it.
Element: TypeAlias = "tuple[str, str | Sequence[Element]]"

_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def document(root: str, elements: Sequence[Element]) -> str:
    """Return a metadata file with the elements in the order given."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root} xmlns="{_NAMESPACE}">']
    return "\n".join([*lines, *_lines(elements, 1), f"</{root}>"]) + "\n"


def truth(value: bool) -> str:
    """Return a truth value as XML has it."""
    return "true" if value else "false"


def _lines(elements: Sequence[Element], depth: int) -> Iterator[str]:
    indent = "    " * depth
    for name, content in elements:
        if isinstance(content, str):
            yield f"{indent}<{name}>{escape(content, quote=False)}</{name}>"
        else:
            yield f"{indent}<{name}>"
            yield from _lines(content, depth + 1)
            yield f"{indent}</{name}>"
