"""What a failed build says to whoever started it."""

import json
from pathlib import Path

from orchestration.assets.transform import failure_text

#: As dagster-dbt words it when dbt ends before it has built anything.
CRASH = Exception(
    "The dbt CLI process with command\n\n`dbt build`\n\nfailed with exit code `2`. Check the "
    "stdout in the Dagster compute logs for the full information about the error, or view the "
    "dbt debug log: target/dbt.log.\n\nErrors parsed from dbt logs:\n\n"
    "\x1b[31mEncountered an error:\x1b[0m\nRuntime Error\n  IO Error: Could not set lock on file"
)


def node(name: str, status: str, message: str | None) -> dict[str, str | None]:
    return {"unique_id": f"test.touchline.{name}", "status": status, "message": message}


def test_a_failed_build_names_what_failed_and_the_log_and_no_more(tmp_path: Path) -> None:
    results = [
        node("stg_sendgrid__events", "success", "OK"),
        node("every_status_has_a_word.1a2b3c", "fail", "Got 2 results, configured to fail"),
        node("crm_drift", "error", "Binder Error:\n\n  no column x\n  line 3\n  line 4\n  line 5"),
        node("rejects_look_right", "warn", "Got 1 result"),
        node("marts_people", "skipped", None),
    ]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}), encoding="utf-8")
    assert failure_text(CRASH, tmp_path).splitlines() == [
        "every_status_has_a_word: Got 2 results, configured to fail",
        "crm_drift: Binder Error: no column x line 3 …",
        f"All that dbt said is in {tmp_path / 'dbt.log'}.",
    ]


def test_a_build_that_never_began_says_why_without_colours(tmp_path: Path) -> None:
    assert failure_text(CRASH, tmp_path).splitlines() == [
        "Encountered an error: Runtime Error IO Error: Could not set lock on file",
        f"All that dbt said is in {tmp_path / 'dbt.log'}.",
    ]
