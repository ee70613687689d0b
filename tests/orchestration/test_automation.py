"""When things run by themselves: never before somebody says so, then once per change."""

import os
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.transform import BuildConfig, build_args
from orchestration.automation import every_quarter_hour, landing_state, watch
from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.place import Folder
from orchestration.settings import Settings
from orchestration.writeback.mapping import load_mapping, parse_mapping

#: Unit tests are for whoever changes a model, not for every quarter of an hour.
BUILD = ["build", "--exclude-resource-type", "unit_test"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"TOUCHLINE_DATA": str(tmp_path)})


def evaluate(settings: Settings, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    """Ask the sensor what it wants."""
    context = dg.build_sensor_context(cursor=cursor, resources={"settings": settings})
    answer = watch(settings.landing)(context)
    assert isinstance(answer, dg.SensorResult | dg.SkipReason)
    return answer


def wanted_run(settings: Settings, cursor: str | None = None) -> str:
    """Return the key of the one run that the sensor asks for; its cursor is the same."""
    answer = evaluate(settings, cursor)
    assert isinstance(answer, dg.SensorResult)
    [request] = answer.run_requests or []
    assert request.run_key == answer.cursor
    assert request.run_key is not None
    return request.run_key


def state(settings: Settings) -> str | None:
    """Return the state of the landing folder."""
    return landing_state(Folder(settings.data / "landing"))


def drop(settings: Settings, name: str, text: str) -> Path:
    """Put a file into the landing folder."""
    file = settings.data / "landing" / "sendgrid" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_the_schedule_asks_every_quarter_of_an_hour_and_is_off_until_turned_on() -> None:
    assert every_quarter_hour.cron_schedule == "*/15 * * * *"
    assert every_quarter_hour.execution_timezone == "UTC"
    assert every_quarter_hour.default_status is dg.DefaultScheduleStatus.STOPPED


def test_the_sensor_is_off_until_turned_on() -> None:
    assert watch(Path("landing")).default_status is dg.DefaultSensorStatus.STOPPED


def test_the_sensor_looks_less_often_where_each_look_is_paid_for() -> None:
    assert watch(Path("landing")).minimum_interval_seconds == 30
    assert watch(BucketUrl.of("s3://logs/landing")).minimum_interval_seconds == 300


def test_schedule_and_sensor_start_the_same_job() -> None:
    assert every_quarter_hour.job_name == watch(Path("landing")).job_name == "sync"


def test_the_sensor_asks_for_one_run_per_state_of_the_landing_folder(settings: Settings) -> None:
    file = drop(settings, "monday.ndjson", "{}\n")
    first = wanted_run(settings)
    assert isinstance(evaluate(settings, first), dg.SkipReason)

    file.write_text("{}\n{}\n", encoding="utf-8")
    grown = wanted_run(settings, first)
    assert isinstance(evaluate(settings, grown), dg.SkipReason)

    drop(settings, "tuesday.ndjson", "{}\n")
    joined = wanted_run(settings, grown)
    assert len({first, grown, joined}) == 3


def test_a_file_rewritten_at_the_same_length_is_noticed(settings: Settings) -> None:
    file = drop(settings, "monday.ndjson", '{"a":1}\n')
    before = state(settings)
    status = file.stat()
    file.write_text('{"a":2}\n', encoding="utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert state(settings) != before


def test_reading_and_empty_folders_leave_the_state_alone(settings: Settings) -> None:
    file = drop(settings, "monday.ndjson", "{}\n")
    before = state(settings)
    file.read_text(encoding="utf-8")
    (settings.data / "landing" / "mailboxes").mkdir()
    assert state(settings) == before


def test_a_landing_folder_without_files_starts_nothing(settings: Settings) -> None:
    assert isinstance(evaluate(settings), dg.SkipReason)
    (settings.data / "landing").mkdir(parents=True)
    assert isinstance(evaluate(settings), dg.SkipReason)


def test_dbts_arguments_are_a_function_of_config_and_mapping() -> None:
    mapping = parse_mapping(
        "version: 1\nobjects:\n  Contact:\n"
        "    - {metric: open_count, field: Opens__c, policy: owned}\n",
        "mapping.yml",
    )
    assert build_args(BuildConfig(), None) == BUILD
    assert build_args(BuildConfig(full_refresh=True), None) == [*BUILD, "--full-refresh"]
    fields = '{"crm_fields": {"open_count": "Opens__c"}}'
    assert build_args(BuildConfig(), mapping) == [*BUILD, "--vars", fields]
    assert build_args(BuildConfig(), mapping) == build_args(BuildConfig(), mapping)
    assert build_args(BuildConfig(), load_mapping(None))[:-1] == [*BUILD, "--vars"]
