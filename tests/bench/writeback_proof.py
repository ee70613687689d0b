"""Whether the org holds what it should, whether its log proves it, and whether the ledger knows."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from duckdb import DuckDBPyConnection

from orchestration.crm.snapshot import stored_schemas
from orchestration.writeback.values import holds, holds_withheld
from tests.bench.writeback_runs import QUIET
from tests.crm.live_org import LiveOrg

#: What is to be the end of a run: all of the plan is written, or all of the quiet run taken back.
End = Literal["planned", "undone"]

#: Records by object and id, deleted ones among them.
State = Mapping[str, Mapping[str, Mapping[str, Any]]]

#: Records by object and what they are known by.
Known = Mapping[tuple[str, str], Mapping[str, Any]]

_STAMPS = frozenset({"SystemModstamp", "LastModifiedDate"})
#: Of records that a run makes, also what the org numbers and dates as it pleases.
_MADE = _STAMPS | {"Id", "CreatedDate", "CompletedDateTime", "EmailMessageId"}

_CELLS = """
select
    object, operation, coalesce(record_id, external_key), field,
    coalesce(new_value, refers_to), is_withheld
from writeback.changes
where plan_id = ? and decision = 'write'
"""

#: What was written, by the ledger: an undone attempt was.
_WRITTEN = """
select object, operation, record_id, count(*)
from writeback.ledger
where outcome in ('written', 'undone') and (run_id <> ? or not ?)
group by all
"""


@dataclass(frozen=True)
class Wanted:
    """What the org held before the plan, and what it is to hold after it, and after its undo."""

    before: State
    touched: frozenset[str]
    planned: Known
    undone: Known
    records: int

    def compared(self, found: State) -> Known:
        """Return all records, each without what may differ from run to run.

        A record that no plan is about keeps all of its fields, its stamps among them.
        """
        return _compared(self.before, self.touched, found)


def read_state(org: LiveOrg) -> State:
    """Return all records of all objects of the org; only its view of names says nothing new."""
    names = org.admin.get("/__admin/state").raise_for_status().json().keys() - {"Name"}
    return {
        name: {
            record["Id"]: record
            for record in org.admin.get(f"/__admin/records/{name}").raise_for_status().json()
        }
        for name in sorted(names)
    }


def learn(connection: DuckDBPyConnection, plan_id: str, before: State, after: State) -> Wanted:
    """Return what is wanted, by what a quiet run of the plan left.

    Raises:
        RuntimeError: that is not what the plan says, or touches what the plan is not about.
    """
    cells = connection.execute(_CELLS, [plan_id]).fetchall()
    updated = {(name, key) for name, operation, key, *_ in cells if operation == "update"}
    made = {(name, key) for name, operation, key, *_ in cells if operation == "create"}
    touched = frozenset(key for _, key in updated)
    planned, held = _compared(before, touched, after), _compared(before, touched, before)
    wrong = [*_not_as_planned(connection, cells, planned)]
    wrong += [f"{each} is there" for each in planned.keys() - held.keys() - made]
    wrong += [f"{each} is not there" for each in (held.keys() | made) - planned.keys()]
    for each in held.keys() & planned.keys():
        fields = {field for name, _, key, field, *_ in cells if (name, key) == each}
        fields |= {"LastModifiedById"} if each in updated else set()
        moved = {field for field, value in held[each].items() if planned[each][field] != value}
        wrong += [f"{each}: {field} changed" for field in sorted(moved - fields)]
    if wrong or not (updated and made):
        raise RuntimeError(f"a quiet run ends {len(wrong)} times unlike its plan: {wrong[:3]}")
    undone: dict[tuple[str, str], Mapping[str, Any]] = dict(held)
    for each in updated:
        undone[each] = {**held[each], "LastModifiedById": planned[each]["LastModifiedById"]}
    for each in made:
        undone[each] = {**planned[each], "IsDeleted": True}
    return Wanted(before, touched, planned, undone, len(updated) + len(made))


def problems(
    org: LiveOrg, connection: DuckDBPyConnection, wanted: Wanted, end: End
) -> Iterator[str]:
    """Yield what is not as it should be after everything was finished."""
    expected = wanted.planned if end == "planned" else wanted.undone
    found = wanted.compared(read_state(org))
    wrong = [
        each for each in expected.keys() | found.keys() if expected.get(each) != found.get(each)
    ]
    if wrong:
        first = min(wrong)
        yield (
            f"{len(wrong)} records are not as {end}, such as {' '.join(first)}: "
            f"{_differs(expected, found, first)}"
        )
    proof = org.proof()
    for doubled in (*proof["repeated"], *proof["twins"]):
        yield f"written twice: {doubled}"
    if proof["writes"] != wanted.records:
        yield f"{proof['writes']} writes for {wanted.records} records"
    yield from _unlike_the_log(org, connection, end)
    yield from _left_open(connection, end)


def _compared(before: State, touched: frozenset[str], found: State) -> Known:
    compared: dict[tuple[str, str], Mapping[str, Any]] = {}
    mails = {
        record["Id"]: record.get("Touchline_Key__c") or record["Id"]
        for record in found["EmailMessage"].values()
    }
    for name, records in found.items():
        for record_id, record in records.items():
            if record_id in before[name]:
                key, left_out = record_id, _STAMPS if record_id in touched else frozenset()
            else:
                key, left_out = _made_as(name, record, mails), _MADE
            while (name, key) in compared:
                key += " again"
            compared[name, key] = {
                field: value for field, value in record.items() if field not in left_out
            }
    return compared


def _made_as(name: str, record: Mapping[str, Any], mails: Mapping[str, str]) -> str:
    """Return the key under which a plan made a record."""
    if name == "EmailMessageRelation":
        return f"{mails.get(record['EmailMessageId'])} {record['RelationType']}"
    if name == "CampaignMember":
        return f"member {record['CampaignId']} {record['LeadOrContactId']}"
    return str(record.get("Touchline_Key__c") or record["Id"])


def _not_as_planned(
    connection: DuckDBPyConnection, cells: list[tuple[Any, ...]], found: Known
) -> Iterator[str]:
    """Yield the planned cells that the org's records do not hold."""
    schemas = stored_schemas(connection)
    for name, _, key, field, value, is_withheld in cells:
        record, schema = found.get((name, key), {}), schemas[name].fields[field]
        if field == "EmailMessageId":
            continue  # it stands in what the relation is known by
        is_held = holds_withheld if is_withheld else holds
        if not is_held(schema, record.get(field), value):
            yield f"{name} {key} {field} is {record.get(field)!r}, not {value!r}"


