"""The rules of the house that concern dbt: what a layer may read, and what it has to promise."""

import re
from pathlib import Path

import pytest

from orchestration.writeback.mapping import load_mapping
from tests.dbt_files import PROJECT, Model, configuration, models, models_of, without_comments

PUBLIC = ("marts", "crm")

#: What only one engine understands: JSON, epochs, patterns, lists, argmax, nulls in windows.
ENGINE_SPECIFIC = re.compile(
    r"->>?|\blambda\b|\bqualify\b|\b(?:ignore|respect)\s+nulls\b|\w\[\d+\]|::"
    r"|\bcount\s*\(\s*distinct\b[^()]*\)\s*over\b"
    r"|\b(?:json_\w+|\w+_json|epoch\w*|regexp_\w+|list\w*|array_\w+|arg_m\w+|m(?:ax|in)_by"
    r"|unnest|str[pf]time|to_timestamp|struct_\w+|string_agg|generate_series)\s*\(",
    re.IGNORECASE,
)
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\(.*?\{%-?\s*endmacro", re.DOTALL)
_RELATION = re.compile(r"\b(?:from|join)\s+(?!\{\{)([\w.\"]+)", re.IGNORECASE)
_CTE = re.compile(r"^\s*(\w+) as \($", re.MULTILINE)

every_model = pytest.mark.parametrize("model", models().values(), ids=models().keys())
public_model = pytest.mark.parametrize(
    "model", models_of(*PUBLIC), ids=[model.name for model in models_of(*PUBLIC)]
)


def macros() -> dict[str, str]:
    """Return the body of each macro by its name."""
    texts = [file.read_text(encoding="utf-8") for file in (PROJECT / "macros").glob("*.sql")]
    found = [match for text in texts for match in _MACRO.finditer(without_comments(text))]
    return {match[1]: match[0] for match in found}


def engine_specific(text: str) -> list[str]:
    """Return what only one engine understands in a text; calls of our own macros are none."""
    ours = "|".join(sorted(macros(), key=len, reverse=True))
    return ENGINE_SPECIFIC.findall(re.sub(rf"\b(?:{ours})\s*\(", "(", text))


def literal_relations(text: str) -> set[str]:
    """Return the relations that a query names in plain text and does not define itself."""
    plain = re.sub(r"\bdistinct from\b|\bextract\s*\([^)]*\)", " ", without_comments(text))
    return set(_RELATION.findall(plain)) - set(_CTE.findall(plain))


def integrity_tests() -> list[Path]:
    """Return the singular tests."""
    return sorted((PROJECT / "tests").glob("*.sql"))


def test_staging_reads_only_sources() -> None:
    staging = models_of("staging")
    assert staging
    assert {model.name for model in staging if model.refs or not model.sources} == set()


def test_everything_after_staging_reads_only_refs() -> None:
    later = models_of("intermediate", *PUBLIC)
    assert len(later) + len(models_of("staging")) == len(models())
    assert {model.name for model in later if model.sources or not model.refs} == set()


@every_model
def test_every_relation_is_a_ref_a_source_or_the_models_own(model: Model) -> None:
    assert literal_relations(model.sql) == set()
    assert len(re.findall(r"\b(?:ref|source)\(", model.sql)) == len(
        re.findall(r"\bref\('\w+'\)|\bsource\('\w+', '\w+'\)", model.sql)
    ), "ref and source take literals, so that the lineage can be read"


def test_macros_read_no_tables() -> None:
    readers = [name for name, body in macros().items() if re.search(r"\b(ref|source)\(", body)]
    assert readers == []


def test_no_model_reads_the_ledger_or_anything_else_of_the_writeback() -> None:
    assert {model.name for model in models().values() if "writeback" in model.sql} == set()
    read = {source for model in models().values() for source in model.sources}
    assert {source for source in read if not source.startswith("raw.")} == set()


def test_no_intermediate_model_reads_a_mart() -> None:
    marts = {model.name for model in models_of(*PUBLIC)}
    back = {model.name: model.refs & marts for model in models_of("intermediate")}
    assert {name: found for name, found in back.items() if found} == {}


def test_no_mart_reads_what_is_made_for_the_crm() -> None:
    made_for_crm = {model.name for model in models_of("crm")}
    back = {model.name: model.refs & made_for_crm for model in models_of("marts")}
    assert {name: found for name, found in back.items() if found} == {}


@every_model
def test_every_model_has_its_yml_beside_it(model: Model) -> None:
    assert model.yml_file.exists()
    assert model.promises.get("description", "").strip()


def test_no_yml_describes_a_model_that_is_gone() -> None:
    files = {file for file in (PROJECT / "models").rglob("*.yml") if file.stem[0] != "_"}
    assert {file for file in files if not file.with_suffix(".sql").exists()} == set()


@pytest.mark.parametrize("room", PUBLIC)
def test_the_contract_of_public_layers_is_enforced(room: str) -> None:
    assert configuration()["models"]["touchline"][room]["+contract"] == {"enforced": True}


@public_model
def test_no_public_model_leaves_the_contract(model: Model) -> None:
    assert "contract" not in model.promises.get("config", {})
    assert "contract" not in model.sql


@public_model
def test_every_public_column_has_a_type_and_a_description(model: Model) -> None:
    assert model.columns
    mute = [
        name
        for name, column in model.columns.items()
        if not str(column.get("description", "")).strip() or not column.get("data_type")
    ]
    assert mute == []


@public_model
def test_a_public_columns_name_tells_its_type(model: Model) -> None:
    types = {"_at": "timestamp", "_on": "date", "_count": "bigint", "_rate": "double"}
    odd = {
        name: column["data_type"]
        for name, column in model.columns.items()
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name)
        or any(name.endswith(end) and column["data_type"] != of for end, of in types.items())
        or (name.startswith(("is_", "has_")) and column["data_type"] != "boolean")
    }
    assert odd == {}


@pytest.mark.parametrize(
    "sql",
    [
        "json_extract(payload, '$.a')",
        "payload ->> '$.a'",
        "epoch_ms(moment)",
        "regexp_matches(text, 'a')",
        "list_transform(names, lambda name: name)",
        "reports[1].status",
        "arg_max(status, moment)",
        "unnest(links)",
        "strptime(text, '%Y')",
        "qualify recency = 1",
        "count(distinct url) over (partition by message_key)",
        "last_value(is_told ignore nulls) over (order by moment)",
    ],
)
def test_sql_of_one_engine_is_recognised(sql: str) -> None:
    assert engine_specific(f"select {sql}")


def test_calls_of_our_macros_and_plain_names_are_not_taken_for_it() -> None:
    calls = " ".join(f"{{{{ {name}('payload', 'a') }}}}" for name in macros())
    assert not engine_specific(f"select list_id, lag(a) over (b), {calls}")


@every_model
def test_sql_of_one_engine_stays_out_of_models(model: Model) -> None:
    assert engine_specific(model.sql) == []


@pytest.mark.parametrize("file", integrity_tests(), ids=lambda file: file.stem)
def test_sql_of_one_engine_stays_out_of_tests(file: Path) -> None:
    text = without_comments(file.read_text(encoding="utf-8"))
    assert engine_specific(text) == []
    assert literal_relations(text) == set()


def test_sql_of_one_engine_sits_in_macros_that_another_engine_can_replace() -> None:
    bodies = macros()
    assert len(bodies) > 20
    stuck = {
        name: found
        for name, body in bodies.items()
        if not name.startswith("duckdb__") and (found := engine_specific(body))
    }
    assert stuck == {}
    for name in bodies:
        if name.startswith("duckdb__"):
            public = name.removeprefix("duckdb__")
            assert f"adapter.dispatch('{public}', 'touchline')" in bodies[public]


def test_drift_compares_the_fields_that_the_default_mapping_writes() -> None:
    fields = configuration()["vars"]["crm_fields"]
    for entries in load_mapping(None).objects.values():
        assert {entry.metric: entry.field for entry in entries} == fields
