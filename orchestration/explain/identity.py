"""Whom somebody asks for: an address, a record id or an enrollment id leads to one person."""

import re
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.explain.reading import Row, read

_RECORD_ID = re.compile(r"(003|00Q)[0-9A-Za-z]{12}([0-9A-Za-z]{3})?")
_SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

#: An address with one slip of the finger in so many letters may be what was meant.
_LETTERS_PER_SLIP = 8

_BY_ADDRESS = """
select stands_for_id as person_key, true as is_record, 1 as preference
from intermediate.int_crm__addresses
where email = $email and is_chosen
union all
select person_key, crm_id is not null as is_record, case when crm_id is null then 3 else 2 end
from intermediate.int_people__crm_matches
where person_email = $email
order by preference, person_key
"""

_RECORD = """
select crm_object, crm_id, is_deleted, is_converted, is_writable, stands_for_object, stands_for_id
from intermediate.int_crm__records
where crm_id = $crm_id
"""

#: Of a record that lost its addresses to others (H2): whose they are. One that an enrollment names
#: is somebody all the same.
_STANDS_BACK = """
select chosen.stands_for_object as crm_object, chosen.stands_for_id as crm_id, own.email
from intermediate.int_crm__addresses as own
inner join intermediate.int_crm__addresses as chosen on own.email = chosen.email
where
    own.crm_id = $crm_id and not own.is_chosen
    and chosen.is_chosen and chosen.stands_for_id != $crm_id
    and not exists (
        select 1 from intermediate.int_people__crm_matches where crm_id = $crm_id
    )
    and not exists (
        select 1 from intermediate.int_crm__addresses where stands_for_id = $crm_id and is_chosen
    )
order by own.is_current desc, own.email
limit 1
"""

_CARRIED = """
select distinct person_key, crm_id is not null as is_record
from intermediate.int_people__crm_matches
where crm_record_id = $crm_id
order by person_key
"""

_BY_ENROLLMENT = """
select matches.person_key, matches.crm_id is not null as is_record
from intermediate.int_enrollments__current as enrollments
inner join intermediate.int_people__crm_matches as matches
    on
        enrollments.person_email is not distinct from matches.person_email
        and enrollments.crm_record_id is not distinct from matches.crm_record_id
where enrollments.enrollment_id = $enrollment_id
"""

#: Somebody whom no sequence wrote to, and who is nobody in Salesforce, may have left traces.
_HAS_TRACES = """
select
    exists (
        select 1 from intermediate.int_events__attached
        where belongs_to_number = md5_number_lower($email)
    )
    or exists (select 1 from intermediate.int_replies__attributed where sender_email = $email)
"""

#: Slips are looked for on one side of the @, and the other must be the same: counting them in every
#: address would take seconds among hundreds of thousands.
_ALIKE_ADDRESSES = """
with

known as (

    select person_email as email from intermediate.int_people__crm_matches
    union all
    select email from intermediate.int_crm__addresses

),

near as materialized (

    select distinct email
    from known
    where
        abs(length(email) - length($email)) <= $slips
        and (ends_with(email, $domain) or starts_with(email, $local_part))

)

select email
from near
where damerau_levenshtein(email, $email) <= $slips
order by damerau_levenshtein(email, $email), email
limit 3
"""


class UnknownPersonError(LookupError):
    """Nobody is known by what was asked for; the message says what to try."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person: a record's id, or else the address (or the id that nobody knows) of somebody."""

    key: str
    is_record: bool
    notes: tuple[str, ...] = ()


