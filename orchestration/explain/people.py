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
union all
select person_email, 'enrolled'
from intermediate.int_people__crm_matches
where person_key = $key and person_email is not null
"""

_MATCHES = """
select person_email, crm_record_id, matched_by, unmatched_reason
from intermediate.int_people__crm_matches
where person_key = $key
order by matched_by nulls last, unmatched_reason
"""

_OWN_RECORD = """
select records.crm_object, records.owner_id, users.user_name
from intermediate.int_crm__records as records
left join intermediate.int_crm__users as users on records.owner_id = users.user_id
where records.crm_id = $key
"""

_STAND_INS = """
select
    crm_object, crm_id, case when is_deleted then 'merged' else 'converted' end as how, email
from intermediate.int_crm__records
where stands_for_id = $key and crm_id != $key
order by crm_object, crm_id
"""

#: H2: other records with one of the addresses.
_DUPLICATES = """
select distinct
    records.crm_object, records.crm_id, 'duplicate' as how, addresses.email
from intermediate.int_crm__addresses as addresses
inner join intermediate.int_crm__records as records on addresses.crm_id = records.crm_id
where
    addresses.email in (select unnest($emails::varchar[]))
    and not addresses.is_chosen
    and addresses.stands_for_id != $key
order by records.crm_object, records.crm_id
"""

_WANTS_NO_TRACKING = """
select count(*) > 0 as wants_none
from intermediate.int_people__tracking_opt_outs
where crm_id = $key
"""

_CANDIDATES = few(
    "intermediate.int_enrollments__current",
    "person_email in (select unnest($emails::varchar[])) "
    "or crm_record_id in (select unnest($record_ids::varchar[]))",
)

#: An enrollment names its person by address and record id; both together were matched.
_ENROLLED = f"""
select
    enrollments.enrollment_id, enrollments.sequence_name, enrollments.person_email,
    enrollments.mailbox, enrollments.created_at as enrolled_at, enrollments.source_place
from {_CANDIDATES} as enrollments
inner join intermediate.int_people__crm_matches as matches
    on
        enrollments.person_email is not distinct from matches.person_email
        and enrollments.crm_record_id is not distinct from matches.crm_record_id
where matches.person_key = $key
order by enrollments.created_at, enrollments.enrollment_id
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """By what a person's rows are found: records (stand-ins too), addresses, enrollments.

    `plain_emails` are those that mail by hand is matched by: it carries no record id. `enrolled`
    are the enrollments' own rows.
    """

    records: tuple[str, ...]
    emails: tuple[str, ...]
    plain_emails: tuple[str, ...]
    enrolled: tuple[Row, ...]

    @property
    def enrollments(self) -> list[str]:
        """The enrollments' ids."""
        return [row["enrollment_id"] for row in self.enrolled]


def describe(connection: DuckDBPyConnection, who: Identity) -> tuple[Person, Keys]:
    """Return who somebody is, and the keys of what belongs to them."""
    matches = read(connection, _MATCHES, key=who.key)
    addresses = _addresses(connection, who)
    emails = [address.email for address in addresses]
    own = read(connection, _OWN_RECORD, key=who.key) if who.is_record else []
    stand_ins = _records(read(connection, _STAND_INS, key=who.key)) if who.is_record else ()
    person = Person(
        crm_object=own[0]["crm_object"] if own else None,
        crm_id=who.key if who.is_record else None,
        matched_by=next((row["matched_by"] for row in matches), None),
        unmatched_reason=None if who.is_record else _unmatched_reason(matches),
        owner_id=own[0]["owner_id"] if own else None,
        owner_name=own[0]["user_name"] if own else None,
        addresses=addresses,
        stand_ins=stand_ins,
        duplicates=_records(read(connection, _DUPLICATES, key=who.key, emails=emails)),
        wants_no_tracking=read(connection, _WANTS_NO_TRACKING, key=who.key)[0]["wants_none"],
        notes=who.notes,
    )
    enrolled = read(
        connection,
        _ENROLLED,
        key=who.key,
        emails=emails,
        record_ids=[row["crm_record_id"] for row in matches if row["crm_record_id"]],
    )
    keys = Keys(
        records=(who.key, *(record.crm_id for record in stand_ins)) if who.is_record else (),
        emails=tuple(emails),
        plain_emails=tuple(
            row["person_email"]
            for row in matches
            if row["person_email"] and row["crm_record_id"] is None
        ),
        enrolled=tuple(enrolled),
    )
    return person, keys


def _addresses(connection: DuckDBPyConnection, who: Identity) -> tuple[Address, ...]:
    """Return each address once, as what it is to Salesforce if it is anything there."""
    found: dict[str, str] = {}
    for row in read(connection, _ADDRESSES, key=who.key):
        if found.get(row["email"], "enrolled") == "enrolled" or row["how"] == "current":
            found[row["email"]] = row["how"]
    if not found and "@" in who.key:
        found[who.key] = "enrolled"
    order = ["current", "earlier", "enrolled"]
    return tuple(
        Address(email, how)
        for email, how in sorted(found.items(), key=lambda each: (order.index(each[1]), each[0]))
    )


def _unmatched_reason(matches: list[Row]) -> str:
    return next((row["unmatched_reason"] for row in matches), None) or "in_no_sequence"


def _records(rows: list[Row]) -> tuple[Record, ...]:
    return tuple(Record(**row) for row in rows)
