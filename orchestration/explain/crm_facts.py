"""What Salesforce said of the person's records: opt-outs, conversions, merges, other addresses."""

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from orchestration.explain.people import Keys
from orchestration.explain.reading import Row, read
from orchestration.explain.story import CrmFact, Place

_VERSIONS = """
select
    crm_object, crm_id, email, individual_id, has_opted_out_of_email, is_deleted, is_converted,
    master_record_id, converted_contact_id, system_modstamp_at, load_id, is_from_export
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

#: D9: "don't track" is said of the individual behind the records.
_INDIVIDUALS = """
select
    record_id, system_modstamp as changed_at, load_id,
    coalesce(cast(payload ->> '$.HasOptedOutTracking' as boolean), false) as wants_none
from raw.salesforce_individuals
where record_id in (select unnest($individuals::varchar[]))
order by record_id, system_modstamp, load_id
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
    if before and before["email"] != now["email"]:
        yield (
            "email_changed",
            f"has another address: {before['email'] or '(none)'} → {now['email'] or '(none)'}",
        )


def _tracking_wishes(connection: DuckDBPyConnection, versions: list[Row]) -> list[CrmFact]:
    individuals = {row["individual_id"]: row for row in versions if row["individual_id"]}
    facts = []
    wishes: dict[str, bool] = {}
    for row in read(connection, _INDIVIDUALS, individuals=sorted(individuals)):
        wanted_none = wishes.get(row["record_id"], False)
        wishes[row["record_id"]] = row["wants_none"]
        if row["wants_none"] == wanted_none:
            continue
        record = individuals[row["record_id"]]
        facts.append(
            CrmFact(
                at=row["changed_at"],
                crm_object=record["crm_object"],
                crm_id=record["crm_id"],
                fact="tracking_opted_out" if row["wants_none"] else "tracking_opted_in",
                words="wants no tracking: opens and clicks are not told"
                if row["wants_none"]
                else "does not mind tracking any more",
                place=_snapshot("Individual", row["load_id"]),
            )
        )
    return facts


def _places(
    connection: DuckDBPyConnection, versions: list[Row]
) -> dict[tuple[str, int], Place | None]:
    """Return where each version comes from: a snapshot over the API, or a line of an export."""
    exported = [row for row in versions if row["is_from_export"]]
    lines = read(
        connection,
        _EXPORT_LINES,
        loads=sorted({row["load_id"] for row in exported}),
        records=sorted({row["crm_id"] for row in exported}),
    ) if exported else []  # fmt: skip
    found = {(row["crm_id"], row["load_id"]): Place(row["file"], row["line"]) for row in lines}
    return {
        (row["crm_id"], row["load_id"]): found.get((row["crm_id"], row["load_id"]))
        if row["is_from_export"]
        else _snapshot(row["crm_object"], row["load_id"])
        for row in versions
    }


def _snapshot(crm_object: str, load_id: int) -> Place:
    return Place(f"Salesforce {crm_object}, load {load_id}")
