"""The org's objects and fields, read from `objects/*.json`: what exists, and what may be done."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import orjson

from orchestration.local_org.org_rules import Rules

OBJECTS = Path(__file__).with_name("objects")

TEXT_TYPES = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "combobox"})
ID_TYPES = frozenset({"id", "reference"})
NUMBER_TYPES = frozenset({"double", "currency", "percent", "int"})
#: Objects that exist only where Enhanced Email is on.
_ENHANCED_EMAIL = frozenset({"EmailMessage", "EmailMessageRelation"})
#: How the custom fields that Touchline brings begin.
_OURS = "Touchline_"
DEFAULT_LENGTHS = {"id": 18, "reference": 18, "email": 80, "phone": 40, "url": 255, "picklist": 255}


@dataclass(frozen=True)
class PicklistValue:
    """One value of a picklist: what the API stores and what people read."""

    value: str
    label: str
    is_active: bool = True


@dataclass(frozen=True)
class Field:
    """One field of an object; the attributes carry the meaning of Salesforce's describe."""

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    createable: bool = True
    updateable: bool = True
    required: bool = False
    defaulted: bool = False
    default: str | bool | None = None
    derived: bool = False
    values: tuple[PicklistValue, ...] = ()
    restricted: bool = False
    references: tuple[str, ...] = ()
    relationship: str | None = None
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    name_field: bool = False
    help: str | None = None

    @property
    def is_custom(self) -> bool:
        """Whether the field was added by an admin rather than by Salesforce."""
        return self.name.endswith("__c")

    @property
    def is_nillable(self) -> bool:
        """Whether the field may be empty; a checkbox never is."""
        return not self.required and self.type not in {"boolean", "id"}

    @property
    def is_filterable(self) -> bool:
        """Whether SOQL may filter or sort by it: long text may not [R]."""
        return not (self.type == "textarea" and self.length > 255)

    def folded(self, value: object) -> str:
        """Return a key so that those which Salesforce holds for equal are equal."""
        return str(value) if self.case_sensitive else str(value).lower()

    @cached_property
    def allowed_values(self) -> frozenset[str]:
        """The values that a restricted picklist accepts."""
        return frozenset(item.value for item in self.values if item.is_active)


@dataclass(frozen=True)
class SObject:
    """One object: its fields by name, and how to find them whatever their case."""

    name: str
    label: str
    label_plural: str
    key_prefix: str | None
    fields: tuple[Field, ...]
    union_of: tuple[str, ...] = ()
    responded_statuses: frozenset[str] = frozenset()
    createable: bool = True
    updateable: bool = True
    may_delete: bool = True
    _by_name: Mapping[str, Field] = field(default_factory=dict, repr=False, compare=False)
    _by_relationship: Mapping[str, Field] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {each.name.lower(): each for each in self.fields})
        object.__setattr__(
            self,
            "_by_relationship",
            {each.relationship.lower(): each for each in self.fields if each.relationship},
        )

    def find(self, name: str) -> Field | None:
        """Return the field of that name; names are not case-sensitive."""
        return self._by_name.get(name.lower())

    def find_relationship(self, name: str) -> Field | None:
        """Return the reference field behind a relationship name (`Owner` is `OwnerId`)."""
        return self._by_relationship.get(name.lower())

    @property
    def is_soft_deleted(self) -> bool:
        """Whether deleting leaves the record in the recycle bin (`IsDeleted`)."""
        return "isdeleted" in self._by_name

    @property
    def deletable(self) -> bool:
        """Whether the user may delete records."""
        return self.may_delete and self.is_soft_deleted


@dataclass(frozen=True)
class Schema:
    """All objects of the org."""

    objects: tuple[SObject, ...]
    fingerprint: str

    @cached_property
    def _by_name(self) -> Mapping[str, SObject]:
        return {each.name.lower(): each for each in self.objects}

    @cached_property
    def by_prefix(self) -> Mapping[str, SObject]:
        """Objects by the first three characters of their ids."""
        return {each.key_prefix: each for each in self.objects if each.key_prefix}

    def __iter__(self) -> Iterator[SObject]:
        """Yield the objects that have records of their own."""
        return (each for each in self.objects if not each.union_of)

    def find(self, name: str) -> SObject | None:
        """Return the object of that name, whatever the case; None if there is no such object."""
        return self._by_name.get(name.lower())


@cache
def load(folder: Path = OBJECTS) -> Schema:
    """Read every object of the folder, in the order of their names; once, as nothing moves it."""
    texts = [path.read_bytes() for path in sorted(folder.glob("*.json"))]
    fingerprint = hashlib.sha256(b"".join(texts)).hexdigest()[:12]
    return Schema(tuple(_object(orjson.loads(text)) for text in texts), fingerprint)