def _differs(expected: Known, found: Known, each: tuple[str, str]) -> str:
    if each not in found or each not in expected:
        return "it is missing" if each not in found else "nobody asked for it"
    return ", ".join(
        f"{field} is {found[each].get(field)!r}, not {value!r}"
        for field, value in expected[each].items()
        if found[each].get(field) != value
    )


def _unlike_the_log(org: LiveOrg, connection: DuckDBPyConnection, end: End) -> Iterator[str]:
    """Hold the ledger against the org's own log of writes, record by record.

    What an undo takes back was written before that log began.
    """
    lines = org.admin.get("/__admin/writes").raise_for_status().json()
    logged = Counter((each["object"], each["operation"], each["record_id"]) for each in lines)
    rows = connection.execute(_WRITTEN, [QUIET, end == "undone"]).fetchall()
    known = Counter({(name, operation, key): count for name, operation, key, count in rows})
    if unknown := sorted((logged - known).keys(), key=str):
        yield f"{len(unknown)} writes that the ledger does not know, such as {unknown[0]}"
    if untrue := sorted((known - logged).keys(), key=str):
        yield f"{len(untrue)} writes of the ledger that were not made, such as {untrue[0]}"


def _left_open(connection: DuckDBPyConnection, end: End) -> Iterator[str]:
    """Yield what nobody has finished, by the warehouse."""
    for what, sql in _OPEN.items():
        ((count,),) = connection.execute(sql).fetchall()
        if count:
            yield f"{count} {what}"
    newest = connection.execute(
        "select state from writeback.plans order by created_at desc limit 1"
    ).fetchone()
    if newest != ("applied",):
        yield f"the newest plan is {newest}"
    if end == "planned":
        return
    outcomes = connection.execute(
        "select distinct outcome from writeback.ledger where run_id = ?", [QUIET]
    ).fetchall()
    if outcomes != [("undone",)]:
        yield f"what the quiet run wrote is {outcomes} in the ledger"


_OPEN = {
    "attempts without an outcome": "select count(*) from writeback.ledger where outcome is null",
    "jobs that nobody looked after": "select count(*) from writeback.jobs where closed_at is null",
    "plans that nobody applies any more": (
        "select count(*) from writeback.plans where state in ('applying', 'planned')"
    ),
}
