"""Deploying a package in Salesforce source format: every component, or none."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.local_org import custom_fields, metadata, permission_sets, schema, store
from orchestration.local_org.metadata_xml import MetadataError
from orchestration.local_org.org import Org
from orchestration.local_org.org_rules import Rules
from orchestration.local_org.permission_sets import PermissionSet
from orchestration.local_org.schema import Field, Schema
from orchestration.local_org.store import quoted

PROJECT = "sfdx-project.json"
_META = "-meta.xml"
_FIELD, _SET = "CustomField", "PermissionSet"
#: Custom fields of activities belong to all kinds of them; this org has tasks only.
_OWNERS: Mapping[str, str] = {"Activity": "Task"}

CREATED, CHANGED, UNCHANGED = "created", "changed", "unchanged"


class SourceError(ValueError):
    """The folder is no Salesforce project, or has nothing to deploy."""


@dataclass(frozen=True)
class Component:
    """One file of the package: its kind, its full name, its object if it is a field."""

    kind: str
    name: str
    file: Path
    owner: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a component; a `problem` fails the whole deployment."""

    component: Component
    state: str = ""
    problem: str = ""


class DeployError(Exception):
    """Some components were refused, so nothing was deployed."""

    def __init__(self, failures: list[Outcome]) -> None:
        super().__init__(f"{len(failures)} components failed")
        self.failures = failures


def deploy(org: Org, folder: Path) -> list[Outcome]:
    """Deploy the package of a folder.

    Raises:
        SourceError: no package is there.
        DeployError: a component was refused; the org is as it was.
    """
    components = list(_components(folder))
    if not components:
        raise SourceError(f"{folder} has no {_META} file in its package directories.")
    with org.store.writing() as connection:
        deployment = _Deployment(connection, org)
        outcomes = [deployment.field(each) for each in components if each.kind == _FIELD]
        outcomes += [deployment.permission_set(each) for each in components if each.kind == _SET]
        outcomes += [
            Outcome(each, problem="The local org takes custom fields and permission sets only")
            for each in components
            if each.kind not in {_FIELD, _SET}
        ]
        if failures := [each for each in outcomes if each.problem]:
            raise DeployError(failures)
        full = metadata.full_schema(connection)
        store.create_tables(connection, full)
        store.create_indexes(connection, full)
        org.full_schema = full
        org.apply_rules(connection)
    return outcomes


def _components(folder: Path) -> Iterator[Component]:
    project = folder / PROJECT
    try:
        listed = json.loads(project.read_text(encoding="utf-8"))["packageDirectories"]
        paths = [str(each["path"]) for each in listed]
    except FileNotFoundError as error:
        raise SourceError(f"{folder} is no Salesforce project: it has no {PROJECT}.") from error
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise SourceError(f"{project} names no packageDirectories with a path each.") from error
    for path in paths:
        room = (folder / path).resolve()
        if not room.is_relative_to(folder.resolve()) or not room.is_dir():
            raise SourceError(f"{project}: {path} is no folder of the project.")
        for file in sorted(room.rglob(f"*{_META}")):
            yield _component(file)


def _component(file: Path) -> Component:
    name, _, kind = file.name.removesuffix(_META).rpartition(".")
    if kind == "field" and file.parent.name == "fields":
        owner = file.parent.parent.name
        return Component(_FIELD, f"{owner}.{name}", file, owner)
    return Component(_SET if kind == "permissionset" else kind, name, file)


class _Deployment:
    """Takes component after component into a transaction that is kept only if all are sound."""

    def __init__(self, connection: sqlite3.Connection, org: Org) -> None:
        self._connection = connection
        self._rules = Rules(enhanced_email=org.rules.enhanced_email)
        self._before = self._known()

    def field(self, component: Component) -> Outcome:
        """Take a custom field."""
        owner = self._before.find(_OWNERS.get(component.owner, component.owner))
        if owner is None or owner.union_of:
            problem = f"Entity of type 'CustomObject' named '{component.owner}' cannot be found"
            return Outcome(component, problem=problem)
        try:
            definition = custom_fields.read(component.file)
            there = owner.find(definition["name"])
            state = self._compared(owner.name, there, definition)
        except MetadataError as error:
            return Outcome(component, problem=str(error))
        if state != UNCHANGED:
            metadata.keep_field(self._connection, owner.name, definition)
        return Outcome(component, state)

    def permission_set(self, component: Component) -> Outcome:
        """Take a permission set; it may speak of fields that come with it."""
        try:
            permissions = permission_sets.read(component.file)
        except MetadataError as error:
            return Outcome(component, problem=str(error))
        if problems := list(permission_sets.check(permissions, self._known())):
            return Outcome(component, problem="; ".join(problems))
        return Outcome(component, self._kept(component.name, permissions))

    def _kept(self, name: str, permissions: PermissionSet) -> str:
        there = metadata.sets(self._connection).get(name)
        if there and there.permissions == permissions:
            return UNCHANGED
        metadata.keep_set(self._connection, name, permissions)
        return CHANGED if there else CREATED

    def _compared(self, owner: str, there: Field | None, definition: dict[str, Any]) -> str:
        wanted = schema.read_field(definition)
        if there is None:
            return CREATED
        if there == wanted:
            return UNCHANGED
        if (there.type, there.case_sensitive) != (wanted.type, wanted.case_sensitive):
            raise MetadataError("Cannot change type due to existing data")
        if there.unique != wanted.unique:
            self._check_values(owner, wanted)
            self._connection.execute(f"drop index if exists {quoted(f'{owner}_{there.name}')}")
        return CHANGED

    def _check_values(self, owner: str, wanted: Field) -> None:
        column = quoted(wanted.name)
        twice = self._connection.execute(
            f"select 1 from {quoted(owner)} where {column} is not null "
            f"group by {column} having count(*) > 1 limit 1"
        ).fetchone()
        if wanted.unique and twice:
            raise MetadataError("Cannot become unique: two records hold the same value")

    def _known(self) -> Schema:
        """Return what the org has by now, as its admin sees it."""
        return schema.as_seen(metadata.full_schema(self._connection), frozenset(), self._rules)
