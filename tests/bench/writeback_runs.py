"""What a process does that is killed: a writeback, and each way of going on with a dead one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import take_snapshot
from orchestration.crm.transport import JobPatience, Patience
from orchestration.settings import SalesforceLogin
from orchestration.warehouse import Warehouse
from orchestration.writeback import fates, sending_collections
from orchestration.writeback.apply import WritebackReport, apply_plan, resume_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import Plan, make_plan, read_plan
from orchestration.writeback.settle import settle
from orchestration.writeback.undo import make_undo_plan

#: The run that nothing disturbs: what the others are held against, and what an undo takes back.
QUIET = "quiet"

#: These go by bulk job, the others by Collections: a job of each operation that there is. Usually
#: the number of records decides.
IN_BULK = (("Contact", "update"), ("Task", "create"), ("CampaignMember", "update"))
DELETED_IN_BULK = ("Task", "delete")

#: So small that a plan takes many requests, and a kill has many moments to choose from.
ROWS_PER_REQUEST = 4

#: A lost write is looked for after so long, and after three times as long again: a fraction of
#: what Salesforce is given, in proportion to how late the org shows what it took.
SECONDS_UNTIL_VISIBLE = 0.3

#: Rows that show as late as this are missed by the first look, and found by the second.
VERY_LATE_SECONDS = 0.8

MAPPING = load_mapping()

PATIENCE = Patience(
    connect_timeout=2,
    read_timeout=1,
    attempts=3,
    first_wait=0.01,
    longest_wait=0.02,
    jobs=JobPatience(first_wait=0.02, rows_per_second=100_000, longest_wait=0.05, deadline=2),
)


class SmallRequests(SalesforceCrm):
    """The real client, but for the size of its requests."""

    @property
    def rows_per_write(self) -> int:
        """A few."""
        return ROWS_PER_REQUEST


@dataclass(frozen=True)
class Place:
    """Where a run is at work."""

    path: Path
    login: SalesforceLogin

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse of the run."""
        return Warehouse(self.path)

    def crm(self) -> SalesforceCrm:
        """Return a new client that sends small requests and does not wait long."""
        return SmallRequests(self.login, PATIENCE)


@dataclass(frozen=True)
class Done:
    """What came of one go; `is_all`: it found nothing left to do."""

    is_all: bool
    report: WritebackReport | None = None


#: One go at something, under the id of a run.
Act = Callable[[Place, str], Done]


def hurry() -> None:
    """Have this process wait as briefly as an org on loopback allows."""
    fates.SECONDS_UNTIL_VISIBLE = SECONDS_UNTIL_VISIBLE
    sending_collections.SECONDS_BEFORE_AGAIN = 0.01


def act_and_tell(begun: Event, act: Act, place: Place, run_id: str) -> None:
    """Have one go in a process of its own, and say when all is imported: kills hit no imports."""
    begun.set()
    hurry()
    act(place, run_id)


def plan(place: Place, crm: SalesforceCrm, seconds_to_build: float = 0.0) -> Plan:
    """Take a snapshot, build the models, which takes its time, and plan, as a sync does."""
    take_snapshot(place.warehouse, crm, target_fields=MAPPING.target_fields())
    time.sleep(seconds_to_build)
    made = make_plan(place.warehouse, MAPPING)
    send_in_bulk(place, made.plan_id)
    return made


def send_in_bulk(place: Place, plan_id: str) -> None:
    """Have a plan go by jobs where it is far too small for them."""
    with place.warehouse.connect() as connection:
        connection.execute(
            "update writeback.plan_routes set route = 'bulk' "
            "where plan_id = ? and list_contains(?, object || ' ' || operation)",
            [plan_id, [" ".join(each) for each in (*IN_BULK, DELETED_IN_BULK)]],
        )


def apply(place: Place, run_id: str) -> Done:
    """`touchline apply`: carry out the newest plan."""
    newest = _newest(place)
    report = apply_plan(place.warehouse, place.crm(), newest.plan_id, run_id, MAPPING)
    return Done(is_all=False, report=report)


def resume(place: Place, run_id: str) -> Done:
    """`touchline apply --resume`, or `touchline apply` where the plan had not begun."""
    if _newest(place).state == "planned":
        return apply(place, run_id)
    _, report = resume_plan(place.warehouse, place.crm(), run_id, MAPPING)
    return Done(is_all=report is None, report=report)


def sync(place: Place, run_id: str, seconds_to_build: float = 0.0) -> Done:
    """What the schedule does next: settle, take a snapshot, plan anew, and carry that out."""
    crm = place.crm()
    settle(place.warehouse, crm)
    made = plan(place, crm, seconds_to_build)
    report = apply_plan(place.warehouse, crm, made.plan_id, run_id, MAPPING)
    return Done(is_all=made.changed_records == 0, report=report)


def sync_too_early(place: Place, run_id: str) -> Done:
    """Do so at once, with a snapshot that misses what shows only while the models are built."""
    return sync(place, run_id, VERY_LATE_SECONDS)


def undo(place: Place, run_id: str) -> Done:
    """`touchline undo` of the quiet run: settle, read, plan what goes back, and carry that out."""
    crm = place.crm()
    settle(place.warehouse, crm)
    made = make_undo_plan(place.warehouse, crm, QUIET)
    send_in_bulk(place, made.plan_id)
    report = apply_plan(place.warehouse, crm, made.plan_id, run_id, MAPPING)
    return Done(is_all=made.changed_records == 0, report=report)


def resume_undo(place: Place, run_id: str) -> Done:
    """Go on with an undo's plan; where it had come to none, ask for the undo again."""
    return resume(place, run_id) if _newest(place).kind == "undo" else undo(place, run_id)


def go_on(act: Act, place: Place, run_id: str, rounds: int, seconds_between: float) -> bool:
    """Have one go after the other until nothing is left to do; say whether it came to that.

    Raises:
        CrmError: the org does not answer.
    """
    for number in range(1, rounds + 1):
        if act(place, f"{run_id} {number}").is_all:
            return True
        time.sleep(seconds_between)
    return False


def _newest(place: Place) -> Plan:
    with place.warehouse.connect() as connection:
        newest = read_plan(connection)
    if newest is None:
        raise RuntimeError("the scene has no plan")
    return newest
