"""How well people are told from machines: `make evaluate` prints tables and verdicts (C1, C2).

Teams whose habits nobody tuned a rule on are simulated, loaded and built with dbt like any other;
then every open and click of `marts.email_events` is held against what really caused it. Whoever
tunes rules should do so with `--seed`, and leave the teams of the default seed alone.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestration.warehouse import Warehouse
from tests.bench.figures import Figures, write_between_marks
from tests.bench.teams import Trial, build, settle
from tests.bench.unseen_habits import assumptions, unseen_trials

#: Limits of the issue.
LEAST_FOR_CLICKS, LEAST_FOR_OPENS = 0.97, 0.95

TEAMS, PEOPLE, WEEKS, SEED = 12, 2_000, 6, 20261201
PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"
ACTORS = ("human", "machine", "unknown", "internal")

#: Why a cause is taken for what it is not, where a rule cannot know better.
WHY = {
    "reader": "somebody who did what a rule takes for a machine's",
    "fast_reader": "somebody who acted within the seconds that are a machine's to the rules",
    "curious_reader": "somebody who opened every link within a minute, as R10 has it of scanners",
    "cloud_reader": "somebody behind a proxy in a cloud: R13 calls it unknown",
    "refetch": "the mail program fetched again what a rule took for no reading",
    "own_team": "the team, from an address that no list names",
    "agent": "a scanner whose name no list has",
    "fast": "a scanner that came later than the seconds of R07 and R08",
    "burst": "a scanner that left fewer than three links to see",
    "patient": "a scanner that takes its time, in a mail of fewer links than R10 needs",
    "shared": "a scanner of many companies, in a round of fewer recipients than R12 needs",
    "single": "a scanner that follows one link, hours later: like a person in all that is logged",
    "honeypot": "a scanner whose visit to the hidden link was not seen as such",
    "unsubscribe": "a scanner that follows the unsubscribe link, longer after another than in R11",
    "quick": "a scanner before the seconds are over, in mail without a pixel or opened before it",
    "cloud": "a scanner in a cloud: its open, which R13 leaves alone",
}

_JUDGED = """
create table truth.judged as
with events as (
    select
        message_key as message_id, event_type, occurred_at, url, ip, user_agent,
        actor as verdict, actor_rule as rule, true as is_event
    from marts.email_events
    where event_type in ('opened', 'clicked') and message_key is not null
),
touches as (
    -- Two touches alike in every respect are one event; a person's comes before a machine's.
    select
        min(team) as team, message_id, event_type, occurred_at, url, ip, user_agent,
        arg_min(actor, actor) as actor, arg_min(cause, actor) as cause
    from truth.touches
    group by all
)
select
    touches.team, coalesce(touches.event_type, events.event_type) as event_type,
    touches.actor, touches.cause, events.verdict, events.rule
from touches
full join events
    on touches.message_id = events.message_id
    and touches.event_type = events.event_type
    and touches.occurred_at = events.occurred_at
    and touches.url is not distinct from events.url
    and touches.ip = events.ip
    and touches.user_agent = events.user_agent
"""

#: Opens through a privacy proxy are nobody's to judge: what is asked is about all others.
_SCORES = """
select
    {team} as team, event_type,
    count(*) filter (actor = 'human') as people,
    count(*) filter (verdict = 'human') as called_people,
    count(*) filter (actor = 'human' and verdict = 'human') as agreed
