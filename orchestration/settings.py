"""Every path and environment variable, parsed once; which environment may write to which org."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.bucket_url import BucketUrl, BucketUrlError
from orchestration.landing.limits import Limits, LimitsError
from orchestration.writeback.approval_rules import ApprovalRule

PROJECT_ROOT = Path(__file__).resolve().parents[1]
#: Any free one, so that two checkouts on a machine never want the same.
LOCAL_ORG_PORT = 0

#: How long a sync waits for another one that is at work on the same data folder.
WAIT_SECONDS = 900

#: A source whose newest loads reject more than this share, and at least so many, is in trouble.
REJECT_SHARE = 0.05
REJECT_MINIMUM = 10

_DAGSTER_YAML = PROJECT_ROOT / "dagster.yaml"

_HOST_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


class SettingsError(ValueError):
    """A setting is missing or wrong; the message says which, and how to mend it."""


@dataclass(frozen=True)
class Environment:
    """A declared place to run, and what may be written from there.

    `host_suffix` is what the org's host must end with: the declaration, not a variable that
    somebody exported, decides which org may be written to. `approval` says which plans wait for
    somebody's yes there; a mapping may ask for more (docs/operations.md).
    """

    name: str
    host_suffix: str
    is_local: bool
    approval: ApprovalRule


#: No environment is reached by falling through to a default: an undeclared name raises.
ENVIRONMENTS: Mapping[str, Environment] = {
    "local": Environment("local", "127.0.0.1", is_local=True, approval="none"),
    "sandbox": Environment(
        "sandbox", ".sandbox.my.salesforce.com", is_local=False, approval="large"
    ),
    "production": Environment("production", ".my.salesforce.com", is_local=False, approval="every"),
}


@dataclass(frozen=True)
class SalesforceLogin:
    """How to reach the org: client credentials, or JWT bearer when a private key is given.

    `host` is the org's My Domain host (`acme.my.salesforce.com`) or `127.0.0.1:PORT`.
    """

    host: str
    consumer_key: str
    consumer_secret: str | None = None
    username: str | None = None
    private_key_file: Path | None = None

    def __repr__(self) -> str:
        """Name the org only: keys never reach a log."""
        return f"SalesforceLogin(host={self.host!r})"


@dataclass(frozen=True)
class Settings:
    """Where things are and what may be done; built once by `Settings.from_environment`."""

    environment: Environment
    data: Path
    landing: Path | BucketUrl
    networks: Path
    limits: Limits
    reject_share: float
    reject_minimum: int
    warehouse: Path
    published: Path
    builds: Path
    logs: Path
    org: Path
    org_seed: Path | None
    org_port: int
    locks: Path
    wait_seconds: int
    mapping: Path | None
    dbt_project: Path
    sample: Path
    dagster_home: Path
    salesforce: SalesforceLogin

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None) -> "Settings":
        """Read the `TOUCHLINE_*` and `SALESFORCE_*` variables; everything has a local default.

        Raises:
            SettingsError: an undeclared environment, a missing login, a host that the
                environment may not write to, or a value that cannot be read.
        """
        # A variable that is set to nothing counts as not set.
        given = {
            name: value
            for name, value in (os.environ if variables is None else variables).items()
            if value
        }
        environment = _environment(given.get("TOUCHLINE_ENV", "local"))
        data = Path(given.get("TOUCHLINE_DATA", PROJECT_ROOT / "data")).absolute()
        sample = PROJECT_ROOT / "data" / "sample"
        org_seed = given.get("TOUCHLINE_ORG_SEED")
        mapping = given.get("TOUCHLINE_MAPPING")
        org_port = _port(given.get("TOUCHLINE_ORG_PORT", str(LOCAL_ORG_PORT)))
        return cls(
            environment=environment,
            data=data,
            landing=_landing(given.get("TOUCHLINE_LANDING", str(data / "landing"))),
            networks=Path(given.get("TOUCHLINE_NETWORKS", data / "networks")).absolute(),
            limits=_limits(given.get("TOUCHLINE_LIMITS", "")),
            reject_share=_share(given.get("TOUCHLINE_REJECT_SHARE", str(REJECT_SHARE))),
            reject_minimum=_count(given.get("TOUCHLINE_REJECT_MINIMUM", str(REJECT_MINIMUM))),
            warehouse=data / "warehouse.duckdb",
            published=data / "published.duckdb",
            builds=data / "dbt",
            logs=data / "logs",
            org=data / "org",
            org_seed=Path(org_seed).absolute() if org_seed else sample / "org",
            org_port=org_port,
            locks=data / "locks",
            wait_seconds=_seconds(given.get("TOUCHLINE_WAIT_SECONDS", str(WAIT_SECONDS))),
            mapping=Path(mapping).absolute() if mapping else None,
            dbt_project=PROJECT_ROOT / "dbt_project",
            sample=sample,
            dagster_home=Path(given.get("DAGSTER_HOME", data / "dagster")).absolute(),
            salesforce=_login(environment, given, org_port),
        )

    def export(self) -> None:
        """Tell child processes (dbt, Dagster's daemon) where things are, by their variables."""
        self.dagster_home.mkdir(parents=True, exist_ok=True)
        _refresh(self.dagster_home / "dagster.yaml", _DAGSTER_YAML.read_text("utf-8"))
        os.environ["DAGSTER_HOME"] = str(self.dagster_home)
        os.environ["TOUCHLINE_DATA"] = str(self.data)
        os.environ["TOUCHLINE_WAREHOUSE"] = str(self.warehouse)
        os.environ["TOUCHLINE_PUBLISHED"] = str(self.published)

    def export_what_if(self, scratch: Path) -> None:
        """Tell dbt's target `what_if` besides in which file to build what is only compared."""
        self.export()
        os.environ["TOUCHLINE_WHAT_IF"] = str(scratch)


def _refresh(file: Path, text: str) -> None:
    """Write a file that is missing, or older and still ours: it begins with our first line."""
    ours, _, _ = text.partition("\n")
    if file.exists():
        there = file.read_text(encoding="utf-8")
        if there == text or there.partition("\n")[0] != ours:
            return
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def _environment(name: str) -> Environment:
    if name not in ENVIRONMENTS:
        raise SettingsError(
            f"TOUCHLINE_ENV={name!r} is not declared. Use one of {', '.join(ENVIRONMENTS)}, "
            f"or declare it in orchestration/settings.py."
        )
    return ENVIRONMENTS[name]


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise SettingsError(
            f"TOUCHLINE_ORG_PORT={text!r} is no port. Give a number up to 65535, or 0 for any "
            f"free one."
        )
    return int(text)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(
            f"TOUCHLINE_WAIT_SECONDS={text!r} is no time. Give whole seconds, such as "
            f"{WAIT_SECONDS}."
        )
    return int(text)


def _landing(text: str) -> Path | BucketUrl:
    if "://" not in text:
        return Path(text).absolute()
    try:
        return BucketUrl.of(text)
    except BucketUrlError as error:
        raise SettingsError(f"TOUCHLINE_LANDING: {error}") from error


def _limits(text: str) -> Limits:
    """Read `name=value` pairs with commas between them, or else the TOML file of that name."""
    try:
        if "=" in text:
            pairs = [each.partition("=") for each in text.split(",") if each.strip()]
            return Limits.of({name.strip(): value for name, _, value in pairs})
        return Limits.of(tomllib.loads(Path(text).read_text("utf-8")) if text else {})
    except LimitsError as error:
        raise SettingsError(
            f"TOUCHLINE_LIMITS: {error} docs/operations.md lists the limits."
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"TOUCHLINE_LIMITS={text!r} is neither pairs such as document_bytes=64 MiB, with "
            f"commas between them, nor a TOML file that can be read: {error}"
        ) from error


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(
            f"TOUCHLINE_REJECT_SHARE={text!r} is no share. Give a number from 0 to 1, such as "
            f"{REJECT_SHARE}."
        )
    return share


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(
            f"TOUCHLINE_REJECT_MINIMUM={text!r} is no count. Give a whole number, such as "
            f"{REJECT_MINIMUM}."
        )
    return int(text)


def _login(environment: Environment, given: Mapping[str, str], org_port: int) -> SalesforceLogin:
    if environment.is_local:
        # The local org's public key pair; it opens nothing but 127.0.0.1.
        return SalesforceLogin(
            f"{environment.host_suffix}:{org_port}", "touchline-local", "touchline-local-secret"
        )
    host = given.get("SALESFORCE_HOST", "").strip().lower()
    key = given.get("SALESFORCE_CONSUMER_KEY", "")
    secret = given.get("SALESFORCE_CONSUMER_SECRET")
    key_file = given.get("SALESFORCE_PRIVATE_KEY_FILE")
    username = given.get("SALESFORCE_USERNAME")
    if not (host and key and (username if key_file else secret)):
        raise SettingsError(
            f"The environment {environment.name!r} needs SALESFORCE_HOST, SALESFORCE_CONSUMER_KEY "
            f"and either SALESFORCE_CONSUMER_SECRET or SALESFORCE_PRIVATE_KEY_FILE with "
            f"SALESFORCE_USERNAME. See docs/operations.md."
        )
    if _environment_of(host) != environment:
        raise SettingsError(
            f"SALESFORCE_HOST={host!r} is not an org of the environment {environment.name!r} "
            f"(its hosts are bare names that end with {environment.host_suffix!r}). Nothing was "
            f"contacted."
        )
    return SalesforceLogin(host, key, secret, username, Path(key_file) if key_file else None)


def _environment_of(host: str) -> Environment | None:
    """Return the environment with the longest suffix that fits: a sandbox is not production.

    Only a bare host name has one; of anything with a path, a user or a fragment, the part that
    would be contacted is not the part that the suffix was found on.
    """
    if not _HOST_NAME.fullmatch(host):
        return None
    fitting = [each for each in ENVIRONMENTS.values() if host.endswith(each.host_suffix)]
    return max(fitting, key=lambda each: len(each.host_suffix), default=None)
