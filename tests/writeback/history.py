"""A history by dice: syncs and undos, deaths in the midst of them, and a rep's edits."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from duckdb import DuckDBPyConnection

from orchestration.crm.salesforce import SalesforceCrm
from orchestration.crm.snapshot import take_snapshot
from orchestration.writeback.apply import apply_plan, resume_plan
from orchestration.writeback.approval import approve_plan
from orchestration.writeback.jobs import open_jobs
from orchestration.writeback.plan import Plan, make_plan
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.settle import settle
from orchestration.writeback.undo import NothingToUndoError, make_undo_plan
from tests.crm.live_org import ANN, BEN, LiveOrg
from tests.crm.live_org import USER as REP
from tests.writeback.creations import insert_creations
from tests.writeback.history_oracle import Oracle, State, differences
from tests.writeback.stage import Stage, contact_mapping

MAPPING = contact_mapping(
    "metric: open_count, field: Touchline_Open_Count__c, policy: owned",
    "metric: is_replied, field: Touchline_Replied__c, policy: owned",
    "metric: clicked_at, field: Birthdate, policy: owned, clears: true",
    "metric: sequence_status, field: Touchline_Sequence_Status__c, policy: owned, default: Active",
    "metric: first_sequence, field: Touchline_First_Sequence__c, policy: fill_blank",
    "metric: latest_reply_tags, field: Description, policy: owned, clears: true",
    "metric: is_opted_out, field: HasOptedOutOfEmail, policy: opt_out",
)
PEOPLE = (ANN, BEN)
OBJECTS = ("Contact", "Task", "EmailMessage", "EmailMessageRelation")

#: They say when and by whom, not what.
STAMPS = frozenset({"SystemModstamp", "LastModifiedDate", "LastModifiedById"})

#: What Touchline computes. People type other figures and texts, so that it shows whose they are.
COMPUTED: dict[str, tuple[Any, ...]] = {
    "open_count": (1, 2, 3),
    "is_replied": (True, False),
    "clicked_at": ("2026-10-01 08:00:00", "2026-10-02 09:00:00", None),
    "sequence_status": ("Active", "Finished: Replied"),
    "first_sequence": ("Summer", "Autumn"),
    "latest_reply_tags": ("call", "call, pricing", None),
    "is_opted_out": (False, False, True),
}


def typed(number: int) -> dict[str, Any]:
    """Return what a rep types by hand, another figure and text each time."""
    return {
        "Touchline_Open_Count__c": 1000 + number,
        "Birthdate": f"{1950 + number}-02-28",
        "Touchline_First_Sequence__c": f"By hand {number}",
        "Description": f"Met at fair {number}.\r\nCalls back.",
        "Department": f"Sales {number}",
    }


#: What looks the same whoever does it.
TICKED_OR_EMPTIED: dict[str, tuple[Any, ...]] = {
    "Touchline_Open_Count__c": (None,),
    "Touchline_Replied__c": (True, False),
    "Birthdate": (None,),
    "Touchline_Sequence_Status__c": ("Active", "Paused", None),
    "Touchline_First_Sequence__c": (None,),
    "Description": (None,),
    "HasOptedOutOfEmail": (True, False),
}

#: Every step of a writing at which a process may end, before Salesforce takes it or after.
STEPS = ("update_many", "update_many", "create_many", "delete_many")
JOB_STEPS = ("open", "upload", "start", "wait", "results")

_OUR_TASKS = """
insert into writeback.changes
    (plan_id, object, record_id, field, old_value, new_value, policy, decision, reason, operation)
select
    $plan_id, 'Task', record_id, 'Subject', payload ->> '$.Subject', $subject, 'owned', 'write',
    'brought up to date', 'update'
