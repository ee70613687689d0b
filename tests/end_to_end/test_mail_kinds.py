"""E1: mails in many servers' and clients' shapes are what their folder says, from file to model."""

from pathlib import Path

import duckdb
import pytest

from orchestration.landing.load import load
from orchestration.warehouse import Warehouse
from tests.end_to_end.team import Team

pytestmark = pytest.mark.slow

MAILS = Path(__file__).parents[1] / "landing" / "mails"
CLASSIFIED = """
select mail.source_file, inbound.inbound_kind, inbound.kind_rule
from staging.stg_mailboxes__mail as mail
inner join intermediate.int_mail__copies using (content_hash)
inner join intermediate.int_mail__inbound as inbound using (mail_key)
"""


def test_e1_each_mail_is_of_the_kind_that_its_folder_says(tmp_path: Path) -> None:
    team = Team(tmp_path / "data", tmp_path / "landing", tmp_path)
    kinds = {}
    for path in MAILS.rglob("*.eml"):
        kind = path.parent.name
        file = f"mailboxes/ada@team.example/{kind}-{path.name}"
        kinds[file] = kind
        (team.landing / file).parent.mkdir(parents=True, exist_ok=True)
        (team.landing / file).write_bytes(path.read_bytes())
    warehouse = team.data / "warehouse.duckdb"
    load(Warehouse(warehouse), team.landing)
    done = team.dbt("build", "--select", "+int_mail__inbound", "--exclude", "resource_type:test")
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(CLASSIFIED).fetchall()
    assert {file: kind for file, kind, _ in rows} == kinds, rows
