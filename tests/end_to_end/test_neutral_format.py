"""A team told in Unify's shapes and told in the neutral format is the same team (A5, F3)."""

import gzip
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing.load import load
from orchestration.warehouse import Warehouse
from tests.end_to_end.conftest import SAMPLE
from tests.end_to_end.team import Team

pytestmark = pytest.mark.slow

#: Unify's flags, the strongest first, and the state that says the same.
_STATES = (
    ("is_opted_out", "unsubscribed"),
    ("is_bounced", "bounced"),
    ("is_excluded", "excluded"),
    ("is_canceled", "canceled"),
)


TABLES = ("enrollments", "messages", "replies", "enrollment_status_history", "email_events")


@pytest.fixture(scope="module")
def teams(tmp_path_factory: pytest.TempPathFactory) -> tuple[Team, Team]:
    """The sample as it is, and told in the neutral format; both built."""
    place = tmp_path_factory.mktemp("teams")
    unify = Team(place / "unify", SAMPLE / "landing", SAMPLE / "org")
    neutral = Team(place / "neutral", place / "landing", SAMPLE / "org")
    tell_neutrally(SAMPLE / "landing", neutral.landing)
    with ThreadPoolExecutor(2) as both:
        list(both.map(build, (unify, neutral)))
    return unify, neutral


@pytest.mark.parametrize("table", TABLES)
def test_a_team_told_in_the_neutral_format_has_the_same_marts(
    teams: tuple[Team, Team], table: str
) -> None:
    """Row for row; only the time of loading may differ."""
    unify, neutral = teams
    assert count(neutral, "raw.enrollments") == count(unify, "raw.sequence_records") == 0
    assert count(unify, f"marts.{table}") > 0
    assert differing_rows(unify, neutral, f"marts.{table}") == []


def test_a_state_without_a_status_fails_the_build_by_name(teams: tuple[Team, Team]) -> None:
    """F3: and says what to do about it."""
    _, neutral = teams
    told = enrollment(next(read(SAMPLE / "landing" / "sequences" / "enrollments")))
    new = told | {"id": "new", "platform": "Outreach", "platform_state": "Meeting_Booked"}
    place = neutral.landing / "sequences" / "neutral" / "new.ndjson"
    place.write_text(json.dumps(new) + "\n", encoding="utf-8")
    load(Warehouse(neutral.data / "warehouse.duckdb"), neutral.landing)
    done = neutral.dbt("test", "--select", "every_platform_state_has_a_status")
    assert done.returncode == 1
    assert "No status for the platform state outreach: meeting_booked. Add a row" in done.stdout


def build(team: Team) -> None:
    """Load and build, without a CRM and without a schedule."""
    team.data.mkdir()
    load(Warehouse(team.data / "warehouse.duckdb"), team.landing)
    marts = [f"+{table}" for table in TABLES]
    kinds = ("--resource-type", "seed", "--resource-type", "model")
    done = team.dbt("build", *kinds, "--select", *marts)
    assert done.returncode == 0, done.stdout


def count(team: Team, table: str) -> int:
    """Return the number of rows in a table."""
    with Warehouse(team.data / "warehouse.duckdb").connect() as connection:
        ((rows,),) = connection.execute(f"select count(*) from {table}").fetchall()
    return int(rows)


def differing_rows(one: Team, other: Team, table: str) -> list[tuple[Any, ...]]:
    """Return some rows of a table that only one of the teams has."""
    columns = "columns(lambda name: name != 'loaded_at')"
    with duckdb.connect() as connection:
        for name, team in (("one", one), ("other", other)):
            connection.execute(f"attach '{team.data / 'warehouse.duckdb'}' as {name} (read_only)")
        rows: list[tuple[Any, ...]] = connection.execute(
            f"(select 'one', {columns} from one.{table}"
            f" except all select 'one', {columns} from other.{table})"
            f" union all "
            f"(select 'other', {columns} from other.{table}"
            f" except all select 'other', {columns} from one.{table}) limit 5"
        ).fetchall()
        return rows


def tell_neutrally(source: Path, target: Path) -> None:
    """Copy a landing folder, its enrollments and messages told in the neutral format."""
    for folder in ("sendgrid", "mailboxes"):
        shutil.copytree(source / folder, target / folder)
    records = [
        *(enrollment(each) for each in read(source / "sequences" / "enrollments")),
        *(message(each) for each in read(source / "sequences" / "messages")),
    ]
    place = target / "sequences" / "neutral" / "all.ndjson"
    place.parent.mkdir(parents=True)
    place.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of pages, arrays and lines."""
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode()
        if text.startswith('{"enrollments"'):
            yield from json.loads(text)["enrollments"]
        elif text.startswith("["):
            yield from json.loads(text)
        else:
            yield from map(json.loads, text.splitlines())


def enrollment(told: dict[str, Any]) -> dict[str, Any]:
    """Tell an enrollment of Unify's API as one whose platform uses our own words."""
    reply = told["reply_email_message"] or {}
    return {
        "record_type": "enrollment",
        "platform": "touchline",
        "id": told["id"],
        "sequence_id": told["sequence"]["id"],
        "sequence_name": told["sequence"]["name"],
        "person_id": told["person"]["id"],
        "person_email": told["person"]["email"],
        "crm_record_id": told["person"]["crm_record_id"],
        "mailbox": told["mailbox"]["email"],
        "platform_state": state(told),
        "state_changed_at": told["updated_at"],
        "enrolled_at": told["created_at"],
        "updated_at": told["updated_at"],
        "started_at": told["started_at"],
        "ended_at": told["ended_at"],
        "replied_at": reply.get("received_at"),
        "reply_labels": [each["name"] for each in reply.get("classifications", [])],
    }


def state(told: dict[str, Any]) -> str:
    """Return the one state that says what Unify's flags say."""
    for flag, name in _STATES:
        if told[flag]:
            return name
    if told["ended_at"]:
        return "replied" if told["is_replied"] else "completed"
    if told["is_blocked"]:
        return "blocked"
    paused = (told["is_paused"], told["sequence"]["is_paused"], told["mailbox"]["is_paused"])
    if any(paused):
        return ("paused", "sequence_paused", "mailbox_paused")[paused.index(True)]
    return "engaged" if told["started_at"] else "queued"


def message(told: dict[str, Any]) -> dict[str, Any]:
    """Tell a sent message in the neutral format."""
    same = (
        "id", "message_id", "provider_message_id", "thread_id", "enrollment_id", "sequence_id",
        "to", "subject", "body_text", "format", "sent_at", "track_opens", "track_clicks",
    )  # fmt: skip
    return {
        "record_type": "message",
        "platform": "touchline",
        "step_number": told["step"]["number"],
        "mailbox": told["mailbox"]["email"],
        **{name: told[name] for name in same},
    }
