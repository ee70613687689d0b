"""Permission sets: what their metadata says, and what the API user may do by them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from orchestration.local_org import metadata_xml
from orchestration.local_org.metadata_xml import MetadataError, is_true
from orchestration.local_org.schema import Field, Schema, SObject, remade

_PLAIN = ("description", "hasActivationRequired", "label", "license")
_LISTS = ("fieldPermissions", "objectPermissions", "userPermissions")
#: Parts of permission sets that open what this org does not have.
_ELSEWHERE_IN_SETS = frozenset(
    {"applicationVisibilities", "classAccesses", "customPermissions", "flowAccesses"}
    | {"pageAccesses", "recordTypeVisibilities", "tabSettings"}
)
#: An object's rights: what this org calls each, and what each needs besides.
_RIGHTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "allowRead": ("read", ()),
    "allowCreate": ("create", ("allowRead",)),
    "allowEdit": ("update", ("allowRead",)),
    "allowDelete": ("delete", ("allowRead", "allowEdit")),
    "viewAllRecords": ("view_all", ("allowRead",)),
    "modifyAllRecords": (
        "modify_all", ("allowRead", "allowEdit", "allowDelete", "viewAllRecords")
    ),
}  # fmt: skip
_WORDS: Mapping[str, str] = {
    "allowRead": "Read",
    "allowCreate": "Create",
    "allowEdit": "Edit",
    "allowDelete": "Delete",
    "viewAllRecords": "View All",
    "modifyAllRecords": "Modify All",
}
#: Objects that a real org has and this one does not.
_ELSEWHERE = frozenset({"Account", "Case", "Event", "Opportunity"})
#: Every user sees them: no permission set may speak of them.
_ALWAYS_SEEN = frozenset({"Id", "IsDeleted", "Name", "OwnerId"})
#: Standard fields that a user without the permission set does not see.
GUARDED = frozenset({("Contact", "HasOptedOutOfEmail"), ("Lead", "HasOptedOutOfEmail")})
_ALL = frozenset({"create", "update", "delete"})
_ACTIVITIES = ("Task", "EmailMessage", "EmailMessageRelation")


@dataclass(frozen=True)
class PermissionSet:
    """What a permission set grants; fields are named `Contact.Email`."""

    label: str
    readable: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    objects: Mapping[str, list[str]] = field(default_factory=dict)
    user: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """Return it as JSON says it."""
        return asdict(self)


def restore(data: Mapping[str, Any]) -> PermissionSet:
    """Return the permission set that `body` wrote."""
    lists = {name: tuple(data[name]) for name in ("readable", "editable", "user")}
    return PermissionSet(**{**data, **lists})


def read(file: Path) -> PermissionSet:
    """Return what a `*.permissionset-meta.xml` says.

    Raises:
        MetadataError: Salesforce would refuse it.
    """
    root = metadata_xml.read(file, "PermissionSet")
    given = metadata_xml.texts(root, _PLAIN, _LISTS, _ELSEWHERE_IN_SETS)
    if not given.get("label"):
        raise MetadataError("Must specify a non-empty label for the PermissionSet")
    readable, editable, objects = [], [], {}
    for each in metadata_xml.children(root, "fieldPermissions"):
        rights = metadata_xml.texts(each, ("editable", "field", "readable"))
        if is_true(rights, "readable"):
            readable.append(rights.get("field", ""))
        if is_true(rights, "editable"):
            editable.append(rights.get("field", ""))
    for each in metadata_xml.children(root, "objectPermissions"):
        rights = metadata_xml.texts(each, (*_RIGHTS, "object"))
        objects[rights.get("object", "")] = [
            word for name, (word, _) in _RIGHTS.items() if is_true(rights, name)
        ]
    listed = [
        metadata_xml.texts(each, ("enabled", "name"))
        for each in metadata_xml.children(root, "userPermissions")
    ]
    user = [each.get("name", "") for each in listed if is_true(each, "enabled")]
    return PermissionSet(
        given["label"],
        tuple(sorted(readable)),
        tuple(sorted(editable)),
        dict(sorted(objects.items())),
        tuple(sorted(user)),
    )


def check(permissions: PermissionSet, schema: Schema) -> Iterator[str]:
    """Yield what Salesforce would refuse of a permission set in an org of that schema."""
    for name in sorted({*permissions.readable, *permissions.editable}):
        owner, _, field_name = name.partition(".")
        sobject = schema.find(owner)
        found = sobject.find(field_name) if sobject else None
        if sobject is None and owner in _ELSEWHERE:
            continue
        if found is None:
            yield f"In field: field - no CustomField named {name} found"
        elif found.required or found.name in _ALWAYS_SEEN:
            yield f"You cannot deploy to a required field: {name}"
        elif name not in permissions.readable:
            yield f"Permission Edit {name} depends on permission(s): Read {name}"
    for name, words in permissions.objects.items():
        if schema.find(name) is None and name not in _ELSEWHERE:
            yield f"In field: object - no CustomObject named {name} found"
        yield from _lacking(name, words)
    # Salesforce lets nobody read contacts who may not read accounts.
    reading = [name for name, words in permissions.objects.items() if "read" in words]
    if "Contact" in reading and "Account" not in reading:
        yield "Permission Read Contact depends on permission(s): Read Account"


def _lacking(name: str, words: Sequence[str]) -> Iterator[str]:
    for right, (word, needed) in _RIGHTS.items():
        lacking = [one for one in needed if _RIGHTS[one][0] not in words]
        if word in words and lacking:
            wanted = ", ".join(f"{_WORDS[one]} {name}" for one in lacking)
            yield f"Permission {_WORDS[right]} {name} depends on permission(s): {wanted}"


def as_permitted(
    schema: Schema,
    guarded: frozenset[tuple[str, str]],
    assigned: Iterable[PermissionSet],
    *,
    is_bare: bool,
) -> Schema:
    """Return the schema as far as the API user's permission sets reach.

    `guarded` are the (object, field) pairs that only a permission set opens. In a bare org objects
    too may only be read without one; elsewhere the user's profile allows everything.
    """
    sets = tuple(assigned)
    readable = {name for each in sets for name in each.readable}
    editable = {name for each in sets for name in each.editable}
    objects = tuple(
        _with_rights(
            replace(each, fields=tuple(_fields(each, guarded, readable, editable))),
            _rights(each.name, sets) if is_bare else _ALL,
        )
        for each in schema.objects
    )
    words = orjson.dumps([[each.body() for each in sets], sorted(guarded), is_bare])
    return remade(schema, objects, words)


def _fields(
    sobject: SObject,
    guarded: frozenset[tuple[str, str]],
    readable: set[str],
    editable: set[str],
) -> Iterator[Field]:
    for each in sobject.fields:
        name = f"{sobject.name}.{each.name}"
        if (sobject.name, each.name) not in guarded or each.required or name in editable:
            yield each
        elif name in readable:
            yield replace(each, createable=False, updateable=False)


def _rights(name: str, sets: Iterable[PermissionSet]) -> frozenset[str]:
    rights: set[str] = set()
    for each in sets:
        rights |= _ALL.intersection(each.objects.get(name, ()))
        # Activities have no object permissions of their own, members go with their campaigns.
        if name in _ACTIVITIES and "EditTask" in each.user:
            rights |= _ALL
        if name == "CampaignMember" and "update" in each.objects.get("Campaign", ()):
            rights |= _ALL
    return frozenset(rights)


def _with_rights(sobject: SObject, rights: frozenset[str]) -> SObject:
    return replace(
        sobject,
        createable=sobject.createable and "create" in rights,
        updateable=sobject.updateable and "update" in rights,
        may_delete=sobject.may_delete and "delete" in rights,
    )
