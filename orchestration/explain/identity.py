"""Whom somebody asks for: an address, a record id or an enrollment id leads to one person."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.explain import words
from orchestration.explain.reading import Row, few, read

_RECORD_ID = re.compile(r"(003|00Q)[0-9A-Za-z]{12}([0-9A-Za-z]{3})?")
_SUFFIX_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

#: An address with one slip of the finger in so many letters may be what was meant.
_LETTERS_PER_SLIP = 8

_PLAIN_MAIL = few(
    "intermediate.int_messages__outbound", "belongs_to_number = md5_number_lower($email)"
)

#: Several people may have an address. First is who got mail by it: the record that the address
#: counts for (H2) of mail by hand, else whom an enrollment names by its record id (H1). A message
#: of a sequence is its enrollment's, so that alone makes nobody of the bare address.
_BY_ADDRESS = f"""
with

people as (

    select
        person_key, crm_id, crm_record_id,
        exists (
            select 1
            from intermediate.int_enrollments__current as enrollments
            where
                enrollments.person_email = matches.person_email
                and enrollments.crm_record_id is not distinct from matches.crm_record_id
        )
        or crm_record_id is null and exists (
            select 1 from {_PLAIN_MAIL} as mail where mail.recipient_email = matches.person_email
        ) as has_mail
    from intermediate.int_people__crm_matches as matches
    where person_email = $email
    union all
    select stands_for_id, stands_for_id, null, false
    from intermediate.int_crm__addresses
    where email = $email and is_chosen

)

select
    person_key,
    bool_or(crm_id is not null) as is_record,
    bool_or(has_mail) as has_mail,
    coalesce(max(crm_id), max(trim(crm_record_id))) as asked_by
from people
group by person_key
order by has_mail desc, bool_or(crm_record_id is null) desc, is_record desc, person_key
"""

_RECORD = """
select
    crm_object, crm_id, is_deleted, is_converted, unwritable_reason, stands_for_object,
    stands_for_id
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

#: An id has 15 characters that count (`int_people__crm_matches`).
_CARRIED = """
select distinct person_key, crm_id is not null as is_record
from intermediate.int_people__crm_matches
where left(trim(crm_record_id), 15) = left($crm_id, 15)
order by person_key
"""

#: H3: whom mail to an address of a lost record went to, where nobody else has the address.
_MAILED = """
select distinct person_key
from intermediate.int_people__crm_matches
where
    crm_record_id is null and crm_id is null
    and person_email in (
        select email from intermediate.int_crm__record_versions where crm_id = $crm_id
    )
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

#: Somebody whom no sequence wrote to, and who is nobody in Salesforce any more, may have left
#: traces.
_HAS_TRACES = """
select
    exists (
        select 1 from intermediate.int_events__attached
        where belongs_to_number = md5_number_lower($email)
    )
    or exists (select 1 from intermediate.int_replies__attributed where sender_email = $email)
    or exists (
        select 1
        from intermediate.int_crm__record_versions as versions
        inner join intermediate.int_crm__records as records on versions.crm_id = records.crm_id
        where versions.email = $email and not records.is_writable
    )
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
    """A person: a record's id, or else the address of somebody, or the id of a lost record.

    Without either, it is the id that an enrollment carries and nobody knows.
    """

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
        first, *others = found
        notes = tuple(note for other in others for note in _shared_with(email, other))
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


def _shared_with(email: str, other: Row) -> Iterator[str]:
    """Say that an address is somebody else's too, if they can be asked for by another name."""
    name = other["asked_by"]
    if name and other["has_mail"]:
        yield (
            f"Mail to {email} also counts for {name}, whose id its enrollment carries: "
            f"`touchline explain {name}`."
        )
    elif name:
        yield (
            f"{email} is also an address of {name}, whom no mail to it counts for: "
            f"`touchline explain {name}`."
        )


def _by_record(connection: DuckDBPyConnection, crm_id: str) -> Identity:
    known = read(connection, _RECORD, crm_id=crm_id)
    if not known:
        found = _by_carried_id(connection, crm_id, "is in no Salesforce snapshot")
        if found is None:
            raise UnknownPersonError(
                f"{crm_id} is in no Salesforce snapshot, and no enrollment names it. Ask by email "
                f"address instead."
            )
        return found
    (record,) = known
    if record["unwritable_reason"]:
        return _by_lost_record(connection, crm_id, record["unwritable_reason"])
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


def _by_lost_record(connection: DuckDBPyConnection, crm_id: str, reason: str) -> Identity:
    """Find who a record was that is not written to any more (H3); it may be all that is left."""
    fate = f"is not written to ({words.unmatched(reason)})"
    carried = _by_carried_id(connection, crm_id, fate)
    if carried:
        return carried
    mailed = read(connection, _MAILED, crm_id=crm_id)
    if mailed:
        note = f"{crm_id} {fate}; this is whom mail to its address went to."
        return Identity(mailed[0]["person_key"], is_record=False, notes=(note,))
    return Identity(crm_id, is_record=False)


def _by_carried_id(connection: DuckDBPyConnection, crm_id: str, fate: str) -> Identity | None:
    """Find whom enrollments name by an id that is no record's any more, or never was."""
    carried = read(connection, _CARRIED, crm_id=crm_id)
    if not carried:
        return None
    first, *others = carried
    notes = [f"{crm_id} {fate}; this is whom an enrollment with that id is about."]
    notes += [f"So is one of {other['person_key']}." for other in others]
    return Identity(first["person_key"], first["is_record"], tuple(notes))
