"""The mapping file: which metric lands in which CRM field, under which policy (I1, I2)."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from orchestration.writeback.mapping_layers import (
    DEFAULT_MAPPING,
    Complaint,
    Layered,
    LayerError,
    Place,
    default_text,
    read_layers,
)
from orchestration.writeback.mapping_sections import FieldName, Sections

Policy = Literal["owned", "fill_blank", "opt_out", "never_decrease"]
TargetObject = Literal["Contact", "Lead"]

#: What each key may hold, for the remedy of a refusal.
_REMEDIES: MappingOf[str, str] = {
    "objects": "Give fields for Contact, Lead or both.",
    "policy": "Use one of owned, fill_blank, opt_out, never_decrease.",
    "vocabulary": "Use summary or detailed.",
    "metric": "Use the name of a column of crm.contact_fields or crm.lead_fields.",
    "field": "Use the field's API name, such as Touchline_Open_Count__c.",
    "version": "This Touchline reads version 1.",
    "extends": "Use `default`, or the path of a mapping file from this one.",
    "required": "Use one of every, large, none.",
    "changed_share": "Give a share from 0 to 1, such as 0.25.",
    "cleared_share": "Give a share from 0 to 1, such as 0.02.",
    "minimum_records": "Give a whole number from 1, such as 20.",
    "api_reserve_share": "Give a share from 0 to 1, such as 0.1.",
    "failed_share": "Give a share from 0 to 1, such as 0.5.",
    "log": "Use one of email_message, task, off.",
    "kinds": "Give a list of reply, manual_step, audience.",
    "fill": "Use true or false.",
    "object": "Use Contact or Lead.",
    "key_field": "Use the API name of a custom field, such as Touchline_Key__c.",
    "open_count": "Use the API name of a custom field, or null: Salesforce keeps the others.",
    "click_count": "Use the API name of a custom field, or null: Salesforce keeps the others.",
    "clicked_at": "Use the API name of a custom field, or null: Salesforce keeps the others.",
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

    metric: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]*$",
            description="A column of crm.contact_fields or crm.lead_fields.",
        ),
    ]
    field: Annotated[FieldName, Field(description="The field's API name.")]
    policy: Annotated[
        Policy,
        Field(
            description="owned: written whenever different. fill_blank: only where Salesforce has "
            "nothing. opt_out: only towards opted out. never_decrease: only a higher number."
        ),
    ]
    default: Annotated[
        str | None,
        Field(
            description="Picklists only, and required there: the active value that stands in for "
            "one that the picklist lacks."
        ),
    ] = None
    vocabulary: Annotated[
        Literal["summary", "detailed"] | None,
        Field(description="Which wording of a status is used; summary where it is not said."),
    ] = None
    clears: Annotated[
        bool, Field(description="Whether an empty metric empties the field. Only with owned.")
    ] = False
    optional: Annotated[
        bool,
        Field(description="Leave the field out where the org hides it, instead of refusing."),
    ] = False

    @property
    def column(self) -> str:
        """The mart column: the summary wording bears the metric's plain name."""
        return f"{self.metric}_detailed" if self.vocabulary == "detailed" else self.metric


class FieldEntry(FieldMapping):
    """A field as a file says it: over another file it may say less, or turn the field off."""

    off: Annotated[
        bool, Field(description="With `extends`: true takes the field of that name away.")
    ] = False


class MappingFile(Sections):
    """What Touchline writes to Salesforce, and how: docs/mapping.md."""

    version: Annotated[Literal[1], Field(description="The version of this format.")]
    extends: Annotated[
        str | None,
        Field(
            description="What this file is laid over: `default`, or a path from this file. Fields "
            "are merged by API name, all else key by key."
        ),
    ] = None
    objects: Annotated[
        dict[TargetObject, list[FieldEntry]],
        Field(min_length=1, description="The mapped fields of each object."),
    ]