from (
    select record_id, arg_max(payload, load_id) as payload
    from raw.salesforce_tasks
    group by record_id
    having not arg_max(is_deleted, load_id)
)
"""

#: What was sent by itself, and never answered.
_LOST = "select record_id from writeback.ledger where outcome is null and job_id is null"

_BY_JOB = """
update writeback.plan_routes set route = 'bulk'
where plan_id = ? and object in ('Contact', 'Task')
"""


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class History:
    """Plays one history, and holds every undo against the oracle."""

    org: LiveOrg
    stage: Stage
    chance: random.Random
    oracle: Oracle = field(default_factory=Oracle)
    told: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def play(self, steps: int) -> None:
        """Do this many things; what is told of them stands in `told`."""
        moves = [self.sync] * 2 + [self.edit] * 2 + [self.undo] * 3
        for _ in range(steps):
            self.chance.choice(moves)()

    def state(self) -> State:
        """Return all living records of the org, without their stamps."""
        return {
            record["Id"]: {name: value for name, value in record.items() if name not in STAMPS}
            for name in OBJECTS
            for record in self.org.admin.get(f"/__admin/records/{name}").json()
            if not record.get("IsDeleted")
        }

    def sync(self) -> None:
        """Compute other figures, plan and write them; every other time the process dies in it."""
        run_id = self._new_run("run")
        self.stage.metrics(
            contacts=[
                {"crm_id": each}
                | {metric: self.chance.choice(values) for metric, values in COMPUTED.items()}
                for each in PEOPLE
            ]
        )
        targets = {**MAPPING.target_fields(), "Task": ["Subject"]}
        take_snapshot(self.stage.warehouse, self.org.crm(), OBJECTS, targets)
        plan = make_plan(self.stage.warehouse, MAPPING, planners=[self._plan_activities])
        if plan.waits:
            with self.stage.warehouse.connect() as connection:
                approve_plan(connection, plan.plan_id, "ann")
        self.told.append(f"{run_id} writes")
        self._write(plan, run_id, dies=self.chance.random() < 0.5)

    def edit(self) -> None:
        """Let a rep edit a contact or a task, or delete a task."""
        tasks = [each for each in self.state() if each.startswith("00T")]
        if tasks and self.chance.random() < 0.4:
            is_deleted = self.chance.random() < 0.3
            change: dict[str, Any] = {"IsDeleted": True} if is_deleted else {"Priority": "High"}
            self._by_rep("Task", self.chance.choice(tasks), change)
        elif self.chance.random() < 0.5:
            self._type_by_hand(self.chance.choice(PEOPLE))
        else:
            name = self.chance.choice(list(TICKED_OR_EMPTIED))
            change = {name: self.chance.choice(TICKED_OR_EMPTIED[name])}
            self._by_rep("Contact", self.chance.choice(PEOPLE), change)

    def undo(self) -> None:
        """Take back any run, an undo perhaps, and hold the org's full state against the oracle."""
        runs = list(self.oracle.runs)
        if not runs:
            return
        # In the way of old runs are mostly newer ones: the newest tell more.
        undone = self.chance.choice(runs[-3:] if self.chance.random() < 0.7 else runs)
        run_id = self._new_run("undo")
        with_opt_outs, now = self.chance.random() < 0.7, self.state()
        expected = self.oracle.after_undo(undone, now, with_opt_outs=with_opt_outs)
        self.told.append(f"{run_id} takes back {undone}, {with_opt_outs=}")
        try:
            plan = make_undo_plan(
                self.stage.warehouse, self.org.crm(), undone, with_opt_outs=with_opt_outs
            )
        except NothingToUndoError:
            assert expected == now, self.told
            return
        found, is_whole = self._write(plan, run_id, dies=self.chance.random() < 0.2)
        wrong = differences(found, expected)
        if not is_whole:
            # Of what is half taken back every cell is as it was, or as it is to be.
            wrong = {cell: wrong[cell] for cell in wrong.keys() & differences(found, now).keys()}
        assert not wrong, (wrong, self.told)

    def _write(self, plan: Plan, run_id: str, *, dies: bool) -> tuple[State, bool]:
        """Carry a plan out; return the state right after it, and whether it came to its end."""
        before, crm, warehouse = self.state(), self.org.crm(), self.stage.warehouse
        if self.chance.random() < 0.3:
            with warehouse.connect() as connection:
                connection.execute(_BY_JOB, [plan.plan_id])
        if dies:
            self._let_die(crm)
        is_whole = True
        try:
            report = apply_plan(warehouse, crm, plan.plan_id, run_id)
            assert (report.failed, report.unsent) == (0, 0), self.told
        except KilledError:
            is_whole = False
            self._await_jobs()
        found = self.state()
        self.oracle.ran(run_id, before, found, plan.undoes)
        if not is_whole:
            self._come_back(plan, run_id)
        return found, is_whole

    def _come_back(self, plan: Plan, run_id: str) -> None:
        """Find out what became of a run that died, after a rep's edit perhaps; perhaps go on."""
        lost = [record for (record,) in self.stage.rows(_LOST)]
        for each in self.chance.choice([(), PEOPLE]):
            self._type_by_hand(each)
        now = self.state()
        self.oracle.lost_answers(run_id, lost, now)
        if self.chance.random() < 0.5:
            settle(self.stage.warehouse, self.org.crm())
            assert self.state() == now, self.told
        else:
            again = self._new_run("again")
            resume_plan(self.stage.warehouse, self.org.crm(), again)
            self.oracle.ran(again, now, self.state(), plan.undoes)

    def _let_die(self, crm: SalesforceCrm) -> None:
        """Let the process die at one of the steps, before or after Salesforce took it."""
        is_late, at = self.chance.random() < 0.5, [self.chance.choice(STEPS)]
        at.append(self.chance.choice(JOB_STEPS))
        self.told.append(f"dies at {' or '.join(at)}, {is_late=}")
        for holder, name in zip((crm, crm.jobs), at, strict=True):
            setattr(holder, name, _dying(getattr(holder, name), is_late=is_late))

    def _await_jobs(self) -> None:
        """Let Salesforce come to the end of what it was told to do."""
        jobs = self.org.crm().jobs
        with self.stage.warehouse.connect() as connection:
            noted = open_jobs(connection)
        while any(jobs.state(job.job_id).state == "started" for job in noted):
            time.sleep(0.01)

    def _type_by_hand(self, record: str) -> None:
        name, value = self.chance.choice(list(typed(next(self._numbers)).items()))
        self._by_rep("Contact", record, {name: value})

    def _by_rep(self, name: str, record: str, change: Mapping[str, Any]) -> None:
        self.told.append(f"the rep changes {record}: {change}")
        self.oracle.edited.add(record)
        body = {"fields": change, "user": REP, "force": "IsDeleted" in change}
        self.org.admin.patch(f"/__admin/records/{name}/{record}", json=body).raise_for_status()

    def _new_run(self, kind: str) -> str:
        return f"{kind} {next(self._numbers)}"

    def _plan_activities(self, connection: DuckDBPyConnection, context: PlanContext) -> None:
        """Plan now and then a new task, a new mail, or other subjects for the tasks there are."""
        number = next(self._numbers)
        task, mail = f"task-{number}", f"mail-{number}"
        if self.chance.random() < 0.3:
            values = {"Touchline_Key__c": task, "Subject": "Call", "Status": "Not Started"}
            insert_creations(connection, context.plan_id, {("Task", task): values})
        if self.chance.random() < 0.2:
            values = {"Touchline_Key__c": mail, "Subject": "Hello", "Status": "3"}
            relation = {"EmailMessageId": mail, "RelationType": "ToAddress", "RelationId": ANN}
            planned = {("EmailMessage", mail): values, ("EmailMessageRelation", mail): relation}
            insert_creations(connection, context.plan_id, planned)
        if self.chance.random() < 0.3:
            subject = {"plan_id": context.plan_id, "subject": f"Call {number}"}
            connection.execute(_OUR_TASKS, subject)


def _dying(send: Callable[..., Any], *, is_late: bool) -> Callable[..., Any]:
    def die(*given: Any) -> Any:
        if is_late:
            send(*given)
        raise KilledError

    return die
