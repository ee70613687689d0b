"""What the preflight's checks look at, and how they tell what they find."""

from collections.abc import Collection
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Literal

from orchestration.crm.client import Limits, Operation
from orchestration.crm.schema import FieldSchema, ObjectSchema
from orchestration.writeback.mapping import Mapping

Check = Literal[
    "mapping",
    "login",
    "limits",
    "objects",
    "fields",
    "creations",
    "keys",
    "picklists",
    "privacy",
    "history",
]
Severity = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found about one subject, and what to do about it in Salesforce or here."""

    check: Check
    severity: Severity
    subject: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        """Read as one line."""
        return f"{self.subject}: {self.found.rstrip('.')}. {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the checks look at; `preflight` says what each part means."""

    mapping: Mapping
    objects: MappingOf[str, frozenset[Operation]]
    schemas: MappingOf[str, ObjectSchema]
    limits: Limits | None
    calls_needed: int
    is_planned: bool
    earlier: MappingOf[str, ObjectSchema]
    columns: MappingOf[str, MappingOf[str, str]] | None
    vocabularies: MappingOf[str, Collection[str]]

    def field(self, object_name: str, name: str) -> FieldSchema | None:
        """Return a field, if the login sees it."""
        schema = self.schemas.get(object_name)
        return schema.fields.get(name) if schema else None