def bare(schema: Schema) -> Schema:
    """Return the schema of an org in which nobody has set Touchline up: none of its own fields."""
    objects = tuple(
        replace(each, fields=tuple(one for one in each.fields if not one.name.startswith(_OURS)))
        for each in schema.objects
    )
    return remade(schema, objects, b"bare")


def with_fields(schema: Schema, added: Iterable[tuple[str, Field]]) -> Schema:
    """Return the schema with (object, field) pairs added, or put in the place of their like."""
    objects = {each.name: {one.name: one for one in each.fields} for each in schema.objects}
    pairs = sorted(added, key=lambda pair: (pair[0], pair[1].name))
    for name, each in pairs:
        objects[name][each.name] = each
    changed = tuple(
        replace(each, fields=tuple(objects[each.name].values())) for each in schema.objects
    )
    return remade(schema, changed, repr(pairs).encode())


def as_seen(schema: Schema, hidden: frozenset[tuple[str, str]], rules: Rules) -> Schema:
    """Return the schema as the API user sees it: what is hidden does not exist for them.

    `hidden` are (object, field) pairs.
    """
    seen = tuple(_seen(each, hidden, rules) for each in schema.objects if _exists(each.name, rules))
    marks = [sorted(hidden), rules.read_only_fields, rules.object_access, rules.inactive_values]
    words = orjson.dumps([*marks, rules.enhanced_email], option=orjson.OPT_SORT_KEYS)
    return remade(schema, seen, words)


def remade(schema: Schema, objects: tuple[SObject, ...], words: bytes) -> Schema:
    """Return a schema made from another; `words` say what makes the difference."""
    fingerprint = hashlib.sha256(schema.fingerprint.encode() + words).hexdigest()[:12]
    return Schema(objects, fingerprint)


def _exists(name: str, rules: Rules) -> bool:
    if name in _ENHANCED_EMAIL and not rules.enhanced_email:
        return False
    return "read" in rules.object_access.get(name, ["read"])


def _seen(sobject: SObject, hidden: frozenset[tuple[str, str]], rules: Rules) -> SObject:
    rights = rules.object_access.get(sobject.name)
    locked = set(rules.read_only_fields.get(sobject.name, ()))
    fields = []
    for each in sobject.fields:
        if (sobject.name, each.name) in hidden:
            continue
        off = set(rules.inactive_values.get(f"{sobject.name}.{each.name}", ()))
        values = tuple(replace(one, is_active=one.value not in off) for one in each.values)
        is_open = each.name not in locked
        fields.append(
            replace(
                each,
                values=values,
                createable=each.createable and is_open,
                updateable=each.updateable and is_open,
            )
        )
    return replace(
        sobject,
        fields=tuple(fields),
        createable=sobject.createable and (rights is None or "create" in rights),
        updateable=sobject.updateable and (rights is None or "update" in rights),
        may_delete=sobject.may_delete and (rights is None or "delete" in rights),
    )


def _object(data: Mapping[str, Any]) -> SObject:
    return SObject(
        name=data["name"],
        label=data["label"],
        label_plural=data["labelPlural"],
        key_prefix=data["keyPrefix"],
        fields=tuple(read_field(each) for each in data["fields"]),
        union_of=tuple(data.get("unionOf", ())),
        responded_statuses=frozenset(data.get("respondedStatuses", ())),
    )


def read_field(data: Mapping[str, Any]) -> Field:
    """Return the field that a line of `objects/*.json` describes."""
    kind = data["type"]
    access = "read" if kind == "id" else data.get("access", "full")
    return Field(
        name=data["name"],
        label=data["label"],
        type=kind,
        length=data.get("length", DEFAULT_LENGTHS.get(kind, 0)),
        precision=data.get("precision", 8 if kind == "int" else 0),
        scale=data.get("scale", 0),
        createable=access in {"full", "create"},
        updateable=access in {"full", "update"},
        required=data.get("required", False),
        defaulted=data.get("defaulted", False),
        default=data.get("default", False if kind == "boolean" else None),
        derived=data.get("derived", False),
        values=tuple(_picklist_value(each) for each in data.get("values", ())),
        restricted=data.get("restricted", False),
        references=tuple(data.get("references", ())),
        relationship=data.get("relationship"),
        external_id=data.get("externalId", False),
        id_lookup=data.get("idLookup", False) or kind == "id",
        unique=data.get("unique", False),
        case_sensitive=data.get("caseSensitive", False),
        name_field=data.get("nameField", False),
        help=data.get("help"),
    )


def _picklist_value(data: str | list[str]) -> PicklistValue:
    if isinstance(data, str):
        return PicklistValue(data, data)
    value, label = data
    return PicklistValue(value, label)
