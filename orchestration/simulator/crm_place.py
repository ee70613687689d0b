"""Where a person stands in the Salesforce org: duplicates, conversions, merges, gaps (rule H)."""

from collections.abc import Callable
from random import Random

from orchestration.simulator.clock import DAY, HOUR
from orchestration.simulator.ids import CONTACT, INDIVIDUAL, LEAD, salesforce_id
from orchestration.simulator.person import CrmCase, Person
from orchestration.simulator.story import CrmPlace, Record
from orchestration.simulator.team import Team

_SLOTS = 4  # records that one person may have in an object
_NEIGHBOUR_SLOT = 3


class _Clerk:
    """Files records about one person, each modified later than the one before."""

    def __init__(self, person: Person, team: Team, rng: Random) -> None:
        self.person = person
        self.number = (person.index + 1) * _SLOTS
        self.filed: list[Record] = []
        self._created_at = team.start_at - int((1 + rng.random() * 700) * DAY)
        self._modified_at = team.start_at - int((1 + rng.random() * 30) * DAY)

    def file(self, kind: str, email: str | None) -> Record:
        """File a record of `kind` (Contact or Lead)."""
        prefix = CONTACT if kind == "Contact" else LEAD
        step = 3 * HOUR * len(self.filed)
        record = Record(
            kind,
            salesforce_id(prefix, self.number + len(self.filed)),
            email,
            min(self._created_at + step, self._modified_at),
            self._modified_at + step,
        )
        self.filed.append(record)
        return record

    def contact(self, email: str | None) -> Record:
        return self.file("Contact", email)

    def lead(self, email: str | None) -> Record:
        return self.file("Lead", email)

    def converted_lead(self, email: str, contact: Record) -> Record:
        """File a lead that became `contact`."""
        lead = self.lead(email)
        lead.converted_contact_id = contact.id
        lead.converted_at = lead.modified_at
        return lead

    def place(self, target: Record | None, *carried: str | None, reason: str = "") -> CrmPlace:
        """Return the place; enrollments carry `carried` in turn, or no record id at all."""
        return CrmPlace(
            self.filed,
            carried or (None,),
            (target.kind, target.id) if target else None,
            None if target else reason,
        )


def _contact_by_id(clerk: _Clerk) -> CrmPlace:
    contact = clerk.contact(clerk.person.email)
    return clerk.place(contact, contact.id)


def _contact_by_email(clerk: _Clerk) -> CrmPlace:
    return clerk.place(clerk.contact(clerk.person.email))


def _lead_by_id(clerk: _Clerk) -> CrmPlace:
    lead = clerk.lead(clerk.person.email)
    return clerk.place(lead, lead.id)


def _lead_by_email(clerk: _Clerk) -> CrmPlace:
    return clerk.place(clerk.lead(clerk.person.email))


def _typed_otherwise(clerk: _Clerk) -> CrmPlace:
    return clerk.place(clerk.contact(f" {clerk.person.email.upper()} "))


def _two_contacts(clerk: _Clerk) -> CrmPlace:
    clerk.contact(clerk.person.email)
    return clerk.place(clerk.contact(clerk.person.email.capitalize()))


def _two_contacts_older_by_id(clerk: _Clerk) -> CrmPlace:
    older = clerk.contact(clerk.person.email)
    clerk.contact(clerk.person.email)
    return clerk.place(older, older.id)


def _contact_and_newer_lead(clerk: _Clerk) -> CrmPlace:
    clerk.contact(clerk.person.email)
    return clerk.place(clerk.lead(clerk.person.email))


def _newer_contact_and_lead(clerk: _Clerk) -> CrmPlace:
    clerk.lead(clerk.person.email)
    return clerk.place(clerk.contact(clerk.person.email))


def _converted_by_id(clerk: _Clerk) -> CrmPlace:
    contact = clerk.contact(clerk.person.email)
    lead = clerk.converted_lead(clerk.person.email, contact)
    return clerk.place(contact, lead.id)


def _converted_by_email(clerk: _Clerk) -> CrmPlace:
    contact = clerk.contact(clerk.person.email)
    clerk.converted_lead(clerk.person.email, contact)
    return clerk.place(contact)


def _converted_other_email(clerk: _Clerk) -> CrmPlace:
    contact = clerk.contact(clerk.person.second_email)
    clerk.converted_lead(clerk.person.email, contact)
    return clerk.place(contact)


