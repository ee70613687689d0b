"""A mapping file laid over those that it extends, with the file and line of every part (I1)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

DEFAULT_MAPPING = "default_mapping.yml"

#: What `extends` calls the mapping that ships with Touchline.
_DEFAULT = "default"

#: The innermost part of a mapping that is told by its place; anchors may nest without end.
_DEEPEST = 5

_BOOL = "tag:yaml.org,2002:bool"

#: A part of a mapping, by the keys and positions that lead to it.
Loc = tuple[int | str, ...]


class Place(NamedTuple):
    """Where something is said."""

    file: str
    line: int


class Complaint(NamedTuple):
    """What keeps files from being laid over each other."""

    place: Place
    value: str
    reason: str
    remedy: str


class LayerError(ValueError):
    """The files cannot be laid over each other; `complaints` says why."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__(str(complaints))
        self.complaints = tuple(complaints)


class _Loader(yaml.SafeLoader):
    """YAML as editors read it: `on`, `off`, `yes` and `no` are texts, as of version 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


@dataclass(slots=True)
class Layered:
    """What the files say together, not validated, and where each part of it is said."""

    content: Any
    places: dict[Loc, Place] = field(default_factory=dict)

    def place(self, loc: Sequence[int | str]) -> Place:
        """Return where the innermost part of `loc` that there is is said."""
        for end in range(len(loc), 0, -1):
            if tuple(loc[:end]) in self.places:
                return self.places[tuple(loc[:end])]
        return self.places[()]


def read_layers(text: str, file: str) -> Layered:
    """Return what the text says, laid over what it extends.

    Raises:
        LayerError: no YAML, a file that cannot be read, or one that extends itself.
    """
    chain = [_read(text, file)]
    folder, seen = Path(file).parent, [_identity(Path(file))]
    while (named := _extended(chain[-1])) is not None:
        place = chain[-1].place(("extends",))
        path = None if named == _DEFAULT else folder / named
        identity = _DEFAULT if path is None else _identity(path)
        if identity in seen:
            remedy = "Let the lowest of them extend `default`, or nothing."
            raise LayerError([Complaint(place, named, "leads back to a file above it", remedy)])
        seen.append(identity)
        chain.append(_read(*_open(named, path, place)))
        folder = path.parent if path else folder
    complaints: list[Complaint] = []
    whole = Layered({})
    while chain:
        whole = _over(whole, chain.pop(), complaints)
    if complaints:
        raise LayerError(complaints)
    return whole


def _identity(path: Path) -> str:
    return str(path.resolve())


def _extended(layer: Layered) -> str | None:
    """Return what a layer extends; anything but a text is left for the validation to refuse."""
    named = layer.content.get("extends") if isinstance(layer.content, dict) else None
    return named if isinstance(named, str) else None


def _open(named: str, path: Path | None, place: Place) -> tuple[str, str]:
    if path is None:
        return default_text(), DEFAULT_MAPPING
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        remedy = f"Name a mapping file by its path from this one, or `{_DEFAULT}`."
        raise LayerError([Complaint(place, named, str(reason), remedy)]) from error


def default_text() -> str:
    """Return the mapping that ships with Touchline."""
    source = resources.files("orchestration.writeback") / DEFAULT_MAPPING
    return source.read_text(encoding="utf-8")


def _read(text: str, file: str) -> Layered:
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        # Told before the content is made: that puts what `<<` brings among the file's own keys.
        lines = list(_lines(root, ()))
        content = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        raise LayerError([_not_yaml(file, error)]) from error
    places: dict[Loc, Place] = {(): Place(file, 1)}
    twice: list[Complaint] = []
    for loc, line, is_second in lines:
        places[loc] = Place(file, line)
        if is_second:
            reason, remedy = "is said twice", "Keep one of them: YAML takes the last, silently."
            twice.append(Complaint(places[loc], str(loc[-1]), reason, remedy))
    if twice:
        raise LayerError(twice)
    return Layered(content, places)


def _not_yaml(file: str, error: yaml.YAMLError) -> Complaint:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else None
    remedy = "Mend the YAML there: indentation, quotes and colons are the usual causes."
    place = Place(file, mark.line + 1 if mark else 1)
    return Complaint(place, "not YAML", problem or "has a character that YAML forbids", remedy)


def _lines(node: yaml.Node | None, loc: Loc) -> Iterator[tuple[Loc, int, bool]]:
    """Yield each part, its line (from 1), and whether its key was there before."""
    if len(loc) == _DEEPEST:
        return
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge" or not isinstance(key, yaml.ScalarNode):
                continue
            yield (*loc, key.value), key.start_mark.line + 1, key.value in seen
            yield from _lines(value, (*loc, key.value))
            seen.add(key.value)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield (*loc, position), item.start_mark.line + 1, False
            yield from _lines(item, (*loc, position))


def _over(below: Layered, above: Layered, complaints: list[Complaint]) -> Layered:
    """Lay one file over another: sections key by key, fields by their API name."""
    for layer in (below, above):
        if not isinstance(layer.content, dict):
            return layer  # the validation says that this is no mapping
    merged = Layered(dict(below.content), below.places | {(): above.places[()]})
    for key, value in above.content.items():
        if key == "objects" and isinstance(value, dict):
            _merge_objects(merged, above, complaints)
        elif isinstance(value, dict) and isinstance(below.content.get(key), dict):
            for inner in value:
                _replace(merged, above, (key, inner))
            merged.content[key] = below.content[key] | value
        else:
            _replace(merged, above, (key,))
            merged.content[key] = value
    return merged


def _replace(merged: Layered, above: Layered, loc: Loc) -> None:
    """Take the places of a part from the file above."""
    depth = len(loc)
    for old in [each for each in merged.places if each[:depth] == loc]:
        del merged.places[old]
    merged.places.update({each: at for each, at in above.places.items() if each[:depth] == loc})


def _merge_objects(merged: Layered, above: Layered, complaints: list[Complaint]) -> None:
    objects = merged.content.get("objects")
    objects = dict(objects) if isinstance(objects, dict) else {}
    for name, entries in above.content["objects"].items():
        loc = ("objects", name)
        if isinstance(entries, list):
            there = objects.get(name)
            below = list(enumerate(there)) if isinstance(there, list) else []
            items = [_Item(entry, _inner(merged, (*loc, at))) for at, entry in below]
            items = _merge_items(items, entries, above, loc, complaints)
            _replace(merged, above, loc)
            for position, item in enumerate(items):
                _replace(merged, Layered(None), (*loc, position))
                merged.places |= {(*loc, position, *rest): at for rest, at in item.places.items()}
            objects[name] = [item.entry for item in items]
        else:
            _replace(merged, above, loc)
            objects[name] = entries
    merged.content["objects"] = objects


@dataclass(slots=True)
class _Item:
    """A field's entry, with its places as seen from itself."""

    entry: Any
    places: dict[Loc, Place]


