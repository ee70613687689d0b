"""What the room may know: nothing of the rooms that it is there to check."""

import ast
from pathlib import Path

import orchestration.local_org.app

ROOM = Path(orchestration.local_org.app.__file__).parent


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return found | {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def test_the_local_org_shares_no_code_with_other_rooms() -> None:
    known = {name for path in ROOM.glob("*.py") for name in imports(path)}
    ours = {name for name in known if name.startswith("orchestration")}
    assert ours
    assert {name for name in ours if not name.startswith("orchestration.local_org")} == set()
    assert known.isdisjoint({"simple_salesforce", "dagster", "dbt", "duckdb"})


def test_every_object_is_data() -> None:
    names = {path.stem for path in (ROOM / "objects").glob("*.json")}
    assert {"Contact", "Lead", "User", "Task", "EmailMessage", "CampaignMember"} <= names