def _merged(clerk: _Clerk) -> CrmPlace:
    loser = clerk.contact(clerk.person.email)
    winner = clerk.contact(clerk.person.email)
    loser.is_deleted, loser.master_id = True, winner.id
    return clerk.place(winner, loser.id)


def _deleted_by_id(clerk: _Clerk) -> CrmPlace:
    contact = clerk.contact(clerk.person.email)
    contact.is_deleted = True
    return clerk.place(None, contact.id, reason="deleted_record")


def _deleted_by_email(clerk: _Clerk) -> CrmPlace:
    clerk.lead(clerk.person.email).is_deleted = True
    return clerk.place(None, reason="no_record")


def _no_email(clerk: _Clerk) -> CrmPlace:
    clerk.contact(None)
    return clerk.place(None, reason="no_record")


def _absent(clerk: _Clerk) -> CrmPlace:
    return clerk.place(None, reason="no_record")


def _two_addresses(clerk: _Clerk) -> CrmPlace:
    contact = clerk.contact(clerk.person.email)
    return clerk.place(contact, contact.id, contact.id)


def _lead_and_contact(clerk: _Clerk) -> CrmPlace:
    contact = clerk.contact(clerk.person.second_email)
    lead = clerk.converted_lead(clerk.person.email, contact)
    return clerk.place(contact, lead.id, None)


_CASES: dict[CrmCase, Callable[[_Clerk], CrmPlace]] = {
    CrmCase.CONTACT_BY_ID: _contact_by_id,
    CrmCase.CONTACT_BY_EMAIL: _contact_by_email,
    CrmCase.LEAD_BY_ID: _lead_by_id,
    CrmCase.LEAD_BY_EMAIL: _lead_by_email,
    CrmCase.TYPED_OTHERWISE: _typed_otherwise,
    CrmCase.TWO_CONTACTS: _two_contacts,
    CrmCase.TWO_CONTACTS_OLDER_BY_ID: _two_contacts_older_by_id,
    CrmCase.CONTACT_AND_NEWER_LEAD: _contact_and_newer_lead,
    CrmCase.NEWER_CONTACT_AND_LEAD: _newer_contact_and_lead,
    CrmCase.CONVERTED_BY_ID: _converted_by_id,
    CrmCase.CONVERTED_BY_EMAIL: _converted_by_email,
    CrmCase.CONVERTED_OTHER_EMAIL: _converted_other_email,
    CrmCase.MERGED: _merged,
    CrmCase.DELETED_BY_ID: _deleted_by_id,
    CrmCase.DELETED_BY_EMAIL: _deleted_by_email,
    CrmCase.NO_EMAIL: _no_email,
    CrmCase.ABSENT: _absent,
    CrmCase.TWO_ADDRESSES: _two_addresses,
    CrmCase.LEAD_AND_CONTACT: _lead_and_contact,
}
#: People with two addresses on one record: whose wish counts for which address is no case of ours.
_SHARED = frozenset({CrmCase.TWO_ADDRESSES, CrmCase.LEAD_AND_CONTACT})


def find_place(person: Person, team: Team, rng: Random) -> CrmPlace:
    """File the records of one person and say which of them the results belong to."""
    role = person.role
    clerk = _Clerk(person, team, rng)
    place = _CASES[role.crm](clerk)
    for record in place.records:
        if place.target != (record.kind, record.id):
            continue
        if role.opted_out_in_crm and role.crm not in _SHARED:
            record.is_opted_out = True
            place.opted_out_at = record.modified_at
        if role.has_tracking_opt_out and record.kind == "Contact":
            record.individual_id = salesforce_id(INDIVIDUAL, clerk.number)
        if role.is_filled_by_hand:
            record.first_sequence = "Cold calls 2025"
            record.stale_open_count = 1 + int(rng.random() * 9)
    if rng.random() < 0.08:
        _file_neighbour(place, clerk, rng)
    return place


def _file_neighbour(place: CrmPlace, clerk: _Clerk, rng: Random) -> None:
    """Add a record of a colleague who was never written to; now and then it has no email."""
    person = clerk.person
    kind, prefix = ("Contact", CONTACT) if rng.random() < 0.6 else ("Lead", LEAD)
    email = None if rng.random() < 0.5 else f"colleague{person.index}@{person.domain}"
    at = clerk.filed[0].created_at if clerk.filed else 0
    if not at:
        return
    place.records.append(
        Record(kind, salesforce_id(prefix, clerk.number + _NEIGHBOUR_SLOT), email, at, at + HOUR)
    )