def _inner(layer: Layered, loc: Loc) -> dict[Loc, Place]:
    depth = len(loc)
    return {each[depth:]: at for each, at in layer.places.items() if each[:depth] == loc}


def _merge_items(
    below: list[_Item],
    entries: Sequence[Any],
    above: Layered,
    loc: Loc,
    complaints: list[Complaint],
) -> list[_Item]:
    """Lay a file's fields of one object over those below it, which keep their order."""
    # Salesforce takes API names in any case. A name that one file has twice is refused later.
    merged: dict[int | str, _Item] = {}
    for at, item in enumerate(below):
        name = _api_name(item.entry)
        merged[at if name is None or name in merged else name] = item
    ours: set[str] = set()
    for at, entry in enumerate(entries):
        item = _Item(entry, _inner(above, (*loc, at)))
        name = _api_name(entry) or f"{at}: no name"
        under = merged.get(name)
        if name in ours:
            merged[f"{at}: again {name}"] = item
        elif isinstance(entry, dict) and entry.get("off") is True:
            if merged.pop(name, None) is None:
                reason = "is turned off, but nothing below maps it"
                value = f"{loc[-1]}.{entry.get('field')}"
                remedy = "Remove the line, or mend the name."
                complaints.append(Complaint(item.places[()], value, reason, remedy))
        elif under is not None:
            entry_over = under.entry | entry | {"field": under.entry["field"]}
            merged[name] = _Item(entry_over, under.places | item.places)
        else:
            merged[name] = item
        ours.add(name)
    return list(merged.values())


def _api_name(entry: Any) -> str | None:
    name = entry.get("field") if isinstance(entry, dict) else None
    return name.lower() if isinstance(name, str) else None
