"""How long `explain` takes on ten million events: `make bench-explain` prints a verdict.

A simulated team goes through the whole sync once, local org and all. Then every table that a story
is read from is multiplied, each copy being other people with keys of their own, until providers
recorded ten million events. Asked for are people at random, and those with the longest stories, by
address, each over a connection of its own, as the command does it. A copy's story must have as many
entries of each kind as the original's. An address with a slip of the finger is to be refused as
fast, with the one that was meant.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb
from duckdb import DuckDBPyConnection
from rich.console import Console
from rich.table import Table

from orchestration.explain.identity import UnknownPersonError
from orchestration.explain.story import Story
from orchestration.explain.tell import explain
from orchestration.simulator.simulate import simulate
from orchestration.warehouse import Warehouse
from orchestration.writeback.mapping import load_mapping
from tests.end_to_end.team import Team

#: Limit of the issue.
MOST_SECONDS = 2.0

EVENTS = 10_000_000
PEOPLE, WEEKS, SEED = 2_000, 8, 4242
RANDOM, HEAVIEST = 50, 10

MAPPING = load_mapping()

#: Tables that grow with the number of people.
_GROWING = (
    "marts.enrollments", "marts.enrollment_status_history", "marts.messages", "marts.replies",
    "crm.contact_fields", "crm.lead_fields", "writeback.changes", "writeback.ledger",
    "staging.stg_salesforce__individuals", "intermediate.int_crm__addresses",
    "intermediate.int_crm__record_versions", "intermediate.int_crm__records",
    "intermediate.int_enrollments__current", "intermediate.int_events__actors",
    "intermediate.int_events__attached", "intermediate.int_inbound_events",
    "intermediate.int_mail__copies", "intermediate.int_messages__outbound",
    "intermediate.int_people__crm_matches", "intermediate.int_people__tracking_opt_outs",
    "intermediate.int_replies__attributed",
)  # fmt: skip

#: Tables that do not.
_STEADY = (
    "intermediate.actor_rules", "intermediate.inbound_rules", "intermediate.int_crm__users",
    "intermediate.status_vocabulary", "raw.loads", "raw.salesforce_exports", "writeback.plans",
)  # fmt: skip

#: What makes a copied row another person's, by the name of the column.
_KEY = "{} || '-' || copy"
_EMAIL = "replace({}, '@', '@' || copy || '.')"
_RECORD = "left({0}, 5) || lpad(copy::varchar, 4, '0') || substr({0}, 10)"
_PERSON = f"case when {{0}} like '%@%' then {_EMAIL.format('{0}')} else {_RECORD} end"
_CHANGES = {
    **dict.fromkeys(("event_key", "message_key", "enrollment_id", "reply_key", "mail_key"), _KEY),
    **dict.fromkeys(("email", "person_email", "recipient_email", "sender_email"), _EMAIL),
    **dict.fromkeys(
        (
            "crm_id", "record_id", "crm_record_id", "stands_for_id", "individual_id",
            "master_record_id", "converted_contact_id",
        ),
        _RECORD,
    ),
    "person_key": _PERSON,
}  # fmt: skip

#: As the models make them; an open or click has its event's.
_NUMBER = """
update intermediate.int_events__attached
set belongs_to_number = md5_number_lower(coalesce(
    message_key,
    case
        when enrollment_id in (select enrollment_id from intermediate.int_enrollments__current)
            then enrollment_id
    end,
    recipient_email
))
"""
_NUMBER_OF_MESSAGES = """
update intermediate.int_messages__outbound
set belongs_to_number = md5_number_lower(
    case
        when enrollment_id in (select enrollment_id from intermediate.int_enrollments__current)
            then enrollment_id
        else recipient_email
    end
)
"""
_NUMBER_OF_ACTORS = """
create or replace table intermediate.int_events__actors as
select actors.* replace (events.belongs_to_number as belongs_to_number)
from intermediate.int_events__actors as actors
inner join intermediate.int_events__attached as events using (event_key)
"""

_ASKED = f"""
select email
from (
    select
        matches.person_email as email,
        count(*) as events,
        row_number() over (order by count(*) desc, matches.person_email) as heaviness,
        row_number() over (order by md5(matches.person_email)) as place
    from intermediate.int_people__crm_matches as matches
    inner join intermediate.int_events__attached as events
        on matches.person_email = events.recipient_email
    group by matches.person_email
)
where heaviness <= {HEAVIEST} or place <= {RANDOM}
order by email
"""


@dataclass(frozen=True)
class Answer:
    """A story, how long it took by the clock, and how much work of all cores that was."""

    story: Story
    seconds: float
    processor_seconds: float


def main() -> int:
    """Build the large warehouse, ask for people, and say whether that is fast enough."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = _sync(console, folder)
        large = folder / "large.duckdb"
        console.print("Multiplying what stories are read from …")
        events, copies = _multiply(original, large)
        console.print(f"Asking about people among {events:,} events, {copies:,} copies of the team")
        answers = _asked(original, large, copies)
        refusal = _refused(large, answers[0].story.asked)
    seconds = [answer.seconds for answer in answers]
    slowest = max(*seconds, refusal)
    console.print(_figures(answers))
    verdict = "ok" if slowest <= MOST_SECONDS else "short"
    console.print(f"median {median(seconds):.2f} s of {len(answers)} people")
    console.print(f"an unknown address: {refusal:.2f} s")
    console.print(
        f"bench-explain: {slowest:.2f} s for the slowest of {len(answers) + 1} questions "
        f"(limit {MOST_SECONDS:g} s) {verdict}"
    )
    return 0 if slowest <= MOST_SECONDS else 1


