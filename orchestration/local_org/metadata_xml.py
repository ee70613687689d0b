"""Files of Salesforce's metadata as the deployment reads them: elements, texts and truth values."""

from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

_NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


class MetadataError(ValueError):
    """What is wrong with a component; as Salesforce words it, where that is known."""


def read(file: Path, kind: str) -> Element:
    """Return the root of a metadata file.

    Raises:
        MetadataError: no UTF-8, no XML, a document type (no metadata has one), or another kind.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
        if "<!DOCTYPE" in text:
            raise MetadataError("Error parsing file: a document type is not allowed")
        # A text, not bytes: the encoding that the file claims for itself then says nothing.
        root = ET.fromstring(text)  # noqa: S314 - without a DTD there are no entities
    except (UnicodeDecodeError, ET.ParseError) as error:
        raise MetadataError(f"Error parsing file: {error}") from error
    if root.tag != _NAMESPACE + kind:
        raise MetadataError(f"Error parsing file: {root.tag} is no {kind}")
    return root


def named(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.removeprefix(_NAMESPACE)


def children(parent: Element, name: str) -> list[Element]:
    """Return the elements of a name."""
    return parent.findall(_NAMESPACE + name)


def texts(
    parent: Element,
    known: Collection[str],
    lists: Collection[str] = (),
    elsewhere: Collection[str] = (),
) -> dict[str, str]:
    """Return the texts of an element's single children by name; `lists` may come more than once.

    `elsewhere` are elements that Salesforce knows and this org does not.

    Raises:
        MetadataError: an element that is not known there, or is there twice.
    """
    found: dict[str, str] = {}
    for each in parent:
        name = named(each)
        if each.tag == _NAMESPACE + name and name in lists:
            continue
        if each.tag == _NAMESPACE + name and name in elsewhere:
            raise MetadataError(f"The local org does not know '{name}' of a {named(parent)}")
        if each.tag != _NAMESPACE + name or name not in known:
            raise MetadataError(
                f"Element {each.tag} invalid at this location in type {named(parent)}"
            )
        if name in found:
            raise MetadataError(
                f"Element {name} is duplicated at this location in type {named(parent)}"
            )
        found[name] = (each.text or "").strip()
    return found


def is_true(given: dict[str, str], name: str) -> bool:
    """Return a truth value; what is not given is false.

    Raises:
        MetadataError: neither true nor false.
    """
    text = given.get(name, "false")
    if text not in {"true", "false"}:
        raise MetadataError(f"'{text}' is not a valid value for '{name}': give true or false")
    return text == "true"
