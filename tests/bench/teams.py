"""Many simulated teams in one warehouse: their logs loaded, marts built by dbt, the truth beside.

Whoever measures the models against the truth begins here: `settle` simulates and loads the teams,
`build` runs dbt on them, and the tables `truth.touches` and `truth.messages` say what really
happened, each row with its team.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.load import load
from orchestration.simulator.habits import Habits
from orchestration.simulator.networks import CLOUD_NETWORK, OWN_NETWORK
from orchestration.simulator.simulate import simulate
from orchestration.warehouse import Warehouse
from tests.dbt_command import DBT_PROJECT, run_dbt

#: Teams are made of the same few names: one's mail would answer another's. It stays outside.
_PLACES = ("sendgrid", "sequences/enrollments", "sequences/messages")

_TRUTH = {
    "touches": "message_id varchar, event_type varchar, occurred_at timestamp, url varchar, "
    "ip varchar, user_agent varchar, actor varchar, cause varchar",
    "messages": "message_id varchar, enrollment_id varchar, sequence_id varchar, "
    "step_number integer, recipient_email varchar, sent_at timestamp, delivered_at timestamp, "
    "human_open_count bigint, recorded_human_opens bigint, open_count bigint, "
    "click_count bigint, human_click_count bigint, clicked_at timestamp, really_read boolean",
}


@dataclass(frozen=True)
class Trial:
    """A team to be simulated; `seed` sets it apart from all others."""

    name: str
    seed: int
    people: int
    weeks: int
    habits: Habits


def settle(
    trials: Sequence[Trial], folder: Path, progress: Callable[[Trial], None] | None = None
) -> Warehouse:
    """Simulate the teams, load the logs of all of them, and put the truth into the warehouse."""
    landing, truth = folder / "landing", folder / "truth"
    for trial in trials:
        out = folder / "team"
        simulate(trial.people, trial.weeks, trial.seed, out, habits=trial.habits)
        for place in _PLACES:
            (landing / place).mkdir(parents=True, exist_ok=True)
            (out / "landing" / place).rename(landing / place / trial.name)
        truth.mkdir(exist_ok=True)
        (out / "truth").rename(truth / trial.name)
        if progress is not None:
            progress(trial)
    warehouse = Warehouse(folder / "warehouse.duckdb")
    load(warehouse, landing)
    with warehouse.connect() as connection:
        connection.execute("create schema truth")
        for name, columns in _TRUTH.items():
            declared = ", ".join(
                "'{}': '{}'".format(*column.split()) for column in columns.split(", ")
            )
            connection.execute(
                f"create table truth.{name} as "
                "select parse_path(filename)[-2] as team, * exclude (filename) "
                f"from read_json('{truth}/*/{name}.ndjson', format = 'newline_delimited', "
                f"filename = true, columns = {{{declared}}})"
            )
    return warehouse


def build(warehouse: Warehouse, *select: str) -> None:
    """Build these models, and what they are made of, with the lists of the simulated world.

    Raises:
        RuntimeError: dbt failed; its last words are in the message.
    """
    folder = warehouse.path.parent
    project = folder / "dbt_project"
    if not project.exists():
        shutil.copytree(
            DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs", ".user.yml")
        )
        _list_networks(project)
    run_dbt(
        warehouse.path,
        "build",
        "--exclude-resource-type=test",
        "--exclude-resource-type=unit_test",
        "--select",
        *(f"+{model}" for model in select),
        project=project,
    )


def _list_networks(project: Path) -> None:
    """Say which networks are the team's own and which a cloud's, as a user would in the seed."""
    (project / "seeds" / "networks.csv").write_text(
        "cidr,network_kind,source\n"
        f"{OWN_NETWORK},own,The simulated team's office\n"
        f"{CLOUD_NETWORK},datacenter,The simulated cloud\n"
    )
