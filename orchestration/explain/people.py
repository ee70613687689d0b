"""Who the person is: record, owner, addresses, stand-ins and duplicates; and their keys."""

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.explain.identity import Identity
from orchestration.explain.reading import Row, few, read
from orchestration.explain.story import Address, Person, Record

_ADDRESSES = """
select email, case when is_current then 'current' else 'earlier' end as how
from intermediate.int_crm__addresses
where is_chosen and stands_for_id = $key
"""

_MATCHES = """
select person_email, crm_record_id, matched_by, unmatched_reason
from intermediate.int_people__crm_matches
where person_key = $key
order by matched_by nulls last, unmatched_reason
"""

#: The record itself, and those that it stands for (H3).
_RECORDS = """
select
    records.crm_object, records.crm_id, records.email, records.is_deleted, records.owner_id,
    users.user_name
from intermediate.int_crm__records as records
left join intermediate.int_crm__users as users on records.owner_id = users.user_id
where records.stands_for_id = $key
order by records.crm_object, records.crm_id
"""

#: H3: the records of somebody who has none any more, by the ids that enrollments carry, of which
#: 15 characters count, and by address.
_LOST_RECORDS = """
with

lost as (

    select crm_id, stands_for_id, unwritable_reason
    from intermediate.int_crm__records
    where not is_writable

),

named as (

    select stands_for_id
    from lost
    where
        left(crm_id, 15) in (select left(trim(unnest($carried::varchar[])), 15))
        or crm_id in (
            select crm_id
            from intermediate.int_crm__record_versions
            where email in (select unnest($emails::varchar[]))
        )

)

select crm_id, unwritable_reason
from lost
where stands_for_id in (select stands_for_id from named)
order by crm_id
"""

#: H2: other records with one of the addresses, but those that an enrollment names (H1).
_DUPLICATES = """
select distinct
    records.crm_object, records.crm_id, 'duplicate' as how, addresses.email
from intermediate.int_crm__addresses as addresses
inner join intermediate.int_crm__records as records on addresses.crm_id = records.crm_id
where
    addresses.email in (select unnest($emails::varchar[]))
    and not addresses.is_chosen
    and addresses.stands_for_id != $key
    and not exists (
        select 1
        from intermediate.int_people__crm_matches as matches
        where matches.crm_id = addresses.stands_for_id
    )
order by records.crm_object, records.crm_id
"""

#: H1: an enrollment may name a record by its id, and bear an address that is another's.
_ADDRESSES_OF_OTHERS = """
select email
from intermediate.int_crm__addresses
where
    email in (select unnest($emails::varchar[]))
    and is_chosen
    and stands_for_id != $key
"""

#: D9: what one of the records says, be it lost, holds for the person.
_WANTS_NO_TRACKING = """
select count(*) > 0 as wants_none
from intermediate.int_people__tracking_opt_outs as opt_outs
inner join intermediate.int_crm__records as records on opt_outs.crm_id = records.stands_for_id
where records.crm_id in (select unnest($records::varchar[]))
"""

_ENROLLMENTS = few(
    "intermediate.int_enrollments__current",
    "person_email in (select unnest($emails::varchar[])) "
    "or crm_record_id in (select unnest($record_ids::varchar[]))",
)

_ENROLLED = f"""
select
    enrollment_id, sequence_name, person_email, crm_record_id, mailbox,
    created_at as enrolled_at, source_place
from {_ENROLLMENTS}
order by created_at, enrollment_id
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """By what a person's rows are found: records, addresses, enrollments.

    The records are those that it stands for too (H3), or else those that were lost.
    `plain_emails` are those that mail by hand is matched by: it carries no record id. What is of no
    message and no enrollment is whose address it bears: `own_emails` are no other record's.
    `enrolled` are the enrollments' own rows.
    """

    records: tuple[str, ...]
    own_emails: tuple[str, ...]
    plain_emails: tuple[str, ...]
    enrolled: tuple[Row, ...]

    @property
    def enrollments(self) -> list[str]:
        """The enrollments' ids."""
        return [row["enrollment_id"] for row in self.enrolled]