def _sync(console: Console, folder: Path) -> Path:
    console.print(f"Simulating a team of {PEOPLE:,} people, and syncing it …")
    simulate(PEOPLE, WEEKS, SEED, folder / "team")
    team = Team(folder / "data", folder / "team" / "landing", folder / "team" / "org")
    try:
        team.run()
    finally:
        team.touchline("org", "stop")
    return team.data / "published.duckdb"


def _multiply(original: Path, large: Path) -> tuple[int, int]:
    """Write the large copy; return its number of events and how many teams it holds."""
    with Warehouse(large).connect() as connection:
        connection.execute(f"attach '{original}' as original (read_only)")
        connection.execute("set preserve_insertion_order = false")
        ((events,),) = connection.execute(
            "select count(*) from original.intermediate.int_events__attached"
        ).fetchall()
        copies = -(-EVENTS // events)
        for table in _STEADY:
            connection.execute(f"create table {table} as from original.{table}")
        for table in _GROWING:
            changed = ", ".join(
                f"{_CHANGES[column].format(column)} as {column}"
                for column in _columns(connection, table)
                if column in _CHANGES
            )
            connection.execute(
                f"create table {table} as select * exclude (copy) replace ({changed}) "
                f"from original.{table} cross join range({copies}) as copies (copy)"
            )
        connection.execute(_NUMBER)
        connection.execute(_NUMBER_OF_MESSAGES)
        connection.execute(_NUMBER_OF_ACTORS)
    return events * copies, copies


def _columns(connection: DuckDBPyConnection, table: str) -> Sequence[str]:
    found = connection.execute(f"from original.{table} limit 0").description or []
    return [column[0] for column in found]


def _asked(original: Path, large: Path, copies: int) -> list[Answer]:
    """Return seconds and stories; each person is one of another copy of the team."""
    with duckdb.connect(str(original), read_only=True) as connection:
        emails = [email for (email,) in connection.execute(_ASKED).fetchall()]
        expected = [explain(connection, MAPPING, email) for email in emails]
    answers = []
    for number, (email, plain) in enumerate(zip(emails, expected, strict=True)):
        copy = number * 7919 % copies
        begun, busy = time.perf_counter(), time.process_time()
        with Warehouse(large).connect(read_only=True) as connection:
            story = explain(connection, MAPPING, email.replace("@", f"@{copy}."))
        answers.append(Answer(story, time.perf_counter() - begun, time.process_time() - busy))
        if _kinds(story) != _kinds(plain):
            raise AssertionError(f"{email}: {_kinds(story)} where there are {_kinds(plain)}")
    return answers


def _refused(large: Path, email: str) -> float:
    """Return how long it takes to say who was perhaps meant by an address that nobody has."""
    begun = time.perf_counter()
    with Warehouse(large).connect(read_only=True) as connection:
        try:
            explain(connection, MAPPING, email.replace("@", "q@"))
        except UnknownPersonError as error:
            seconds = time.perf_counter() - begun
            if email in str(error):
                return seconds
            raise AssertionError(f"{email} is not what was meant: {error}") from error
    raise AssertionError(f"somebody has {email} with one letter more")


def _kinds(story: Story) -> Counter[str]:
    return Counter(type(entry).__name__ for entry in story.timeline)


def _figures(answers: Sequence[Answer]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("the five slowest")
    for name in ("entries", "seconds", "processor seconds"):
        table.add_column(name, justify="right")
    for each in sorted(answers, key=lambda answer: -answer.seconds)[:5]:
        table.add_row(
            f"  {each.story.asked}",
            f"{len(each.story.timeline):,}",
            f"{each.seconds:.2f}",
            f"{each.processor_seconds:.2f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
