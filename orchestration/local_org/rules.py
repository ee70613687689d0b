"""What Salesforce derives by itself, and what it forbids, object by object."""

import sqlite3
from collections.abc import Callable, Iterable, MutableMapping

from orchestration.local_org.errors import RowError, unwritable
from orchestration.local_org.schema import SObject
from orchestration.local_org.store import quoted
from orchestration.local_org.validation import Draft
from orchestration.local_org.values import Stored

DRAFT = "5"
_NEW, _READ = "0", "1"

Row = MutableMapping[str, Stored]


def forbidden(sobject: SObject, current: Row, draft: Draft) -> RowError | None:
    """Say why this record may not be changed at all, or not in this way."""
    if current.get("IsDeleted"):
        return RowError("ENTITY_IS_DELETED", "entity is deleted")
    if current.get("IsConverted"):
        return RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    if sobject.name == "EmailMessage" and current["Status"] != DRAFT:
        return _sent_email(current, draft)
    return None


def derive(sobject: SObject, row: Row, now: str) -> dict[str, Stored]:
    """Return the derived fields of a record; `row` is the record as it will be after the write."""
    rule = _DERIVED.get(sobject.name)
    return rule(sobject, row, now) if rule else {}


def complete_seed(connection: sqlite3.Connection, sobject: SObject) -> None:
    """Derive in bulk what a seed leaves out; what it gives stays as given."""
    table = quoted(sobject.name)
    name = sobject.find("Name")
    if name and name.derived and sobject.find("LastName"):
        connection.execute(
            f"update {table} set Name = trim(coalesce(FirstName, '') || ' ' || "
            f"coalesce(LastName, '')) where Name is null"
        )
    for statement in _SEED_RULES.get(sobject.name, ()):
        connection.execute(statement)
    for field in sobject.fields:
        if isinstance(field.default, str):
            column = quoted(field.name)
            connection.execute(
                f"update {table} set {column} = ? where {column} is null", (field.default,)
            )


def _sent_email(current: Row, draft: Draft) -> RowError | None:
    # A sent message is history: only IsExternallyVisible and custom fields move, and New -> Read.
    is_reading = (current["Status"], draft.changes.get("Status")) == (_NEW, _READ)
    locked = [
        field.name
        for field in draft.fields
        if not field.is_custom
        and field.name != "IsExternallyVisible"
        and not (field.name == "Status" and is_reading)
    ]
    if not locked:
        return None
    return unwritable(locked)


def _person(_sobject: SObject, row: Row, _now: str) -> dict[str, Stored]:
    names = (row.get("FirstName"), row.get("LastName"))
    return {"Name": " ".join(str(each) for each in names if each)}


def _contact(sobject: SObject, row: Row, now: str) -> dict[str, Stored]:
    bounced = row.get("EmailBouncedReason") is not None
    return {**_person(sobject, row, now), "IsEmailBounced": int(bounced)}


def _task(_sobject: SObject, row: Row, now: str) -> dict[str, Stored]:
    closed = row.get("Status") == "Completed"
    completed = row.get("CompletedDateTime") or now if closed else None
    return {
        "IsClosed": int(closed),
        "IsHighPriority": int(row.get("Priority") == "High"),
        "CompletedDateTime": completed,
    }


def _email_message(_sobject: SObject, row: Row, _now: str) -> dict[str, Stored]:
    return {"Name": row.get("Subject")}


def _relation(_sobject: SObject, row: Row, _now: str) -> dict[str, Stored]:
    kinds = {"003": "Contact", "00Q": "Lead", "005": "User"}
    return {"RelationObjectType": kinds.get(str(row.get("RelationId"))[:3])}


def _member(sobject: SObject, row: Row, now: str) -> dict[str, Stored]:
    responded = row.get("Status") in sobject.responded_statuses
    first = row.get("FirstRespondedDate") or (now[:10] if responded else None)
    contact = row.get("ContactId")
    return {
        "HasResponded": int(responded),
        "FirstRespondedDate": first,
        "LeadOrContactId": contact or row.get("LeadId"),
        "Type": "Contact" if contact else "Lead",
    }


_DERIVED: dict[str, Callable[[SObject, Row, str], dict[str, Stored]]] = {
    "Contact": _contact,
    "Lead": _person,
    "User": _person,
    "Individual": _person,
    "Task": _task,
    "EmailMessage": _email_message,
    "EmailMessageRelation": _relation,
    "CampaignMember": _member,
}

_SEED_RULES: dict[str, tuple[str, ...]] = {
    "Contact": ("update Contact set IsEmailBounced = 1 where EmailBouncedReason is not null",),
    "Task": (
        "update Task set IsClosed = 1 where Status = 'Completed'",
        "update Task set IsHighPriority = 1 where Priority = 'High'",
    ),
    "EmailMessage": ("update EmailMessage set Name = Subject where Name is null",),
    "CampaignMember": (
        "update CampaignMember set LeadOrContactId = coalesce(ContactId, LeadId)",
        "update CampaignMember set Type = iif(ContactId is not null, 'Contact', 'Lead')",
        "update CampaignMember set HasResponded = 1 where Status = 'Responded'",
    ),
}


def check_new(connection: sqlite3.Connection, sobject: SObject, drafts: Iterable[Draft]) -> None:
    """Add the errors of rules that only bind new records of one object."""
    if sobject.name != "CampaignMember":
        return
    taken: set[tuple[Stored, Stored]] = set()
    for draft in (each for each in drafts if not each.errors):
        person = draft.changes.get("ContactId") or draft.changes.get("LeadId")
        if person is None:
            message = "Required fields are missing: [LeadId, ContactId]"
            draft.errors.append(
                RowError("REQUIRED_FIELD_MISSING", message, ("LeadId", "ContactId"))
            )
            continue
        key = (draft.changes["CampaignId"], person)
        known = connection.execute(
            "select 1 from CampaignMember "
            "where CampaignId = ? and LeadOrContactId = ? and IsDeleted = 0",
            key,
        ).fetchone()
        if known or key in taken:
            draft.errors.append(RowError("DUPLICATE_VALUE", "Already a campaign member."))
        taken.add(key)
