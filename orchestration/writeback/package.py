"""The Salesforce package of a mapping: custom fields and a permission set in source format (I9)."""

import json
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from orchestration.writeback.mapping import FieldMapping, Mapping
from orchestration.writeback.package_fields import (
    MESSAGE_COUNTS,
    METRICS,
    field_file,
    key_file,
)
from orchestration.writeback.package_permissions import permission_set_file

#: The version of the API whose metadata the files are.
SOURCE_API_VERSION = "66.0"

#: Only fields of such names are made; any other is the org's own, and so is its type.
_OURS = "Touchline_"

_README = "package_readme.md"
_ROOM = "force-app/main/default"


@dataclass(frozen=True, slots=True)
class Package:
    """Texts by their path. `left_out`: mapped custom fields that are not in it, and why."""

    files: MappingOf[str, str]
    left_out: tuple[str, ...]


def make_package(mapping: Mapping, vocabularies: MappingOf[str, Sequence[str]]) -> Package:
    """Return the package of a mapping; `vocabularies` are the values that picklists need."""
    left_out: list[str] = []
    fields: dict[tuple[str, str], str] = {}
    for name, mapped in mapping.objects.items():
        for field in mapped:
            if not field.field.endswith("__c"):
                continue
            if not field.field.startswith(_OURS):
                left_out.append(f"{name}.{field.field}: a field of your own, which has to be there")
            elif field.column not in METRICS:
                left_out.append(f"{name}.{field.field}: no type is known for {field.column}")
            else:
                text = field_file(
                    field.field, METRICS[field.column], _picklist_values(field, vocabularies)
                )
                fields[name, field.field] = text
    fields |= _activity_fields(mapping)
    made: dict[str, list[str]] = {}
    for name, field_name in fields:
        made.setdefault("Task" if name == "Activity" else name, []).append(field_name)
    files = {
        f"{_ROOM}/objects/{name}/fields/{field_name}.field-meta.xml": text
        for (name, field_name), text in fields.items()
    }
    permissions = f"{_ROOM}/permissionsets/Touchline_Integration.permissionset-meta.xml"
    files[permissions] = permission_set_file(mapping, made)
    files["sfdx-project.json"] = _project()
    files["README.md"] = _readme()
    return Package(dict(sorted(files.items())), tuple(left_out))


def write_package(package: Package, folder: Path) -> None:
    """Write the package's files; what else is in the folder stays."""
    for path, text in package.files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")


def _picklist_values(
    field: FieldMapping, vocabularies: MappingOf[str, Sequence[str]]
) -> Sequence[str]:
    """Return a vocabulary, and the value that stands in for what it lacks."""
    values = vocabularies.get(field.column, ())
    return list(dict.fromkeys([*values, *([field.default] if field.default else [])]))


def _activity_fields(mapping: Mapping) -> dict[tuple[str, str], str]:
    """Return keys and per-message counts: made whether or not activities are logged yet."""
    activities, tasks = mapping.sections.activities, mapping.sections.tasks
    made = {("Activity", key): key_file(key) for key in (activities.key_field, tasks.key_field)}
    # An org without Enhanced Email may not know the object: then `log: task` leaves it out.
    if activities.log != "task":
        made["EmailMessage", activities.key_field] = key_file(activities.key_field)
        for key, known in MESSAGE_COUNTS.items():
            name = getattr(activities, key)
            if name is not None:
                made["EmailMessage", name] = field_file(name, known)
    return {place: text for place, text in made.items() if place[1].startswith(_OURS)}


def _project() -> str:
    project = {
        "packageDirectories": [{"path": "force-app", "default": True}],
        "name": "touchline",
        "namespace": "",
        "sourceApiVersion": SOURCE_API_VERSION,
    }
    return json.dumps(project, indent=2) + "\n"


def _readme() -> str:
    return (resources.files("orchestration.writeback") / _README).read_text(encoding="utf-8")
