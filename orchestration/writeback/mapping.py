"""The mapping file: which metric lands in which CRM field, under which policy (I1, I2)."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from orchestration.writeback.mapping_sections import Sections

Policy = Literal["owned", "fill_blank", "opt_out", "never_decrease"]
TargetObject = Literal["Contact", "Lead"]

_DEFAULT_MAPPING = "default_mapping.yml"

#: What each key may hold, for the remedy of a refusal.
_REMEDIES: MappingOf[str, str] = {
    "objects": "Give fields for Contact, Lead or both.",
    "policy": "Use one of owned, fill_blank, opt_out, never_decrease.",
    "vocabulary": "Use summary or detailed.",
    "metric": "Use the name of a column of crm.contact_fields or crm.lead_fields.",
    "field": "Use the field's API name, such as Touchline_Open_Count__c.",
    "version": "This Touchline reads version 1.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a mapping: where, which value, why, and what to do about it."""

    file: str
    line: int
    value: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        """Read like a compiler's message."""
        return f"{self.file}:{self.line}: {self.value}: {self.reason}. {self.remedy}"


class MappingError(ValueError):
    """The mapping cannot be used; nothing was written. `problems` holds all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class FieldMapping(BaseModel):
    """One metric and the field that it lands in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    field: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    policy: Policy
    default: str | None = None
    vocabulary: Literal["summary", "detailed"] | None = None
    clears: bool = False
    optional: bool = False

    @property
    def column(self) -> str:
        """The mart column: the summary wording bears the metric's plain name."""
        return f"{self.metric}_detailed" if self.vocabulary == "detailed" else self.metric


class _File(Sections):
    """The file as written."""

    version: Literal[1]
    objects: Annotated[dict[TargetObject, list[FieldMapping]], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Everything that may be written, per CRM object, and where in the file it is said."""

    file: str
    objects: MappingOf[str, tuple[FieldMapping, ...]]
    lines: MappingOf[tuple[str, str], int]
    sections: Sections

    def target_fields(self) -> dict[str, list[str]]:
        """Return the mapped fields of each object, for the snapshot."""
        return {name: [field.field for field in fields] for name, fields in self.objects.items()}

    def problem(self, object_name: str, field: FieldMapping, reason: str, remedy: str) -> Problem:
        """Word a problem with one of the mapped fields."""
        line = self.lines[object_name, field.field]
        return Problem(self.file, line, f"{object_name}.{field.field}", reason, remedy)


def load_mapping(path: Path | None = None) -> Mapping:
    """Read a mapping file; without a path, the default mapping that ships with Touchline.

    Raises:
        MappingError: the file cannot be read as a mapping; all problems at once.
    """
    if path is None:
        source = resources.files("orchestration.writeback") / _DEFAULT_MAPPING
        return parse_mapping(source.read_text(encoding="utf-8"), _DEFAULT_MAPPING)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        remedy = "Point TOUCHLINE_MAPPING at a readable mapping file, or unset it."
        raise MappingError([Problem(str(path), 1, path.name, str(reason), remedy)]) from error
    return parse_mapping(text, str(path))


def parse_mapping(text: str, file: str) -> Mapping:
    """Read the text of a mapping; `file` is its name in messages.

    Raises:
        MappingError: the text is no mapping; all problems at once.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        remedy = "Mend the YAML there: indentation, quotes and colons are the usual causes."
        raise MappingError(
            [Problem(file, line, "not YAML", error.problem or "unreadable", remedy)]
        ) from error
    try:
        parsed = _File.model_validate(content)
    except ValidationError as error:
        raise MappingError(
            [_problem_of(file, root, found) for found in error.errors(include_url=False)]
        ) from error
    objects: dict[str, tuple[FieldMapping, ...]] = {
        name: tuple(fields) for name, fields in parsed.objects.items()
    }
    lines = {
        (name, field.field): _line_of(root, ("objects", name, position))
        for name, fields in objects.items()
        for position, field in enumerate(fields)
    }
    sections = Sections(**{name: getattr(parsed, name) for name in Sections.model_fields})
    mapping = Mapping(file, objects, lines, sections)
    _refuse_contradictions(mapping, root)
    return mapping


def _problem_of(file: str, root: yaml.Node | None, found: ErrorDetails) -> Problem:
    """Put one of pydantic's findings into the words of a mapping."""
    loc, given = found["loc"], found["input"]
    keys = [part for part in loc if isinstance(part, str) and part != "[key]"]
    key = keys[-1] if keys else "mapping"
    value = str(given) if isinstance(given, str | int | float | bool) else key
    reason = f"{key}: {found['msg']}"
    remedy = _REMEDIES.get(key, "See docs/mapping.md for the keys and their meaning.")
    if "[key]" in loc:
        reason, remedy = "cannot be written to", _REMEDIES["objects"]
    elif found["type"] == "missing":
        reason = "is missing"
    elif found["type"] == "extra_forbidden":
        value, reason = key, "is no key of a mapping"
    elif found["type"] in ("literal_error", "string_pattern_mismatch"):
        reason = f"is no {key}"
    elif found["type"] in ("model_type", "dict_type", "list_type"):
        reason = "is not written as a mapping needs it"
    return Problem(file, _line_of(root, loc), value, reason, remedy)


def _line_of(node: yaml.Node | None, loc: Sequence[int | str]) -> int:
    """Return the line (from 1) of the innermost part of `loc` that the file has."""
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _refuse_contradictions(mapping: Mapping, root: yaml.Node | None) -> None:
    problems = []
    for name, fields in mapping.objects.items():
        seen: set[str] = set()
        for position, field in enumerate(fields):
            line = _line_of(root, ("objects", name, position))
            place = (mapping.file, line, f"{name}.{field.field}")
            # Salesforce takes API names in any case: two spellings are one field.
            if field.field.lower() in seen:
                problems.append(
                    Problem(*place, "is the target of two metrics", "Keep one of them.")
                )
            if field.clears and field.policy != "owned":
                reason = f"clears: true contradicts the policy {field.policy}"
                problems.append(Problem(*place, reason, "Remove it, or use the policy owned."))
            seen.add(field.field.lower())
    if problems:
        raise MappingError(problems)
