"""The Salesforce org to match: users, and the contacts and leads of the people's stories."""

from collections import Counter, defaultdict

import orjson

from orchestration.simulator.clock import DAY, day_name, salesforce_time
from orchestration.simulator.ids import salesforce_id
from orchestration.simulator.json_text import flag, text
from orchestration.simulator.person import Person
from orchestration.simulator.story import Record, Story
from orchestration.simulator.team import MAIL_DOMAIN, Team

_SOURCES = ("Web", "Partner Referral", "Purchased List", "Phone Inquiry", "Other")
_PROFILE_ID = salesforce_id("00e", 1)


class OrgSeed:
    """The org's records about one part of the team's people, by object."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self._lines: dict[str, list[str]] = defaultdict(list)
        self.counts: Counter[str] = Counter()

    def add(self, story: Story) -> None:
        """File one person's records."""
        owner_id = self._team.owner_id(story.enrollments[0].mailbox)
        for record in story.crm.records:
            self._lines[record.kind].append(_record(record, story.person, owner_id, self._team))
            if record.individual_id:
                self._lines["Individual"].append(_individual(record, story.person, owner_id))

    def close(self) -> dict[str, bytes]:
        """Return the lines per file of the org folder."""
        for kind, lines in self._lines.items():
            self.counts[kind] += len(lines)
        return {
            f"org/{kind}.ndjson": "\n".join([*lines, ""]).encode()
            for kind, lines in self._lines.items()
        }


def users(team: Team) -> bytes:
    """Return the users: an administrator, and the owner of every mailbox that has one."""
    rows = [_user(team, team.admin_id, "Casey", "Admin", f"admin@{MAIL_DOMAIN}")]
    rows += [
        _user(team, mailbox.user_id, mailbox.first, mailbox.last, mailbox.email)
        for mailbox in team.mailboxes
        if mailbox.user_id
    ]
    return b"".join(rows)


def _user(team: Team, user_id: str, first: str, last: str, email: str) -> bytes:
    made_at = salesforce_time(team.start_at - 800 * DAY)
    return orjson.dumps(
        {
            "Id": user_id,
            "Username": f"{email}.org",
            "FirstName": first,
            "LastName": last,
            "Name": f"{first} {last}",
            "Email": email,
            "Alias": f"{first[0]}{last}".lower()[:8],
            "CommunityNickname": f"{first}.{last}".lower(),
            "IsActive": True,
            "TimeZoneSidKey": "GMT",
            "LocaleSidKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
            "ProfileId": _PROFILE_ID,
            "UserType": "Standard",
            "CreatedDate": made_at,
            "CreatedById": team.admin_id,
            "LastModifiedDate": made_at,
            "LastModifiedById": team.admin_id,
            "SystemModstamp": made_at,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _stamps(created_at: int, modified_at: int, creator_id: str, owner_id: str) -> str:
    modified = salesforce_time(modified_at)
    return (
        f'"OwnerId":"{owner_id}","CreatedDate":"{salesforce_time(created_at)}",'
        f'"CreatedById":"{creator_id}","LastModifiedDate":"{modified}",'
        f'"LastModifiedById":"{owner_id}","SystemModstamp":"{modified}"'
    )


def _record(record: Record, person: Person, owner_id: str, team: Team) -> str:
    """Return a Contact or Lead as one line of JSON."""
    extra = ""
    if record.kind == "Lead":
        status = "Closed - Converted" if record.converted_at else "Working - Contacted"
        converted_on = day_name(record.converted_at) if record.converted_at else None
        extra = (
            f'"Company":"{person.company}","Status":"{status}",'
            f'"IsConverted":{flag(record.converted_at is not None)},'
            f'"ConvertedContactId":{text(record.converted_contact_id)},'
            f'"ConvertedDate":{text(converted_on)},'
        )
    if record.individual_id:
        extra += f'"IndividualId":"{record.individual_id}",'
    if record.first_sequence:
        extra += f'"Touchline_First_Sequence__c":"{record.first_sequence}",'
    if record.stale_open_count:
        extra += f'"Touchline_Open_Count__c":{record.stale_open_count},'
    stamps = _stamps(record.created_at, record.modified_at, team.admin_id, owner_id)
    return (
        f'{{"Id":"{record.id}","IsDeleted":{flag(record.is_deleted)},'
        f'"MasterRecordId":{text(record.master_id)},"FirstName":"{person.first}",'
        f'"LastName":"{person.last}","Name":"{person.name}","Email":{text(record.email)},'
        f'"Title":"{person.title}","LeadSource":"{_SOURCES[person.index % len(_SOURCES)]}",'
        f'"HasOptedOutOfEmail":{flag(record.is_opted_out)},{extra}{stamps}}}'
    )


def _individual(record: Record, person: Person, owner_id: str) -> str:
    stamps = _stamps(record.created_at, record.modified_at, owner_id, owner_id)
    return (
        f'{{"Id":"{record.individual_id}","FirstName":"{person.first}",'
        f'"LastName":"{person.last}","Name":"{person.name}","HasOptedOutTracking":true,'
        f'"IsDeleted":false,{stamps}}}'
    )
