"""What Salesforce said of the person's records: opt-outs, conversions, merges, other addresses."""

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from orchestration.explain.people import Keys
from orchestration.explain.reading import Row, read
from orchestration.explain.story import CrmFact, Place

_VERSIONS = """
select
    crm_object, crm_id, email, individual_id, has_opted_out_of_email, is_deleted, is_converted,
    master_record_id, converted_contact_id, system_modstamp_at, load_id, is_from_export, is_current
from intermediate.int_crm__record_versions
where crm_id in (select unnest($records::varchar[]))
order by crm_id, system_modstamp_at, load_id
"""

_EXPORT_LINES = """
select load_id, payload ->> '$.Id' as crm_id, min(file) as file, min(line) as line
from raw.salesforce_exports
where load_id in (select unnest($loads::bigint[]))
    and payload ->> '$.Id' in (select unnest($records::varchar[]))
group by all
"""

#: D9: "don't track" is said of the individual behind the records. A deleted one says nothing.
_INDIVIDUALS = """
select
    individual_id, system_modstamp_at as changed_at, load_id,
    has_opted_out_of_tracking and not is_deleted as wants_none
from staging.stg_salesforce__individuals
where individual_id in (select unnest($individuals::varchar[]))
order by individual_id, system_modstamp_at, load_id
"""


def read_crm_facts(connection: DuckDBPyConnection, keys: Keys) -> list[CrmFact]:
    """Return what changed in Salesforce that matters to mail, when Salesforce says it did."""
    versions = read(connection, _VERSIONS, records=list(keys.records))
    places = _places(connection, versions)
    facts = []
    previous: Row | None = None
    for row in versions:
        before = previous if previous and previous["crm_id"] == row["crm_id"] else None
        facts += [
            CrmFact(row["system_modstamp_at"], row["crm_object"], row["crm_id"], fact, told,
                    places[row["crm_id"], row["load_id"]])
            for fact, told in _differences(before, row)
        ]  # fmt: skip
        previous = row
    return facts + _tracking_wishes(connection, versions)


def _differences(before: Row | None, now: Row) -> Iterator[tuple[str, str]]:
    def has_become(name: str) -> bool:
        return bool(now[name]) and not (before and before[name])

    if has_become("has_opted_out_of_email"):
        yield "opted_out", "has opted out of email"
    elif before and before["has_opted_out_of_email"] and now["has_opted_out_of_email"] is False:
        yield "opted_in", "has no longer opted out of email"
    if has_become("is_converted"):
        yield "converted", f"was converted to Contact {now['converted_contact_id']}"
    if has_become("is_deleted"):
        into = now["master_record_id"]
        yield ("merged", f"was merged into {into}") if into else ("deleted", "was deleted")
    elif before and before["is_deleted"] and not now["is_deleted"]:
        yield "restored", "was restored"
    if before and before["email"] != now["email"]:
        yield (
            "email_changed",
            f"has another address: {before['email'] or '(none)'} → {now['email'] or '(none)'}",
        )


def _tracking_wishes(connection: DuckDBPyConnection, versions: list[Row]) -> list[CrmFact]:
    records = {
        row["individual_id"]: row for row in versions if row["is_current"] and row["individual_id"]
    }
    wishes = read(connection, _INDIVIDUALS, individuals=sorted(records)) if records else []
    lines = _export_lines(connection, [(row["individual_id"], row["load_id"]) for row in wishes])
    facts = []
    wanted_none: dict[str, bool] = {}
    for row in wishes:
        individual, load_id, wants_none = row["individual_id"], row["load_id"], row["wants_none"]
        if wants_none != wanted_none.get(individual, False):
            facts.append(
                CrmFact(
                    at=row["changed_at"],
                    crm_object=records[individual]["crm_object"],
                    crm_id=records[individual]["crm_id"],
                    fact="tracking_opted_out" if wants_none else "tracking_opted_in",
                    words="wants no tracking: opens and clicks are not told"
                    if wants_none
                    else "does not mind tracking any more",
                    place=lines.get((individual, load_id)) or _snapshot("Individual", load_id),
                )
            )
        wanted_none[individual] = wants_none
    return facts


def _places(
    connection: DuckDBPyConnection, versions: list[Row]
) -> dict[tuple[str, int], Place | None]:
    """Return where each version comes from: a snapshot over the API, or a line of an export."""
    exported = [(row["crm_id"], row["load_id"]) for row in versions if row["is_from_export"]]
    lines = _export_lines(connection, exported)
    return {
        (row["crm_id"], row["load_id"]): lines.get((row["crm_id"], row["load_id"]))
        if row["is_from_export"]
        else _snapshot(row["crm_object"], row["load_id"])
        for row in versions
    }


def _export_lines(
    connection: DuckDBPyConnection, exported: list[tuple[str, int]]
) -> dict[tuple[str, int], Place]:
    """Return the lines of exports in which records stand, by record and load."""
    if not exported:
        return {}
    lines = read(
        connection,
        _EXPORT_LINES,
        records=sorted({record for record, _ in exported}),
        loads=sorted({load for _, load in exported}),
    )
    return {(row["crm_id"], row["load_id"]): Place(row["file"], row["line"]) for row in lines}


def _snapshot(crm_object: str, load_id: int) -> Place:
    return Place(f"Salesforce {crm_object}, load {load_id}")
