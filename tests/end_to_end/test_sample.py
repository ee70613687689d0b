"""The sample from file to field, run after run, as a person at the keyboard would see it."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.assets.story import explain_job
from orchestration.settings import Settings
from orchestration.what_if import MODELS
from tests.end_to_end import explained, truth
from tests.end_to_end.built import query
from tests.end_to_end.conftest import SAMPLE
from tests.end_to_end.team import Team

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first_run(sample_team: Team) -> dict[str, Any]:
    return sample_team.run()


@pytest.fixture(scope="module")
def first_copy(first_run: dict[str, Any], sample_team: Team) -> Path:
    """The read copy as the first run published it."""
    assert first_run["plan"]["plan_id"] == "plan-00001"
    kept = sample_team.data / "first.duckdb"
    kept.write_bytes((sample_team.data / "published.duckdb").read_bytes())
    return kept


@pytest.mark.usefixtures("first_copy")
def test_the_first_run_writes_every_record_that_differs(
    first_run: dict[str, Any], sample_team: Team
) -> None:
    assert set(first_run) == {"loads", "plan", "writeback", "crm_calls", "seconds"}
    assert first_run["loads"]["files"] > 0
    assert first_run["loads"]["rejected"] == 3
    assert first_run["plan"]["changed_records"] > 100
    assert first_run["writeback"] == {
        "written": first_run["plan"]["changed_records"],
        "failed": 0,
        "skipped": 0,
    }
    assert len(sample_team.write_requests()) == first_run["crm_calls"]["write"]


@pytest.mark.usefixtures("first_run")
def test_the_marts_agree_with_the_truth_for_every_person(sample_team: Team) -> None:
    assert truth.disagreements(sample_team, SAMPLE / "truth") == truth.NONE


@pytest.mark.usefixtures("first_run")
def test_the_business_rules_hold_on_made_up_rows(sample_team: Team) -> None:
    """Each dbt unit test; they need the tables of a run for their column types."""
    done = sample_team.dbt("test", "--select", "test_type:unit")
    assert done.returncode == 0, done.stdout
    assert "ERROR=0" in done.stdout
    assert "PASS=0" not in done.stdout


@pytest.mark.usefixtures("first_run")
def test_only_new_loads_are_parsed(sample_team: Team) -> None:
    """A run's cost follows what is new: of each provider's table only new loads are read."""
    scans = [
        node
        for node in sample_team.plan_nodes(
            "select * from intermediate.int_events__received where load_id > "
            "(select coalesce(max(last_load_id), 0) from intermediate.int_events__deduplicated)"
        )
        if ".raw." in node.get("extra_info", {}).get("Table", "")
    ]
    assert any(scan["extra_info"]["Table"].endswith(".sendgrid_events") for scan in scans)
    assert all("load_id > " in scan["extra_info"].get("Dynamic Filters", "") for scan in scans)
    assert sum(scan["rows_scanned"] for scan in scans) == 0


@pytest.mark.usefixtures("first_run")
def test_the_org_holds_what_the_marts_say(sample_team: Team) -> None:
    """J1, J2, and no record outside the plan was touched."""
    crm_id, human_clicks, status = sample_team.query(
        "select crm_id, human_click_count, sequence_status from crm.contact_fields "
        "where human_click_count > 0 order by crm_id limit 1"
    )[0]
    record = sample_team.record("Contact", crm_id)
    assert record["Touchline_Human_Click_Count__c"] == human_clicks
    assert record["Touchline_Sequence_Status__c"] == status
    written = dict(
        sample_team.query(
            "select object, count(*) from writeback.ledger where outcome = 'written' group by 1"
        )
    )
    assert sum(request["records"] for request in sample_team.write_requests()) == sum(
        written.values()
    )
    people = sample_team.query("select crm_object, count(*) from marts.people group by 1")
    assert written.items() >= dict(people).items()
    assert written["EmailMessage"] == sample_team.query("select count(*) from crm.activities")[0][0]


def test_what_explain_tells_of_people_agrees_with_the_marts(first_copy: Path) -> None:
    """L5, F5, D9: statuses, events with actors, replies, fields and writes; now and at moments."""
    with explained.read(first_copy, every=8) as copy:
        assert len(copy.stories) > 40
        assert explained.disagreements(copy) == explained.NONE
        assert explained.disagreements_as_of(copy, moments=15, seed=1) == []


@pytest.mark.usefixtures("first_copy")
def test_a_story_is_told_by_the_command_and_in_the_dagster_ui(sample_team: Team) -> None:
    """L5: whoever is asked for by whatever name; what cannot be told says why."""
    enrollment_id, email, crm_id = sample_team.query(
        "select enrollment_id, person_email, crm_id from marts.enrollments "
        "where status_reason = 'in_thread' order by enrollment_id limit 1"
    )[0]
    told = [sample_team.touchline("explain", asked) for asked in (email, crm_id[:15])]
    assert all(done.returncode == 0 for done in told), told[0].stderr
    assert told[0].stdout == told[1].stdout
    for words in ("Finished: Replied (replied)", "a person answered in the thread", ".mbox:"):
        assert words in told[0].stdout
    asked = sample_team.touchline("explain", enrollment_id, "--json", "--as-of", "2026-10-01")
    document = json.loads(asked.stdout)
    assert (document["person"]["crm_id"], document["as_of"]) == (
        crm_id,
        "2026-10-01T23:59:59.999999Z",
    )
    unknown = sample_team.touchline("explain", f"x{email}")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert f"Did you mean {email}" in unknown.stderr

    ran = explain_job.execute_in_process(
        run_config={"ops": {"tell_story": {"config": {"person": email}}}},
        resources={
            "settings": Settings.from_environment({"TOUCHLINE_DATA": str(sample_team.data)})
        },
    )
    (output,) = [event for event in ran.all_node_events if event.is_successful_output]
    assert "a person answered in the thread" in str(output.step_output_data.metadata["story"].value)


@pytest.mark.usefixtures("first_copy")
def test_a_what_if_shows_what_would_move_and_changes_nothing(
    sample_team: Team, tmp_path: Path
) -> None:
    """C1: a rule switched off hands its events to others; neither warehouse nor copy is touched."""
    files = [sample_team.data / name for name in ("warehouse.duckdb", "published.duckdb")]
    before = [file.read_bytes() for file in files]
    ruled = dict(
        sample_team.query(
            "select event_type, count(*) from marts.email_events "
            "where actor_rule = 'R09_burst' group by event_type"
        )
    )
    switched_off = ("--set", "R09.is_enabled=false", "--set", "R10.is_enabled=false")
    done = sample_team.touchline("rules", "compare", *switched_off, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {move["rule_before"] for move in found["moves"]} == {"R09_burst"}
    moved = {"opened": 0, "clicked": 0}
    for move in found["moves"]:
        moved[move["event_type"]] += move["events"]
    assert moved == ruled
    whole, *sequences = found["rates"]
    assert whole["sequence_id"] is None
    for count in ("opened", "clicked", "open_tracked", "click_tracked"):
        sums = [sum(each[count][side] for each in sequences) for side in (0, 1)]
        assert sums == whole[count]
    assert whole["clicked"][1] > whole["clicked"][0]
    assert [file.read_bytes() for file in files] == before

    refused = sample_team.touchline("rules", "compare", "--set", "R13.seconds=2")
    assert refused.returncode == 1
    assert "R13_datacenter has no seconds" in refused.stderr
    _adopt(found, sample_team, tmp_path)


def _adopt(found: dict[str, Any], sample_team: Team, folder: Path) -> None:
    """Build a copy of all data with the change: all history is what the what-if said."""
    copied = Team(folder, sample_team.landing, sample_team.org_seed)
    copy = (sample_team.data / "published.duckdb").read_bytes()
    (folder / "warehouse.duckdb").write_bytes(copy)
    changes = json.dumps({"actor_rule_changes": found["changes"]})
    done = copied.dbt("run", "--select", *MODELS, "--vars", changes)
    assert done.returncode == 0, done.stdout
    built = (folder / "warehouse.duckdb").read_bytes()
    assert built.startswith(copy), "dbt writes over nothing either: checkpoints are the sync's"
    rates = query(
        copied,
        "select case slice when 'sequence' then slice_value end, opened_count, clicked_count "
        "from marts.engagement_rates where slice in ('all', 'sequence')",
    )
    assert set(rates) == {
        (each["sequence_id"], each["opened"][1], each["clicked"][1]) for each in found["rates"]
    }


@pytest.mark.usefixtures("first_copy")
def test_a_repeated_run_loads_nothing_and_sends_no_write(sample_team: Team) -> None:
    """A9, I5."""
    before = len(sample_team.write_requests())
    report = sample_team.run()
    assert report["loads"] == {"files": 0, "rows": 0, "rejected": 0}
    assert report["plan"]["changed_records"] == 0
    assert report["crm_calls"]["write"] == 0
    assert len(sample_team.write_requests()) == before


@pytest.fixture(scope="module")
def hand_changed(first_copy: Path, sample_team: Team) -> str:
    """A contact that somebody edited: a field that Touchline owns, and one that it only fills."""
    assert first_copy.exists()
    crm_id = str(sample_team.query("select min(crm_id) from crm.contact_fields")[0][0])
    sample_team.change_by_hand(
        "Contact", crm_id, Touchline_Open_Count__c=99, Touchline_First_Sequence__c="Trade fair"
    )
    return crm_id


def test_a_plan_shows_a_hand_change_writes_nothing_and_apply_puts_it_right(
    hand_changed: str, sample_team: Team
) -> None:
    """I2, K1, K2: an owned field is put right, one that is only filled is left; with reasons."""
    before = len(sample_team.write_requests())
    planned = sample_team.touchline("plan", "--json")
    assert planned.returncode == 0, planned.stderr
    plan = json.loads(planned.stdout)
    assert (plan["state"], plan["changed_records"], plan["changed_cells"]) == ("planned", 1, 1)
    assert sample_team.record("Contact", hand_changed)["Touchline_Open_Count__c"] == 99
    assert len(sample_team.write_requests()) == before

    applied = sample_team.touchline("apply", plan["plan_id"], "--json")
    assert applied.returncode == 0, applied.stderr
    assert json.loads(applied.stdout)["written"] == 1
    record = sample_team.record("Contact", hand_changed)
    (opens,) = sample_team.query(
        "select open_count from crm.contact_fields where crm_id = ?", hand_changed
    )[0]
    assert record["Touchline_Open_Count__c"] == opens
    assert record["Touchline_First_Sequence__c"] == "Trade fair"
    cells = sample_team.query(
        "select field, policy, decision, reason from writeback.changes "
        "where plan_id = ? and record_id = ? "
        "and field in ('Touchline_Open_Count__c', 'Touchline_First_Sequence__c') order by field",
        plan["plan_id"],
        hand_changed,
    )
    assert [cell[:3] for cell in cells] == [
        ("Touchline_First_Sequence__c", "fill_blank", "kept"),
        ("Touchline_Open_Count__c", "owned", "write"),
    ]
    assert "Trade fair" in cells[0][3]
    assert "99" in cells[1][3]


@pytest.mark.usefixtures("hand_changed")
def test_a_failing_test_of_the_models_stops_the_writeback(sample_team: Team) -> None:
    """L1: what is not right does not reach Salesforce, and the command says which test failed."""
    with duckdb.connect(str(sample_team.data / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.rejects where line is not null")
    sample_team.change_by_hand(
        "Contact",
        sample_team.query("select max(crm_id) from crm.contact_fields")[0][0],
        Touchline_Open_Count__c=1234,
    )
    before = len(sample_team.write_requests())
    done = sample_team.touchline("run", "--json")
    assert done.returncode == 1
    assert "every_loaded_record_is_in_a_raw_table_or_in_rejects" in done.stderr
    assert json.loads(done.stdout)["plan"]["plan_id"] is None
    assert len(sample_team.write_requests()) == before
