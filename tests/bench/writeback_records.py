"""Who and what the org of `make chaos-writeback` holds, and what the models say of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.landing.tables import create_raw_tables
from orchestration.local_org import identifiers
from orchestration.warehouse import Warehouse
from tests.crm.live_org import SEED, STAMP, USER
from tests.writeback.activity_scene import KEY, Scene
from tests.writeback.stage import Stage

CONTACTS, LEADS, TASKS, MAILS, MEMBERS = 20, 10, 8, 6, 4

#: Records of each kind that no plan is about: they stay as they are, down to their stamps.
OTHERS = 3

CAMPAIGN = "701000000000001AAA"

#: Somebody has deleted this follow-up: it is not made again.
DELETED_TASK = "follow-up deleted"

_STAMPS: Mapping[str, Any] = {
    **dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), STAMP),
    **dict.fromkeys(("CreatedById", "LastModifiedById"), USER),
}


def write_seed(folder: Path) -> None:
    """Write the org's records as a seed."""
    folder.mkdir()
    for name, records in _records().items():
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.ndjson").write_text(lines, encoding="utf-8")


def compute(warehouse: Warehouse) -> None:
    """Put into the models' place what they would compute: something of each that is written."""
    with warehouse.connect() as connection:
        create_raw_tables(connection)
    Stage(warehouse).metrics(
        contacts=[
            {"crm_id": _contact(n), "open_count": n + 1, "first_sequence": f"Spring, {n}"}
            for n in range(CONTACTS)
        ],
        leads=[{"crm_id": _lead(n), "click_count": n + 1} for n in range(LEADS)],
    )
    scene = Scene(warehouse, is_live=True)
    scene.computed("crm.activities", *map(_mail, range(MAILS)))
    follow_ups = [
        {"task_key": f"follow-up {n}", "crm_id": _contact(n), "owner_id": USER}
        for n in range(TASKS)
    ]
    deleted = {"task_key": DELETED_TASK, "crm_id": _contact(0), "owner_id": USER}
    scene.computed("crm.tasks", *follow_ups, deleted)
    scene.computed("crm.campaign_members", *_members())


def _records() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    contact, lead = SEED["Contact"][0], SEED["Lead"][0]
    people = [
        {**contact, "Id": _contact(n), "LastName": f"C{n}", "Email": f"c{n}@x.example"}
        for n in range(CONTACTS + OTHERS)
    ]
    for n in range(0, CONTACTS, 2):
        people[n] |= {"Touchline_Open_Count__c": 90 + n}
    people[-1] |= {"IsDeleted": True}
    campaign = {**_STAMPS, "Id": CAMPAIGN, "Name": "Warm introduction", "OwnerId": USER}
    return {
        "User": [dict(each) for each in SEED["User"]],
        "Contact": people,
        "Lead": [
            {**lead, "Id": _lead(n), "LastName": f"L{n}", "Email": f"l{n}@x.example"}
            for n in range(LEADS + OTHERS)
        ],
        "Campaign": [campaign],
        "CampaignMember": [
            {
                **_STAMPS,
                "Id": _id("00v", n),
                "CampaignId": CAMPAIGN,
                "ContactId": _contact(n),
                "Status": "Sent",
            }
            for n in (*range(MEMBERS), CONTACTS)
        ],
        "Task": [
            _task(0, "By hand", IsDeleted=False),
            _task(1, "Deleted by hand", IsDeleted=True),
            _task(2, "Answer: Hello", IsDeleted=True, **{KEY: DELETED_TASK}),
        ],
        "EmailMessage": [{**_STAMPS, "Id": _id("02s", 0), "Subject": "By hand", "Status": "3"}],
        "EmailMessageRelation": [
            {
                **_STAMPS,
                "Id": _id("0J4", 0),
                "EmailMessageId": _id("02s", 0),
                "RelationId": _contact(0),
                "RelationType": "ToAddress",
            }
        ],
    }


def _task(number: int, subject: str, **more: Any) -> dict[str, Any]:
    plain = {**_STAMPS, "Id": _id("00T", number), "WhoId": _contact(0), "OwnerId": USER}
    return {**plain, "Subject": subject, "Status": "Not Started", **more}


def _mail(number: int) -> dict[str, Any]:
    """Return a mail of the models; those of nobody's mailbox have one relation, the others two."""
    return {
        "activity_key": f"sent m{number}",
        "crm_id": _contact(number),
        "owner_id": USER if number % 2 else None,
        "subject": f"Hello {number}",
        "body": f"Dear C{number}, what was it?",
        "to_address": f"c{number}@x.example",
        "message_id": f"m{number}@us.example",
    }


def _members() -> Iterator[dict[str, Any]]:
    """Yield those that came further, and as many that are to be added."""
    for n in range(2 * MEMBERS):
        person = _contact(n)
        yield {
            "member_key": f"member {CAMPAIGN} {person}",
            "campaign_id": CAMPAIGN,
            "crm_id": person,
            "status": "Clicked",
        }


def _contact(number: int) -> str:
    return _id("003", number)


def _lead(number: int) -> str:
    return _id("00Q", number)


def _id(prefix: str, number: int) -> str:
    short = f"{prefix}000000000{number:03}"
    return short + identifiers.suffix(short)
