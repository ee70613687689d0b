"""An org and a plan to be carried out again and again, and whether the org ends as planned."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import httpx
from duckdb import DuckDBPyConnection

from orchestration.crm.client import CrmError
from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import stored_schemas, take_snapshot
from orchestration.crm.transport import JobPatience, Patience
from orchestration.landing.tables import create_raw_tables
from orchestration.local_org import process
from orchestration.settings import SalesforceLogin
from orchestration.warehouse import Warehouse
from orchestration.writeback import fates, sending_collections
from orchestration.writeback.apply import WritebackReport, apply_plan, resume_plan
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.plan import make_plan
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.values import holds
from tests.crm.live_org import SEED, LiveOrg
from tests.writeback.creations import insert_creations
from tests.writeback.stage import Stage

CONTACTS, LEADS, TASKS, MAILS = 24, 10, 8, 6
#: Contacts and tasks go by bulk job, the others by Collections.
IN_BULK = ("Contact", "Task")
#: So small that a plan takes many requests, and a kill has many moments to choose from.
ROWS_PER_REQUEST = 4
#: The org shows what it took so much later, and a lost write is looked for after so long: both a
#: fraction of what Salesforce may take, in about its proportion.
LATE_SECONDS, SECONDS_UNTIL_VISIBLE = 0.1, 0.3
OBJECTS = ("Contact", "Lead", "Task", "EmailMessage", "EmailMessageRelation")

#: When and by whom, and what the org numbers as it pleases.
_NOT_COMPARED = frozenset(
    {"SystemModstamp", "LastModifiedDate", "LastModifiedById", "CreatedDate", "ActivityId"}
)

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


def hurry() -> None:
    """Have this process wait as briefly as an org on loopback allows."""
    fates.SECONDS_UNTIL_VISIBLE = SECONDS_UNTIL_VISIBLE
    sending_collections.SECONDS_BEFORE_AGAIN = 0.01


def connect(login: SalesforceLogin) -> SalesforceCrm:
    """Return a client that sends small requests and does not wait long."""
    return SmallRequests(login, PATIENCE)


def begin(path: Path, login: SalesforceLogin, plan_id: str, run_id: str) -> None:
    """Carry the plan out, or go on with it: what is killed is a process that does this."""
    hurry()
    warehouse, crm = Warehouse(path), connect(login)
    with warehouse.connect() as connection:
        ((state,),) = connection.execute(
            "select state from writeback.plans where plan_id = ?", [plan_id]
        ).fetchall()
    if state == "planned":
        apply_plan(warehouse, crm, plan_id, run_id, MAPPING)
    else:
        resume_plan(warehouse, crm, run_id, MAPPING)


def begin_and_tell(
    begun: Event, path: Path, login: SalesforceLogin, plan_id: str, run_id: str
) -> None:
    """Do the same, and say when everything is imported: kills hit runs, not imports."""
    begun.set()
    begin(path, login, plan_id, run_id)


@dataclass(frozen=True)
class Left:
    """What a run left in the warehouse: requests without an outcome, jobs, records written."""

    sent_at: Sequence[datetime]
    open_jobs: int
    written: int


@dataclass(frozen=True)
class Outcome:
    """How a run ended that was killed or met a fault, and what was wrong once it was finished."""

    name: str
    ends: Sequence[str]
    problems: Sequence[str]


@dataclass(frozen=True)
class Scene:
    """A running org, a warehouse with a plan for it, and the working copy of that warehouse."""

    org: LiveOrg
    template: Path
    warehouse: Warehouse
    plan_id: str
    records: int

    def reset(self) -> None:
        """Bring org and warehouse back to where the plan has just been made."""
        self.clear_faults()
        self.org.reset()
        self.org.rule(late_seconds=LATE_SECONDS)
        for left in self.warehouse.path.parent.glob(f"{self.warehouse.path.name}*"):
            left.unlink()
        shutil.copyfile(self.template, self.warehouse.path)

    def clear_faults(self) -> None:
        """Have the org be healthy again."""
        self.org.admin.delete("/__admin/faults").raise_for_status()

    def arm(self, fault: Mapping[str, Any]) -> None:
        """Have the org show a fault."""
        self.org.admin.post("/__admin/faults", json=fault).raise_for_status()

    def fired(self) -> int:
        """Return how often the armed faults showed."""
        listed = self.org.admin.get("/__admin/faults").raise_for_status().json()
        return sum(each["fired"] for each in listed)

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """Hold the warehouse open in this process, which spares it most of its time.

        For what is not killed only: those that are open and close it as people's runs do.
        """
        with self.warehouse.connect():
            yield

    def apply(self, run_id: str) -> WritebackReport:
        """Carry the plan out in this process."""
        crm = connect(self.org.login)
        return apply_plan(self.warehouse, crm, self.plan_id, run_id, MAPPING)

    def finish(self) -> tuple[str, ...]:
        """Do what somebody does who finds a run dead: go on with it. Say what is wrong then."""
        with self.held_open():
            try:
                begin(self.warehouse.path, self.org.login, self.plan_id, "last")
            except CrmError as error:
                return (f"not finished, {error}",)
            return tuple(self.problems())

    @property
    def longest_look(self) -> float:
        """How long a run that goes on with another one may look for what that one sent."""
        return 3 * SECONDS_UNTIL_VISIBLE

    def left(self) -> Left:
        """Return what a dead run left in the warehouse."""
        with self.warehouse.connect() as connection:
            sent = connection.execute(
                "select sent_at from writeback.ledger where outcome is null and job_id is null"
            ).fetchall()
            ((written,),) = connection.execute(
                "select count(*) from writeback.ledger where outcome = 'written'"
            ).fetchall()
            return Left(
                tuple(at.replace(tzinfo=UTC) for (at,) in sent), _open_jobs(connection), written
            )

    @cached_property
    def wanted(self) -> dict[str, Any]:
        """What the org holds after a quiet run."""
        self.reset()
        with self.held_open():
            self.apply("quiet")
            found = self.state()
            with self.warehouse.connect() as connection:
                wrong = _not_as_planned(connection, self.plan_id, found)
        if wrong:
            raise RuntimeError(f"a quiet run leaves {len(wrong)} cells unlike its plan: {wrong[0]}")
        return found

    def state(self) -> dict[str, Any]:
        """Return the org's living records, those that the plan creates under their keys."""
        found: dict[str, Any] = {}
        names: dict[str, str] = {}
        for name in OBJECTS:
            for record in self.org.admin.get(f"/__admin/records/{name}").json():
                if record.get("IsDeleted"):
                    continue
                key = record.get("Touchline_Key__c") or record["Id"]
                if name == "EmailMessageRelation":
                    record["EmailMessageId"] = names.get(record["EmailMessageId"])
                    key = f"{record['EmailMessageId']} to {record['RelationId']}"
                names[record["Id"]] = key
                while key in found:
                    key += " again"
                found[key] = {
                    field: value
                    for field, value in record.items()
                    if field not in _NOT_COMPARED and not (field == "Id" and key != value)
                }
        return found

    def problems(self) -> Iterator[str]:
        """Yield what is not as it should be after everything was finished."""
        wanted, found = self.wanted, self.state()
        wrong = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
        if wrong:
            yield f"{len(wrong)} records are not as planned, such as {sorted(wrong)[0]}"
        proof = self.org.admin.get("/__admin/writes/summary").json()
        for doubled in (*proof["repeated"], *proof["twins"]):
            yield f"written twice: {doubled}"
        if proof["writes"] != self.records:
            yield f"{proof['writes']} writes for {self.records} planned records"
        with self.warehouse.connect() as connection:
            yield from _ledger_problems(connection, self.plan_id, self.records)


