"""A write and the warehouse's file: others get their turn while the org is at work."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.crm.salesforce import SalesforceCrm
from orchestration.landing.tables import create_raw_tables
from orchestration.settings import SalesforceLogin
from orchestration.warehouse import Warehouse
from orchestration.writeback.apply import apply_plan
from tests.crm.live_org import IMPATIENT
from tests.crm.scripted_org import Answer, Script
from tests.writeback.scene import ANN, SAVED, plan_for, sent_ids
from tests.writeback.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One whose file nobody holds open, unlike the other tests' stages."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.connect() as connection:
        create_raw_tables(connection)
    return Stage(warehouse)


def test_no_warehouse_connection_is_held_over_a_request(stage: Stage, script: Script) -> None:
    stage.snapshot(contacts=[{"Id": ANN}])
    plan = plan_for(stage, ANN)
    script.answers = [Answer(200, [SAVED])]

    class Probing(SalesforceCrm):
        def _ask(self, *arguments: Any) -> Any:
            # Refused by DuckDB if this process had the file open for writing.
            duckdb.connect(str(stage.warehouse.path), read_only=True).close()
            return super()._ask(*arguments)

    login = SalesforceLogin(f"127.0.0.1:{script.port}", "key", "secret")
    report = apply_plan(stage.warehouse, Probing(login, IMPATIENT), plan.plan_id, "run")
    assert report.written == 1


@contextmanager
def locked_by_another_process(file: Path) -> Iterator[None]:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", code, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        yield
        holder.communicate(b"\n")


def test_k4_a_busy_warehouse_ends_the_run_with_the_figures_right(
    stage: Stage, script: Script
) -> None:
    ids = [f"003{number:012}AAA" for number in range(401)]
    stage.snapshot(contacts=[{"Id": each} for each in ids])
    plan = plan_for(stage, *ids)
    script.answers = [Answer(200, [SAVED] * 200), Answer(200, [SAVED] * 200)]
    busy = ExitStack()

    class Slow(SalesforceCrm):
        """Somebody opens the warehouse while the second request is under way."""

        def update_many(self, *arguments: Any) -> list[Any]:
            if len(sent_ids(script)) == 1:
                busy.enter_context(locked_by_another_process(stage.warehouse.path))
            return super().update_many(*arguments)

    crm = Slow(SalesforceLogin(f"127.0.0.1:{script.port}", "key", "secret"), IMPATIENT)
    warehouse = Warehouse(stage.warehouse.path, lock_wait_seconds=0.1)
    with busy:
        report = apply_plan(warehouse, crm, plan.plan_id, "run")
    assert (report.written, report.failed, report.unsent) == (400, 0, 1)
    assert "is still locked" in (report.stopped_because or "")
    # Were there nothing left to send, what was written would be on no record all the same.
    assert not replace(report, unsent=0).is_complete
    counted = stage.rows("select outcome, count(*) from writeback.ledger group by 1 order by 1")
    assert counted == [("written", 200), (None, 200)]