def find_person(connection: DuckDBPyConnection, asked: str) -> Identity:
    """Return the one person that an address, a record id or an enrollment id leads to.

    Raises:
        UnknownPersonError: it leads to nobody.
    """
    asked = asked.strip()
    if "@" in asked:
        return _by_address(connection, asked.lower())
    if _RECORD_ID.fullmatch(asked):
        return _by_record(connection, record_id(asked))
    enrolled = read(connection, _BY_ENROLLMENT, enrollment_id=asked)
    if enrolled:
        return Identity(enrolled[0]["person_key"], enrolled[0]["is_record"])
    raise UnknownPersonError(
        f"{asked!r} is no enrollment that was loaded, and neither an email address nor the id of "
        f"a Contact (003…) or Lead (00Q…)."
    )


def record_id(text: str) -> str:
    """Return the 18 characters of a record id: the last three say which of 15 are upper case."""
    parts = (text[at : at + 5] for at in (0, 5, 10))
    numbers = (
        sum(1 << bit for bit, letter in enumerate(part) if "A" <= letter <= "Z") for part in parts
    )
    return text[:15] + "".join(_SUFFIX_LETTERS[number] for number in numbers)


def _by_address(connection: DuckDBPyConnection, email: str) -> Identity:
    found = read(connection, _BY_ADDRESS, email=email)
    if found:
        first = found[0]
        others = sorted({row["person_key"] for row in found} - {first["person_key"]})
        notes = tuple(
            f"Mail to {email} also counts for {other}, whose id its enrollment carries: "
            f"`touchline explain {other}`."
            for other in others
        )
        return Identity(first["person_key"], first["is_record"], notes)
    ((has_traces,),) = connection.execute(_HAS_TRACES, {"email": email}).fetchall()
    if has_traces:
        return Identity(email, is_record=False)
    slips = max(1, len(email) // _LETTERS_PER_SLIP)
    local_part, _, domain = email.rpartition("@")
    near = {"slips": slips, "local_part": f"{local_part}@", "domain": f"@{domain}"}
    alike = [row["email"] for row in read(connection, _ALIKE_ADDRESSES, email=email, **near)]
    advice = (
        f"Did you mean {' or '.join(alike)}?"
        if alike
        else "People who have no record in Salesforce are in marts.unmatched_people."
    )
    raise UnknownPersonError(f"Nobody with the address {email} is known. {advice}")


def _by_record(connection: DuckDBPyConnection, crm_id: str) -> Identity:
    known = read(connection, _RECORD, crm_id=crm_id)
    if not known:
        return _by_carried_id(connection, crm_id, "is in no Salesforce snapshot")
    (record,) = known
    if not record["is_writable"]:
        return _by_carried_id(connection, crm_id, "was deleted in Salesforce")
    if record["stands_for_id"] != crm_id:
        target = f"{record['stands_for_object']} {record['stands_for_id']}"
        fate = "was merged into" if record["is_deleted"] else "was converted to"
        note = f"{record['crm_object']} {crm_id} {fate} {target}."
        return Identity(record["stands_for_id"], is_record=True, notes=(note,))
    return _chosen_instead(record, read(connection, _STANDS_BACK, crm_id=crm_id))


def _chosen_instead(record: Row, found: list[Row]) -> Identity:
    if not found:
        return Identity(record["crm_id"], is_record=True)
    (chosen,) = found
    note = (
        f"{record['crm_object']} {record['crm_id']} is left alone: mail to {chosen['email']} "
        f"counts for {chosen['crm_object']} {chosen['crm_id']}, which was changed more recently."
    )
    return Identity(chosen["crm_id"], is_record=True, notes=(note,))


def _by_carried_id(connection: DuckDBPyConnection, crm_id: str, fate: str) -> Identity:
    """Find whom enrollments name by an id that is no record's any more, or never was."""
    carried = read(connection, _CARRIED, crm_id=crm_id)
    if not carried:
        raise UnknownPersonError(
            f"{crm_id} {fate}, and no enrollment names it. Ask by email address instead."
        )
    first, *others = carried
    notes = [f"{crm_id} {fate}; this is whom an enrollment with that id is about."]
    notes += [f"So is one of {other['person_key']}." for other in others]
    return Identity(first["person_key"], first["is_record"], tuple(notes))