def _ledger_problems(connection: DuckDBPyConnection, plan_id: str, records: int) -> Iterator[str]:
    outcomes = Counter(
        dict(
            connection.execute(
                "select outcome, count(*) from writeback.ledger group by 1"
            ).fetchall()
        )
    )
    if outcomes[None]:
        yield f"{outcomes[None]} attempts without an outcome"
    if outcomes["written"] != records:
        yield f"the ledger says {outcomes['written']} of {records} records are written"
    if open_jobs := _open_jobs(connection):
        yield f"{open_jobs} jobs that nobody looked after"
    ((state,),) = connection.execute(
        "select state from writeback.plans where plan_id = ?", [plan_id]
    ).fetchall()
    if state != "applied":
        yield f"the plan is {state}"


def _open_jobs(connection: DuckDBPyConnection) -> int:
    ((count,),) = connection.execute(
        "select count(*) from writeback.jobs where closed_at is null"
    ).fetchall()
    return int(count)


def _not_as_planned(
    connection: DuckDBPyConnection, plan_id: str, found: Mapping[str, Any]
) -> list[str]:
    """Return the planned cells that the org's records do not hold."""
    cells = connection.execute(
        "select object, coalesce(record_id, external_key), field, coalesce(new_value, refers_to) "
        "from writeback.changes where plan_id = ? and decision = 'write'",
        [plan_id],
    ).fetchall()
    schemas = stored_schemas(connection)
    wrong = [] if cells else ["the plan has none"]
    for name, key, field, value in cells:
        mail, _, person = key.partition("|ToAddress|")
        record = found.get(f"{mail} to {person}" if person else key, {})
        is_held = (
            record.get(field) == value
            if field == "EmailMessageId"
            else holds(schemas[name].fields[field], record.get(field), value)
        )
        if not is_held:
            wrong.append(f"{name} {key} {field} is {record.get(field)!r}, not {value!r}")
    return wrong


