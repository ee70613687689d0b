"""A sales team's data in a folder of its own, driven through the real command line."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

from tests.dbt_command import dbt

TOUCHLINE = Path(sys.executable).with_name("touchline")


@dataclass(frozen=True)
class Team:
    """Landing files, an org's seed, and a data folder that runs fill."""

    data: Path
    landing: Path
    org_seed: Path

    def touchline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a person would, and return what it said."""
        started = self.start(*arguments)
        said, progress = started.communicate(timeout=300)
        return subprocess.CompletedProcess(arguments, started.returncode, said, progress)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            [TOUCHLINE, *arguments],
            env={
                **os.environ,
                "TOUCHLINE_ENV": "local",
                "TOUCHLINE_DATA": str(self.data),
                "TOUCHLINE_LANDING": str(self.landing),
                "TOUCHLINE_ORG_SEED": str(self.org_seed),
                "TOUCHLINE_ORG_PORT": "0",
                "DAGSTER_HOME": str(self.data / "dagster"),
                "DBT_LOG_LEVEL_FILE": "none",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt on the team's warehouse, as an analyst would on a copy of it."""
        return dbt(self.data / "warehouse.duckdb", *arguments)

    def run(self) -> dict[str, Any]:
        """Run the sync and return its report; it must end well."""
        done = self.touchline("run", "--json")
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the published read copy."""
        with duckdb.connect(str(self.data / "published.duckdb"), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql, list(values)).fetchall()

    def plan_nodes(self, sql: str) -> list[dict[str, Any]]:
        """Run a query on the warehouse itself and return what each step of it did."""
        with duckdb.connect(str(self.data / "warehouse.duckdb"), read_only=True) as connection:
            ((_, plan),) = connection.execute(f"explain (analyze, format json) {sql}").fetchall()
        nodes: list[dict[str, Any]] = list(json.loads(plan)["operator"])
        for node in nodes:  # grows while it is read
            nodes.extend(node.get("children", []))
        return nodes

    def org_url(self) -> str:
        """Where the team's local org answers."""
        return str(json.loads((self.data / "org" / "org.json").read_text())["url"])

    def write_requests(self) -> list[dict[str, Any]]:
        """The requests in the org's own log that wrote."""
        answer = httpx.get(
            f"{self.org_url()}/__admin/requests",
            params={"is_write": "true", "kind": "rest"},
            trust_env=False,
        )
        return list(answer.raise_for_status().json())

    def change_by_hand(self, crm_object: str, crm_id: str, **fields: object) -> None:
        """Change a record as somebody in Salesforce would."""
        httpx.patch(
            f"{self.org_url()}/__admin/records/{crm_object}/{crm_id}",
            json={"fields": fields},
            trust_env=False,
        ).raise_for_status()

    def record(self, crm_object: str, crm_id: str) -> dict[str, Any]:
        """A record as the org holds it now."""
        answer = httpx.get(f"{self.org_url()}/__admin/records/{crm_object}", trust_env=False)
        records = answer.raise_for_status().json()
        return next(record for record in records if record["Id"] == crm_id)