from truth.judged
where (event_type = 'clicked' or actor != 'unknown') and verdict is not null and actor is not null
group by all
order by all
"""


@dataclass(frozen=True)
class Score:
    """How many events people caused, how many were called theirs, and how many were both."""

    people: int
    called_people: int
    agreed: int

    @property
    def precision(self) -> float:
        """Of the events called people's, the share that was."""
        return self.agreed / self.called_people if self.called_people else 0.0

    @property
    def recall(self) -> float:
        """Of people's events, the share that was called theirs."""
        return self.agreed / self.people if self.people else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge unseen teams, print how, and say whether it is good enough."""
    options = _options(arguments)
    console = Console()
    trials = unseen_trials(options.teams, options.people, WEEKS, options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        console.print(f"Simulating {len(trials)} teams of {options.people:,} people …")
        warehouse = settle(trials, folder, lambda trial: console.print(f"  {trial.name}"))
        console.print("Building marts.email_events with dbt …")
        build(warehouse, "email_events")
        with warehouse.connect() as connection:
            connection.execute(_JUDGED)
        tables = [
            *_confusions(warehouse),
            _by_rule(warehouse),
            _by_team(warehouse, trials),
            _errors(warehouse),
        ]
        verdicts = _verdicts(warehouse)
    for table in tables:
        console.print(f"[bold]{table.title}[/bold]")
        console.print(table.as_rich(), "")
    if options.write:
        wrong = {row[0] for row in tables[-1].rows}
        reasons = [(cause, why) for cause, why in WHY.items() if cause in wrong]
        why = Figures("Why", ("really", "what a rule cannot see"), reasons, text=2)
        assumed = Figures("What was drawn from", ("what", "range"), assumptions(), text=2)
        sections = [table.as_markdown() for table in (*tables, why, assumed)]
        write_between_marks(PAGE, [_how(options), *sections])
    # The last line is the verdict: what falls short comes last.
    for text, is_met in sorted(verdicts, key=lambda verdict: not verdict[1]):
        console.print(f"{text} {'ok' if is_met else 'short'}", highlight=False, soft_wrap=True)
    return 0 if all(is_met for _, is_met in verdicts) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("evaluate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--teams", type=int, default=TEAMS)
    parser.add_argument("--people", type=int, default=PEOPLE, help="in each team")
    parser.add_argument("--seed", type=int, default=SEED, help="other teams, to tune rules on")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    parser.add_argument("--keep", type=Path, help="an empty folder for the warehouse, to ask more")
    return parser.parse_args(arguments)


def _how(options: argparse.Namespace) -> str:
    return (
        f"{options.teams} teams of {options.people:,} people and {WEEKS} weeks, "
        f"seed {options.seed}; written by `make evaluate`."
    )


def _rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _confusions(warehouse: Warehouse) -> list[Figures]:
    """Count verdicts against the truth, opens and clicks apart."""
    counted = ", ".join(f"count(*) filter (actor = '{actor}')" for actor in ACTORS)
    return [
        Figures(
            f"{title}: what they were called, and (across) what they were",
            ("verdict", *ACTORS),
            [
                (str(verdict), *(f"{count:,}" for count in counts))
                for verdict, *counts in _rows(
                    warehouse,
                    f"select verdict, {counted} from truth.judged where event_type = "
                    f"'{event_type}' group by verdict order by verdict",
                )
            ],
        )
        for title, event_type in (("Clicks", "clicked"), ("Opens", "opened"))
    ]


def _by_rule(warehouse: Warehouse) -> Figures:
    """Count, for each rule that decided something, who it really was."""
    counted = ", ".join(f"count(*) filter (actor = '{actor}')" for actor in ACTORS)
    found = _rows(
        warehouse,
        f"""
        select
            rule, event_type, verdict, {counted},
            count(*) filter ((actor = 'human') = (verdict = 'human')) / count(*)
        from truth.judged
        where rule is not null
        group by all
        order by rule, event_type
        """,
    )
    return Figures(
        "Per rule: its verdict, and (across) who it really was",
        ("rule", "event", "verdict", *ACTORS, "right"),
        [
            (f"`{rule}`", event_type, verdict, *(f"{count:,}" for count in counts), f"{right:.1%}")
            for rule, event_type, verdict, *counts, right in found
        ],
        text=3,
    )


def _scores(warehouse: Warehouse, team: str) -> dict[tuple[str, str], Score]:
    """Return the scores by team (an SQL expression) and event type."""
    found = _rows(warehouse, _SCORES.format(team=team))
    return {(name, event_type): Score(*counts) for name, event_type, *counts in found}


def _by_team(warehouse: Warehouse, trials: Sequence[Trial]) -> Figures:
    scores = _scores(warehouse, "team")
    rows = []
    for trial in trials:
        clicks, opens = (scores[trial.name, kind] for kind in ("clicked", "opened"))
        readers = {str(reader): share for reader, share in trial.habits.readers}
        rows.append(
            (
                trial.name,
                f"{readers['apple']:.0%}",
                f"{readers['images_off']:.0%}",
                f"{1 - trial.habits.gateways[0][1]:.0%}",
                f"{clicks.people:,}",
                f"{clicks.precision:.3f}",
                f"{clicks.recall:.3f}",
                f"{opens.people:,}",
                f"{opens.precision:.3f}",
                f"{opens.recall:.3f}",
            )
        )
    header = (
        "team", "Apple", "blocked", "guarded", "clicks", "precision", "recall",
        "opens", "precision", "recall",
    )  # fmt: skip
    return Figures("Per team: what people did, and how well it was told", header, rows)


def _errors(warehouse: Warehouse) -> Figures:
    """List what was wrongly called a person's, and what of people's was not, by what caused it."""
    found = _rows(
        warehouse,
        """
        select cause, event_type, verdict, rule, count(*) as events
        from truth.judged
        where (actor = 'human') != (verdict = 'human')
        and (event_type = 'clicked' or actor != 'unknown')
        group by all
        order by events desc, cause, rule
        """,
    )
    return Figures(
        "What remains wrong",
        ("really", "event", "called", "by rule", "events"),
        [
            (cause, event_type, verdict, f"`{rule}`", f"{events:,}")
            for cause, event_type, verdict, rule, events in found
        ],
        text=4,
    )


def _verdicts(warehouse: Warehouse) -> list[tuple[str, bool]]:
    scores = _scores(warehouse, "'all'")
    ((astray,),) = _rows(
        warehouse, "select count(*) from truth.judged where actor is null or verdict is null"
    )
    found = [(f"evaluate, events lost or made up: {astray:,} (limit 0)", astray == 0)]
    for what, event_type, least in (
        ("human clicks", "clicked", LEAST_FOR_CLICKS),
        ("human opens outside privacy proxies", "opened", LEAST_FOR_OPENS),
    ):
        score = scores["all", event_type]
        for name, figure in (("precision", score.precision), ("recall", score.recall)):
            found.append(
                (f"evaluate, {name} of {what}: {figure:.4f} (limit {least})", figure >= least)
            )
    return found


if __name__ == "__main__":
    sys.exit(main())