@contextmanager
def prepared(folder: Path) -> Iterator[Scene]:
    """Start an org with a few dozen people, and plan updates, tasks, mails and their relations."""
    hurry()
    seed = folder / "seed"
    seed.mkdir()
    for name, records in _people().items():
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (seed / f"{name}.ndjson").write_text(lines, encoding="utf-8")
    started = process.start(folder / "org", port=0, seed=seed)
    try:
        with httpx.Client(base_url=started.url, trust_env=False, timeout=30) as admin:
            org = LiveOrg(started.url, seed, admin)
            template = folder / "template.duckdb"
            plan_id, planned = _plan(org, Warehouse(template))
            scene = Scene(org, template, Warehouse(folder / "run.duckdb"), plan_id, planned)
            _ = scene.wanted  # a quiet run says what the org is to hold
            yield scene
    finally:
        process.stop(folder / "org")


def _people() -> dict[str, list[dict[str, Any]]]:
    contact, lead = SEED["Contact"][0], SEED["Lead"][0]
    return {
        "User": [dict(each) for each in SEED["User"]],
        "Contact": [
            {**contact, "Id": _contact_id(n), "LastName": f"C{n}", "Email": f"c{n}@x.example"}
            for n in range(CONTACTS)
        ],
        "Lead": [
            {**lead, "Id": _lead_id(n), "LastName": f"L{n}", "Email": f"l{n}@x.example"}
            for n in range(LEADS)
        ],
    }


def _contact_id(number: int) -> str:
    return f"003000000000{number:03}AAA"


def _lead_id(number: int) -> str:
    return f"00Q000000000{number:03}EAA"


def _plan(org: LiveOrg, warehouse: Warehouse) -> tuple[str, int]:
    with warehouse.connect() as connection:
        create_raw_tables(connection)
    stage = Stage(warehouse)
    stage.metrics(
        contacts=[
            {"crm_id": _contact_id(n), "open_count": n + 1, "first_sequence": f"Spring, {n}"}
            for n in range(CONTACTS)
        ],
        leads=[{"crm_id": _lead_id(n), "click_count": n + 1} for n in range(LEADS)],
    )
    take_snapshot(warehouse, connect(org.login), target_fields=MAPPING.target_fields())
    plan = make_plan(warehouse, MAPPING, planners=[_plan_creations])
    with warehouse.connect() as connection:
        connection.execute(
            "update writeback.plan_routes set route = if(list_contains(?, object), "
            "'bulk', 'collections') where object <> '*'",
            [list(IN_BULK)],
        )
    return plan.plan_id, plan.changed_records


def _plan_creations(connection: DuckDBPyConnection, context: PlanContext) -> None:
    creations: dict[tuple[str, str], Mapping[str, str]] = {}
    for n in range(TASKS):
        values = {"WhoId": _contact_id(n), "Subject": f"Call {n}", "Status": "Not Started"}
        creations["Task", f"task-{n}"] = {"Touchline_Key__c": f"task-{n}", **values}
    for n in range(MAILS):
        mail, contact = f"mail-{n}", _contact_id(n)
        creations["EmailMessage", mail] = {
            "Touchline_Key__c": mail,
            "Subject": f"Hello {n}",
            "Status": "3",
            "MessageDate": "2026-10-22T21:03:23Z",
        }
        creations["EmailMessageRelation", f"{mail}|ToAddress|{contact}"] = {
            "EmailMessageId": mail,
            "RelationType": "ToAddress",
            "RelationId": contact,
        }
    insert_creations(connection, context.plan_id, creations)
