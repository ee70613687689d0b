"""A team's landing files built into marts, without a CRM and without a schedule."""

from typing import Any

import duckdb

from orchestration.landing.load import load
from orchestration.warehouse import Warehouse
from tests.end_to_end.team import Team

#: The models that remember earlier loads, and what they are made of; all others are made anew.
REMEMBERING = "+config.materialized:incremental"


def build(team: Team, *select: str, is_tested: bool = True) -> None:
    """Load and build all models, or those selected; the data tests must hold if they are asked."""
    team.data.mkdir(exist_ok=True)
    load(Warehouse(team.data / "warehouse.duckdb"), team.landing)
    without = ["unit_test"] if is_tested else ["unit_test", "test"]
    selected = ("--select", *select) if select else ()
    done = team.dbt("build", *selected, *(f"--exclude-resource-type={each}" for each in without))
    assert done.returncode == 0, done.stdout


def query(team: Team, sql: str) -> list[tuple[Any, ...]]:
    """Ask the team's warehouse."""
    with Warehouse(team.data / "warehouse.duckdb").connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


def differing_tables(one: Team, other: Team) -> list[str]:
    """Return the tables of marts and crm that do not hold the same rows in both warehouses."""
    columns = "columns(lambda name: name != 'loaded_at')"
    with duckdb.connect() as connection:
        for name, team in (("one", one), ("other", other)):
            connection.execute(f"attach '{team.data / 'warehouse.duckdb'}' as {name} (read_only)")
        tables = connection.execute(
            "select distinct schema_name || '.' || table_name from duckdb_tables() "
            "where database_name = 'one' and schema_name in ('marts', 'crm') order by 1"
        ).fetchall()
        assert len(tables) > 15
        return [
            table
            for (table,) in tables
            if connection.execute(
                f"(select {columns} from one.{table} except all "
                f"select {columns} from other.{table}) union all "
                f"(select {columns} from other.{table} except all "
                f"select {columns} from one.{table}) limit 1"
            ).fetchall()
        ]