@dataclass(frozen=True, slots=True)
class Mapping:
    """Everything that may be written, per CRM object, and where it is said.

    `places`: of each (object, field), and of each (section, key) that a file gives.
    """

    file: str
    objects: MappingOf[str, tuple[FieldMapping, ...]]
    places: MappingOf[tuple[str, str], Place]
    sections: Sections

    def target_fields(self) -> dict[str, list[str]]:
        """Return the fields of each object that are written or told by, for the snapshot."""
        fields = {name: [each.field for each in mapped] for name, mapped in self.objects.items()}
        activities, tasks = self.sections.activities, self.sections.tasks
        more = {
            "Task": [
                *([activities.key_field] if activities.log != "off" else []),
                *([tasks.key_field] if tasks.kinds else []),
            ],
            "EmailMessage": [
                *([activities.key_field] if activities.log != "off" else []),
                *activities.count_fields(),
            ],
            "CampaignMember": ["Status"] if self.sections.campaign_members.fill else [],
        }
        return fields | {name: list(dict.fromkeys(each)) for name, each in more.items() if each}

    def problem(self, object_name: str, field: FieldMapping, reason: str, remedy: str) -> Problem:
        """Word a problem with one of the mapped fields."""
        return Problem(
            *self.places[object_name, field.field],
            f"{object_name}.{field.field}",
            reason,
            remedy,
        )

    def section_problem(self, section: str, key: str, reason: str, remedy: str) -> Problem:
        """Word a problem with a key of a section, at its line or, by default, the file's first."""
        place = self.places.get((section, key)) or self.places.get((section, ""))
        return Problem(*(place or Place(self.file, 1)), f"{section}.{key}", reason, remedy)


def load_mapping(path: Path | None = None) -> Mapping:
    """Read a mapping file; without a path, the default mapping that ships with Touchline.

    Raises:
        MappingError: the file cannot be read as a mapping; all problems at once.
    """
    if path is None:
        return parse_mapping(default_text(), DEFAULT_MAPPING)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        remedy = "Point TOUCHLINE_MAPPING at a readable mapping file, or unset it."
        raise MappingError([Problem(str(path), 1, path.name, str(reason), remedy)]) from error
    return parse_mapping(text, str(path))


def parse_mapping(text: str, file: str) -> Mapping:
    """Read the text of a mapping and what it extends; `file` is its name, and where it is.

    Raises:
        MappingError: the text is no mapping; all problems at once.
    """
    try:
        layered = read_layers(text, file)
    except LayerError as error:
        raise MappingError([_complained(each) for each in error.complaints]) from error
    try:
        parsed = MappingFile.model_validate(layered.content)
    except ValidationError as error:
        raise MappingError(
            [_problem_of(layered, found) for found in error.errors(include_url=False)]
        ) from error
    objects: dict[str, tuple[FieldMapping, ...]] = {
        name: tuple(FieldMapping(**entry.model_dump(exclude={"off"})) for entry in entries)
        for name, entries in parsed.objects.items()
    }
    places = {
        (name, field.field): layered.place(("objects", name, position))
        for name, fields in objects.items()
        for position, field in enumerate(fields)
    }
    for section in Sections.model_fields:
        given = [loc for loc in layered.places if loc[0:1] == (section,) and len(loc) <= 2]
        places |= {(section, str(loc[1]) if loc[1:] else ""): layered.places[loc] for loc in given}
    sections = Sections(**{name: getattr(parsed, name) for name in Sections.model_fields})
    _refuse_contradictions(layered, objects)
    return Mapping(file, objects, places, sections)


def _complained(complaint: Complaint) -> Problem:
    return Problem(*complaint.place, complaint.value, complaint.reason, complaint.remedy)


def _problem_of(layered: Layered, found: ErrorDetails) -> Problem:
    """Put one of pydantic's findings into the words of a mapping."""
    loc, given = found["loc"], found["input"]
    keys = [part for part in loc if isinstance(part, str) and part != "[key]"]
    key = keys[-1] if keys else "mapping"
    value = str(given) if isinstance(given, str | int | float | bool) else key
    reason = f"{key}: {found['msg']}"
    remedy = _REMEDIES.get(key, "See docs/mapping.md for the keys and their meaning.")
    if "[key]" in loc:
        reason, remedy = "cannot be written to", _REMEDIES["objects"]
        if key == "Campaign":
            remedy = "Say `campaign_members: {fill: true}`: what came of a sequence goes there."
    elif found["type"] == "missing":
        reason = "is missing"
    elif found["type"] == "extra_forbidden":
        value, reason = key, "is no key of a mapping"
    elif found["type"] in ("literal_error", "string_pattern_mismatch"):
        reason = f"is no {key}"
    elif found["type"] in ("model_type", "dict_type", "list_type"):
        reason = "is not written as a mapping needs it"
    return Problem(*layered.place(loc), value, reason, remedy)


def _refuse_contradictions(
    layered: Layered, objects: MappingOf[str, Sequence[FieldMapping]]
) -> None:
    problems = []
    for name, fields in objects.items():
        seen: set[str] = set()
        for position, field in enumerate(fields):
            place = (*layered.place(("objects", name, position)), f"{name}.{field.field}")
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
