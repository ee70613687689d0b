"""The mapping file: which metric lands in which CRM field, under which policy (I1, I2, I4)."""

from collections.abc import Mapping as MappingOf
from pathlib import Path

from pydantic import BaseModel

from orchestration.crm.schema import ObjectSchema


class MappingError(ValueError):
    """The mapping cannot be used; one line per problem, with file, line, value and remedy."""


class Mapping(BaseModel):
    """Everything that may be written, per CRM object."""

    def target_fields(self) -> dict[str, list[str]]:
        """Return the mapped fields of each object, for the snapshot."""
        raise NotImplementedError


def load_mapping(path: Path | None = None) -> Mapping:
    """Read a mapping file; without a path, the default mapping that ships with Touchline.

    Raises:
        MappingError: the file cannot be read as a mapping.
    """
    raise NotImplementedError


def check_mapping(mapping: Mapping, schemas: MappingOf[str, ObjectSchema]) -> tuple[str, ...]:
    """Hold the mapping against the org's describes; return notes (optional fields left out).

    Raises:
        MappingError: a field that may not or cannot be written (I4).
    """
    raise NotImplementedError
