"""What may be written from where: declared environments, their hosts, and well-kept secrets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.landing.bucket_url import BucketUrl
from orchestration.settings import ENVIRONMENTS, LOCAL_ORG_PORT, Settings, SettingsError

SANDBOX_HOST = "acme--test.sandbox.my.salesforce.com"
PRODUCTION_HOST = "acme.my.salesforce.com"
SECRET, KEY = "hush-hush", "key-of-the-app"


def login(environment: str, host: str) -> dict[str, str]:
    """Return the variables of somebody who declared an org in full."""
    return {
        "TOUCHLINE_ENV": environment,
        "SALESFORCE_HOST": host,
        "SALESFORCE_CONSUMER_KEY": KEY,
        "SALESFORCE_CONSUMER_SECRET": SECRET,
    }


def test_the_local_environment_needs_no_variable_at_all() -> None:
    settings = Settings.from_environment({})
    assert settings.environment is ENVIRONMENTS["local"]
    assert settings.salesforce.host == f"127.0.0.1:{LOCAL_ORG_PORT}"
    assert settings.warehouse == settings.data / "warehouse.duckdb"
    assert (settings.dbt_project / "dbt_project.yml").exists()
    assert (settings.sample / "landing").is_dir()


@pytest.mark.parametrize("name", ["prod", "Local", "staging", "local "])
def test_an_undeclared_environment_raises_and_names_the_declared_ones(name: str) -> None:
    with pytest.raises(SettingsError, match=r"not declared.*local, sandbox, production"):
        Settings.from_environment(login(name, PRODUCTION_HOST))


@pytest.mark.parametrize(
    ("name", "host", "is_local", "approval"),
    [
        ("local", "", True, "none"),
        ("sandbox", SANDBOX_HOST, False, "large"),
        ("production", PRODUCTION_HOST, False, "every"),
    ],
)
def test_i8_every_environment_says_which_plans_wait_for_approval(
    name: str, host: str, is_local: bool, approval: str
) -> None:
    environment = Settings.from_environment(login(name, host)).environment
    assert (environment.name, environment.is_local) == (name, is_local)
    assert environment.approval == approval


def test_every_declared_environment_is_known_to_these_tests() -> None:
    assert set(ENVIRONMENTS) == {"local", "sandbox", "production"}
    assert {name: each.name for name, each in ENVIRONMENTS.items()} == {n: n for n in ENVIRONMENTS}


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("sandbox", PRODUCTION_HOST),
        ("production", SANDBOX_HOST),
        ("sandbox", "127.0.0.1:8466"),
        ("production", "127.0.0.1:8466"),
        ("production", "acme.my.salesforce.com.evil.example"),
        ("sandbox", "acme.sandbox.my.salesforce.com.evil.example"),
        ("production", "evilmy.salesforce.com"),
        ("production", "login.salesforce.com"),
        ("production", "https://acme.my.salesforce.com"),
        ("sandbox", "evil.example/acme--test.sandbox.my.salesforce.com"),
        ("production", "evil.example#.my.salesforce.com"),
        ("production", "user@evil.example:443/.my.salesforce.com"),
        ("sandbox", ".sandbox.my.salesforce.com"),
    ],
)
def test_a_host_of_another_kind_is_refused(environment: str, host: str) -> None:
    with pytest.raises(SettingsError, match=r"is not an org of the environment") as refusal:
        Settings.from_environment(login(environment, host))
    assert "Nothing was contacted" in str(refusal.value)


def test_a_host_is_compared_as_hosts_are_whatever_its_case() -> None:
    typed = Settings.from_environment(login("production", "Acme.My.Salesforce.com"))
    assert typed.salesforce.host == "acme.my.salesforce.com"
    with pytest.raises(SettingsError, match="is not an org"):
        Settings.from_environment(login("production", "Acme--Test.SANDBOX.my.salesforce.com"))


def test_the_local_environment_never_takes_a_real_host() -> None:
    settings = Settings.from_environment(login("local", PRODUCTION_HOST))
    assert settings.salesforce.host.startswith("127.0.0.1:")


@pytest.mark.parametrize(
    "missing", ["SALESFORCE_HOST", "SALESFORCE_CONSUMER_KEY", "SALESFORCE_CONSUMER_SECRET"]
)
def test_a_missing_login_names_the_variables(missing: str) -> None:
    given = login("sandbox", SANDBOX_HOST)
    del given[missing]
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(given)
    for name in (missing, "SALESFORCE_PRIVATE_KEY_FILE", "SALESFORCE_USERNAME"):
        assert name in str(refusal.value)


def test_a_private_key_file_stands_in_for_the_secret() -> None:
    given = login("sandbox", SANDBOX_HOST)
    del given["SALESFORCE_CONSUMER_SECRET"]
    given |= {"SALESFORCE_PRIVATE_KEY_FILE": "org.pem", "SALESFORCE_USERNAME": "sync@acme.example"}
    found = Settings.from_environment(given).salesforce
    assert (found.consumer_secret, found.private_key_file) == (None, Path("org.pem"))
    assert found.username == "sync@acme.example"


def test_a_private_key_without_a_user_is_an_incomplete_login() -> None:
    given = login("sandbox", SANDBOX_HOST) | {"SALESFORCE_PRIVATE_KEY_FILE": "org.pem"}
    with pytest.raises(SettingsError, match="SALESFORCE_USERNAME"):
        Settings.from_environment(given)


def test_secrets_are_in_no_repr() -> None:
    settings = Settings.from_environment(login("sandbox", SANDBOX_HOST))
    assert settings.salesforce.consumer_secret == SECRET
    for shown in (repr(settings.salesforce), repr(settings), str(settings), f"{settings}"):
        assert SANDBOX_HOST in shown
        assert SECRET not in shown
        assert KEY not in shown


@pytest.mark.parametrize("port", ["-1", "65536", "http", "84 66", "1e3", "²"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(SettingsError, match="TOUCHLINE_ORG_PORT"):
        Settings.from_environment({"TOUCHLINE_ORG_PORT": port})


@pytest.mark.parametrize("port", ["0", "8466", "65535"])
def test_a_port_is_taken(port: str) -> None:
    assert Settings.from_environment({"TOUCHLINE_ORG_PORT": port}).org_port == int(port)


def test_places_follow_their_variables_and_are_absolute(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "TOUCHLINE_DATA": str(tmp_path / "data"),
            "TOUCHLINE_LANDING": "files",
            "TOUCHLINE_MAPPING": "our_mapping.yml",
            "DAGSTER_HOME": str(tmp_path / "home"),
        }
    )
    assert settings.landing == Path.cwd() / "files"
    assert settings.mapping == Path.cwd() / "our_mapping.yml"
    assert settings.published == tmp_path / "data" / "published.duckdb"
    assert settings.org == tmp_path / "data" / "org"
    assert settings.dagster_home == tmp_path / "home"


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://logs", "logs", ""),
        ("s3://logs/", "logs", ""),
        ("S3://logs.acme.example/mail/raw/", "logs.acme.example", "mail/raw"),
        ("s3://logs/ein Präfix +%20&=#/[x]", "logs", "ein Präfix +%20&=#/[x]"),
    ],
)
def test_a11_the_landing_folder_may_be_a_prefix_of_a_bucket(
    text: str, bucket: str, prefix: str
) -> None:
    landing = Settings.from_environment({"TOUCHLINE_LANDING": text}).landing
    assert landing == BucketUrl(bucket, prefix)


@pytest.mark.parametrize("url", ["https://logs.example/mail", "gs://logs/mail", "file:///srv/logs"])
def test_a11_another_protocol_is_refused_and_the_way_round_named(url: str) -> None:
    with pytest.raises(SettingsError, match=r"TOUCHLINE_LANDING: .* AWS_ENDPOINT_URL"):
        Settings.from_environment({"TOUCHLINE_LANDING": url})


@pytest.mark.parametrize(
    "url",
    [
        f"s3://{KEY}:{SECRET}@logs/mail",
        f"s3://logs/mail?s3_access_key_id={KEY}&s3_secret_access_key={SECRET}",
        "s3:///mail",
        "s3://",
    ],
)
def test_a11_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match=r"s3://bucket/prefix.*AWS variables") as refusal:
        Settings.from_environment({"TOUCHLINE_LANDING": url})
    assert SECRET not in str(refusal.value)
    assert KEY not in str(refusal.value)


def test_a_variable_set_to_nothing_counts_as_not_set() -> None:
    names = ("ENV", "DATA", "LANDING", "MAPPING", "ORG_SEED", "ORG_PORT")
    empty = {f"TOUCHLINE_{name}": "" for name in names} | {"DAGSTER_HOME": ""}
    assert Settings.from_environment(empty) == Settings.from_environment({})


def test_child_processes_are_told_where_things_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ("DAGSTER_HOME", "TOUCHLINE_DATA", "TOUCHLINE_WAREHOUSE", "TOUCHLINE_PUBLISHED")
    for name in told:
        monkeypatch.setenv(name, "put back after the test")
    settings = Settings.from_environment({"TOUCHLINE_DATA": str(tmp_path)})
    settings.export()
    assert [os.environ[name] for name in told] == [
        str(tmp_path / "dagster"),
        str(tmp_path),
        str(tmp_path / "warehouse.duckdb"),
        str(tmp_path / "published.duckdb"),
    ]
    assert "default_limit: 1" in (tmp_path / "dagster" / "dagster.yaml").read_text(encoding="utf-8")


def test_without_arguments_the_process_environment_is_read() -> None:
    ask = "from orchestration.settings import Settings; print(Settings.from_environment().org_port)"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env={"TOUCHLINE_ORG_PORT": "8467", "PATH": os.defpath},
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.stdout.strip() == "8467"


def test_dagsters_settings_are_refreshed_as_long_as_they_are_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", "TOUCHLINE_DATA", "TOUCHLINE_WAREHOUSE", "TOUCHLINE_PUBLISHED"):
        monkeypatch.setenv(name, "put back after the test")
    settings = Settings.from_environment({"TOUCHLINE_DATA": str(tmp_path)})
    settings.export()
    there = tmp_path / "dagster" / "dagster.yaml"
    new = there.read_text(encoding="utf-8")
    ours, _, _ = new.partition("\n")

    there.write_text(f"{ours}\ntelemetry:\n  enabled: true\n", encoding="utf-8")
    settings.export()
    assert there.read_text(encoding="utf-8") == new

    somebodys = "telemetry:\n  enabled: true\n"
    there.write_text(somebodys, encoding="utf-8")
    settings.export()
    assert there.read_text(encoding="utf-8") == somebodys


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "½"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"TOUCHLINE_WAIT_SECONDS=.*whole seconds"):
        Settings.from_environment({"TOUCHLINE_WAIT_SECONDS": text})
