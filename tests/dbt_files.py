"""The dbt project read as files: its models, what their SQL names, what their yml promises."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1] / "dbt_project"

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}", re.DOTALL)
_REF = re.compile(r"\bref\(\s*'(\w+)'\s*\)")
_SOURCE = re.compile(r"\bsource\(\s*'(\w+)'\s*,\s*'(\w+)'\s*\)")


@dataclass(frozen=True)
class Model:
    """A model's two files."""

    sql_file: Path

    @property
    def name(self) -> str:
        """The name that others refer to."""
        return self.sql_file.stem

    @property
    def room(self) -> str:
        """The layer: staging, intermediate, marts or crm."""
        return self.sql_file.relative_to(PROJECT / "models").parts[0]

    @property
    def sql(self) -> str:
        """The SQL and Jinja, without comments."""
        return without_comments(self.sql_file.read_text(encoding="utf-8"))

    @property
    def refs(self) -> set[str]:
        """The models and seeds that it reads."""
        return set(_REF.findall(self.sql))

    @property
    def sources(self) -> set[str]:
        """The raw tables that it reads, as `schema.table`."""
        return {".".join(found) for found in _SOURCE.findall(self.sql)}

    @property
    def yml_file(self) -> Path:
        """Where its promises stand."""
        return self.sql_file.with_suffix(".yml")

    @property
    def promises(self) -> dict[str, Any]:
        """What the yml beside it says of it; empty where it says nothing."""
        if not self.yml_file.exists():
            return {}
        described = yaml.safe_load(self.yml_file.read_text(encoding="utf-8")).get("models", [])
        return next((found for found in described if found["name"] == self.name), {})

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The columns of its contract by name."""
        return {column["name"]: column for column in self.promises.get("columns", [])}


def without_comments(text: str) -> str:
    """Return SQL without SQL's and Jinja's comments."""
    return _COMMENTS.sub(" ", text)


@cache
def models() -> dict[str, Model]:
    """Return every model by its name."""
    return {file.stem: Model(file) for file in sorted((PROJECT / "models").rglob("*.sql"))}


def models_of(*rooms: str) -> list[Model]:
    """Return the models of some layers."""
    return [model for model in models().values() if model.room in rooms]


def configuration() -> dict[str, Any]:
    """Return dbt_project.yml."""
    text = (PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found
