"""The permission set of the user that Touchline logs in as, with no more than it needs (I9)."""

from collections.abc import Mapping as MappingOf

from orchestration.writeback.mapping import Mapping
from orchestration.writeback.package_xml import Element, document, truth

_DESCRIPTION = (
    "For the user that Touchline logs in as: reads people and activities, edits the fields that "
    "the mapping names."
)

#: Standard fields that Touchline reads, where Salesforce has field permissions for them.
_READ: MappingOf[str, tuple[str, ...]] = {
    "Contact": ("AccountId", "Email", "HasOptedOutOfEmail", "Title"),
    "Lead": ("Email", "HasOptedOutOfEmail"),
}

#: Standard fields that every user sees: a permission set that names them is refused.
_ALWAYS_VISIBLE = frozenset(
    {
        "Company", "EmailBouncedDate", "EmailBouncedReason", "FirstName", "LastName", "OwnerId",
        "Salutation", "Status",
    }
)  # fmt: skip


def permission_set_file(mapping: Mapping, made: MappingOf[str, list[str]]) -> str:
    """Return the metadata of the permission set; `made`: the package's fields per object."""
    return document(
        "PermissionSet",
        [
            ("description", _DESCRIPTION),
            *_field_permissions(mapping, made),
            ("hasActivationRequired", "false"),
            ("label", "Touchline Integration"),
            *_object_permissions(mapping),
            *(
                ("userPermissions", [("enabled", "true"), ("name", name)])
                for name in _user_permissions(mapping)
            ),
        ],
    )


def writes_activities(mapping: Mapping) -> bool:
    """Tell whether the mapping has anything logged or any task opened."""
    return mapping.sections.activities.log != "off" or bool(mapping.sections.tasks.kinds)


def _field_permissions(mapping: Mapping, made: MappingOf[str, list[str]]) -> list[Element]:
    edited = [(name, field.field) for name, mapped in mapping.objects.items() for field in mapped]
    edited += [(name, field) for name, fields in made.items() for field in fields]
    if writes_activities(mapping):
        edited += [("Task", field) for field in ("Description", "WhoId")]
    creation = mapping.sections.create_missing
    if creation:
        edited += [(creation.object, field) for field in ("Email", *creation.defaults)]
    rights = {f"{name}.{field}": False for name, fields in _READ.items() for field in fields}
    rights |= {f"{name}.{field}": True for name, field in edited if field not in _ALWAYS_VISIBLE}
    return [
        (
            "fieldPermissions",
            [("editable", truth(is_edited)), ("field", name), ("readable", "true")],
        )
        for name, is_edited in sorted(rights.items())
    ]


def _object_permissions(mapping: Mapping) -> list[Element]:
    creation = mapping.sections.create_missing
    created = creation.object if creation else None
    rights = {
        # Salesforce lets nobody read contacts who may not read accounts.
        "Account": (False, False),
        "Contact": (bool(mapping.objects.get("Contact")), created == "Contact"),
        "Lead": (bool(mapping.objects.get("Lead")), created == "Lead"),
    }
    if mapping.sections.campaign_members.fill:
        rights["Campaign"] = (True, False)
    return [
        (
            "objectPermissions",
            [
                ("allowCreate", truth(is_created)),
                # An undo takes back what was created.
                ("allowDelete", truth(is_created)),
                ("allowEdit", truth(is_edited or is_created)),
                ("allowRead", "true"),
                ("modifyAllRecords", "false"),
                ("object", name),
                ("viewAllRecords", "true"),
            ],
        )
        for name, (is_edited, is_created) in sorted(rights.items())
    ]


def _user_permissions(mapping: Mapping) -> list[str]:
    # Reading activities needs the first, reading the org's limits the last, which needs ViewRoles.
    edits = ["EditTask"] if writes_activities(mapping) else []
    return ["ActivitiesAccess", "ApiEnabled", *edits, "ViewRoles", "ViewSetup"]