def describe(connection: DuckDBPyConnection, who: Identity) -> tuple[Person, Keys]:
    """Return who somebody is, and the keys of what belongs to them."""
    matches = read(connection, _MATCHES, key=who.key)
    addresses = _addresses(connection, who, matches)
    emails = [address.email for address in addresses]
    records = read(connection, _RECORDS, key=who.key) if who.is_record else []
    own = next((row for row in records if row["crm_id"] == who.key), {})
    lost = [] if who.is_record else _lost_records(connection, who, matches, emails)
    record_ids = tuple(row["crm_id"] for row in records or lost)
    stand_ins = tuple(_stand_in(row) for row in records if row["crm_id"] != who.key)
    duplicates = read(connection, _DUPLICATES, key=who.key, emails=emails)
    others = read(connection, _ADDRESSES_OF_OTHERS, key=who.key, emails=emails)
    not_own = {row["email"] for row in others}
    person = Person(
        crm_object=own.get("crm_object"),
        crm_id=who.key if who.is_record else None,
        matched_by=next((row["matched_by"] for row in matches), None),
        unmatched_reason=None if who.is_record else _unmatched_reason(matches, lost),
        owner_id=own.get("owner_id"),
        owner_name=own.get("user_name"),
        addresses=addresses,
        stand_ins=stand_ins,
        duplicates=tuple(Record(**row) for row in duplicates),
        wants_no_tracking=_wants_no_tracking(connection, record_ids),
        notes=who.notes,
    )
    keys = Keys(
        records=record_ids,
        own_emails=tuple(email for email in emails if email not in not_own),
        plain_emails=tuple(
            row["person_email"]
            for row in matches
            if row["person_email"] and row["crm_record_id"] is None
        ),
        enrolled=tuple(_enrolled(connection, matches)),
    )
    return person, keys


def _enrolled(connection: DuckDBPyConnection, matches: list[Row]) -> list[Row]:
    """Return the person's enrollments: address and record id together were matched (H1)."""
    matched = {(row["person_email"], row["crm_record_id"]) for row in matches}
    rows = read(
        connection,
        _ENROLLED,
        emails=sorted({email for email, _ in matched if email}),
        record_ids=sorted({record_id for _, record_id in matched if record_id}),
    )
    return [row for row in rows if (row["person_email"], row["crm_record_id"]) in matched]


def _addresses(
    connection: DuckDBPyConnection, who: Identity, matches: list[Row]
) -> tuple[Address, ...]:
    """Return each address once, as what it is to Salesforce if it is anything there."""
    found = {row["person_email"]: "enrolled" for row in matches if row["person_email"]}
    if not found and "@" in who.key:
        found[who.key] = "enrolled"
    # Several records of a person may have an address: one now, another earlier.
    in_crm = read(connection, _ADDRESSES, key=who.key)
    for how in ("earlier", "current"):
        found |= {row["email"]: how for row in in_crm if row["how"] == how}
    order = ["current", "earlier", "enrolled"]
    return tuple(
        Address(email, how)
        for email, how in sorted(found.items(), key=lambda each: (order.index(each[1]), each[0]))
    )


def _stand_in(row: Row) -> Record:
    how = "merged" if row["is_deleted"] else "converted"
    return Record(row["crm_object"], row["crm_id"], how, row["email"])


def _lost_records(
    connection: DuckDBPyConnection, who: Identity, matches: list[Row], emails: list[str]
) -> list[Row]:
    carried = {who.key, *(row["crm_record_id"] for row in matches if row["crm_record_id"])}
    return read(connection, _LOST_RECORDS, carried=sorted(carried), emails=emails)


def _wants_no_tracking(connection: DuckDBPyConnection, record_ids: tuple[str, ...]) -> bool:
    ((wants_none,),) = connection.execute(
        _WANTS_NO_TRACKING, {"records": list(record_ids)}
    ).fetchall()
    return bool(wants_none)


def _unmatched_reason(matches: list[Row], lost: list[Row]) -> str:
    reasons = (row["unmatched_reason"] for row in matches)
    lost_by = (row["unwritable_reason"] for row in lost)
    return next(reasons, None) or next(lost_by, None) or "in_no_sequence"
