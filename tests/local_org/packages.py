"""Salesforce projects for tests: small ones, written here file by file."""

from dataclasses import dataclass, field
from pathlib import Path

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
SHIPPED = Path(__file__).parents[2] / "salesforce"
SCORE = "<label>Score</label><precision>3</precision><scale>1</scale><type>Number</type>"


@dataclass
class Project:
    """A project of one package directory; each `add` returns it, so that they chain."""

    folder: Path
    room: Path = field(init=False)

    def __post_init__(self) -> None:
        self.room = self.folder / "force-app/main/default"
        self.room.mkdir(parents=True, exist_ok=True)
        listed = '{"packageDirectories": [{"path": "force-app", "default": true}]}'
        (self.folder / "sfdx-project.json").write_text(listed, encoding="utf-8")

    def add_field(self, owner: str, name: str, inside: str = SCORE) -> "Project":
        """Add a custom field; `inside` are its elements besides fullName."""
        file = self.room / f"objects/{owner}/fields/{name}.field-meta.xml"
        return self._add(file, "CustomField", f"<fullName>{name}</fullName>{inside}")

    def add_set(
        self, name: str, *fields: str, inside: str = "", editable: bool = True
    ) -> "Project":
        """Add a permission set that opens fields; `inside` are further elements."""
        opened = "".join(
            f"<fieldPermissions><editable>{str(editable).lower()}</editable>"
            f"<field>{each}</field><readable>true</readable></fieldPermissions>"
            for each in fields
        )
        file = self.room / f"permissionsets/{name}.permissionset-meta.xml"
        return self._add(file, "PermissionSet", f"{opened}<label>{name}</label>{inside}")

    def _add(self, file: Path, kind: str, inside: str) -> "Project":
        file.parent.mkdir(parents=True, exist_ok=True)
        text = f'<?xml version="1.0"?>\n<{kind} xmlns="{NAMESPACE}">{inside}</{kind}>\n'
        file.write_text(text, encoding="utf-8")
        return self


def rights(name: str, *words: str) -> str:
    """Return the object permissions of an object, such as `allowRead`."""
    granted = "".join(f"<{word}>true</{word}>" for word in words)
    return f"<objectPermissions>{granted}<object>{name}</object></objectPermissions>"
