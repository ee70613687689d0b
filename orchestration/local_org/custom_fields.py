"""A custom field as Salesforce's metadata has it, made into a line such as `objects/*.json` has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from orchestration.local_org import metadata_xml
from orchestration.local_org.metadata_xml import MetadataError, is_true

_TYPES: Mapping[str, str] = {
    "Checkbox": "boolean",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "LongTextArea": "textarea",
    "Number": "double",
    "Percent": "percent",
    "Phone": "phone",
    "Picklist": "picklist",
    "Text": "string",
    "TextArea": "textarea",
    "Url": "url",
}
#: What a type must say, and what only some types may say.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "Checkbox": ("defaultValue",),
    "Currency": ("precision", "scale"),
    "LongTextArea": ("length", "visibleLines"),
    "Number": ("precision", "scale"),
    "Percent": ("precision", "scale"),
    "Picklist": ("valueSet",),
    "Text": ("length",),
}
_NUMBERS = ("Currency", "Number", "Percent")
_ONLY: Mapping[str, tuple[str, ...]] = {
    "caseSensitive": ("Text",),
    "defaultValue": ("Checkbox",),
    "externalId": ("Email", "Number", "Text"),
    "length": ("LongTextArea", "Text"),
    "precision": _NUMBERS,
    "required": tuple(sorted(set(_TYPES) - {"Checkbox", "LongTextArea"})),
    "scale": _NUMBERS,
    "unique": ("Email", "Number", "Text"),
    "valueSet": ("Picklist",),
    "visibleLines": ("LongTextArea",),
}
_PLAIN = frozenset(
    {"description", "fullName", "inlineHelpText", "label", "type"}
    | {"trackFeedHistory", "trackHistory", "trackTrending"}
)
#: Parts of fields and value sets that only other kinds of fields have, or that nothing here needs.
_ELSEWHERE = frozenset(
    {
        "businessOwnerUser",
        "businessStatus",
        "complianceGroup",
        "controllingField",
        "encryptionScheme",
    }
    | {"formula", "formulaTreatBlanksAs", "securityClassification", "valueSetName", "valueSettings"}
)
#: Text lengths that Salesforce takes.
_LENGTHS: Mapping[str, tuple[int, int]] = {"Text": (1, 255), "LongTextArea": (256, 131_072)}
_FULL_NAME = 43
_LABEL, _HELP, _DESCRIPTION = 40, 510, 1000
_DIGITS = 18


def read(file: Path) -> dict[str, Any]:
    """Return what a `*.field-meta.xml` says, in the shape of `objects/*.json`.

    Raises:
        MetadataError: Salesforce would refuse it, or this org has no fields of that kind.
    """
    root = metadata_xml.read(file, "CustomField")
    kinds = [(each.text or "").strip() for each in metadata_xml.children(root, "type")]
    kind = kinds[0] if kinds else ""
    if kind not in _TYPES:
        raise MetadataError(f"The local org has no custom fields of type {kind or '(none)'}")
    given = metadata_xml.texts(root, _PLAIN | _ONLY.keys(), elsewhere=_ELSEWHERE)
    _check_names(given, file.name.removesuffix(".field-meta.xml"))
    _check_parts(given, kind)
    is_key = is_true(given, "externalId")
    field = {
        "name": given["fullName"],
        "label": given["label"],
        "type": _TYPES[kind],
        "help": given.get("inlineHelpText") or None,
        "required": is_true(given, "required"),
        "externalId": is_key,
        "idLookup": is_key,
        "unique": is_true(given, "unique"),
        "caseSensitive": is_true(given, "caseSensitive"),
        **_sizes(given, kind),
    }
    if kind == "Checkbox":
        field["default"] = is_true(given, "defaultValue")
    if kind == "Picklist":
        field |= _values(metadata_xml.children(root, "valueSet")[0])
    return field


def _check_names(given: Mapping[str, str], file_name: str) -> None:
    name = given.get("fullName", "")
    if name != file_name:
        raise MetadataError(f"The file is named {file_name}, but its fullName is {name or 'empty'}")
    if not name.endswith("__c"):
        raise MetadataError("fullName must end with: __c")
    stem = name.removesuffix("__c")
    is_name = stem.isascii() and stem.replace("_", "").isalnum() and "__" not in stem
    if not is_name or not stem[0].isalpha() or len(name) > _FULL_NAME:
        raise MetadataError(
            f"{name}: a name begins with a letter, has letters, digits and single underscores, "
            f"and at most {_FULL_NAME} characters"
        )
    if not given.get("label"):
        raise MetadataError("Must specify a non-empty label for the CustomField")
    for part, most in (("label", _LABEL), ("inlineHelpText", _HELP), ("description", _DESCRIPTION)):
        if len(given.get(part, "")) > most:
            raise MetadataError(f"{part} has more than {most} characters")


def _check_parts(given: Mapping[str, str], kind: str) -> None:
    for part in _NEEDED.get(kind, ()):
        if part not in given:
            raise MetadataError(f"Must specify '{part}' for a CustomField of type {kind}")
    for part, kinds in _ONLY.items():
        # Salesforce itself writes `false` for what a type cannot be.
        if given.get(part, "false") != "false" and kind not in kinds:
            raise MetadataError(f"Can not specify '{part}' for a CustomField of type {kind}")
    if given.get("caseSensitive") == "true" and given.get("unique") != "true":
        raise MetadataError("Can not specify 'caseSensitive' for a field that is not unique")


def _sizes(given: Mapping[str, str], kind: str) -> dict[str, int]:
    if kind == "TextArea":
        return {"length": 255}
    if kind in _LENGTHS:
        length = _number(given, "length")
        least, most = _LENGTHS[kind]
        if not least <= length <= most:
            raise MetadataError(f"The length of a {kind} is from {least} to {most}, not {length}")
        return {"length": length}
    if kind in _NUMBERS:
        precision, scale = _number(given, "precision"), _number(given, "scale")
        if not (1 <= precision <= _DIGITS and scale <= precision):
            raise MetadataError(
                f"precision is from 1 to {_DIGITS}, and scale no larger: not {precision}, {scale}"
            )
        return {"precision": precision, "scale": scale}
    return {}


def _number(given: Mapping[str, str], name: str) -> int:
    text = given[name]
    if not (text.isascii() and text.isdigit()):
        raise MetadataError(f"'{text}' is not a valid value for '{name}': give a whole number")
    return int(text)


def _values(value_set: Element) -> dict[str, Any]:
    restricted = is_true(
        metadata_xml.texts(
            value_set, ("restricted",), ("valueSetDefinition",), elsewhere=_ELSEWHERE
        ),
        "restricted",
    )
    definitions = metadata_xml.children(value_set, "valueSetDefinition")
    if len(definitions) != 1:
        raise MetadataError("A valueSet has one valueSetDefinition")
    metadata_xml.texts(definitions[0], ("sorted",), ("value",))
    values: dict[str, str] = {}
    default = None
    for each in metadata_xml.children(definitions[0], "value"):
        given = metadata_xml.texts(each, ("default", "fullName", "isActive", "label"))
        value, label = given.get("fullName", ""), given.get("label", "")
        if not value or not label or len(value) > 255:
            raise MetadataError(
                f"A picklist value has a fullName of up to 255 characters and a label: {value!r}"
            )
        if value in values:
            raise MetadataError(f"Duplicate picklist value: {value}")
        values[value] = label
        if is_true(given, "default"):
            default = value
    pairs = [[value, label] for value, label in values.items()]
    return {"values": pairs, "restricted": restricted, "default": default}
