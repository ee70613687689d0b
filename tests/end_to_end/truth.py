"""Comparing the marts with what the simulator knows really happened."""

from pathlib import Path
from typing import Any

from tests.end_to_end.team import Team

_MESSAGES = """
select coalesce(truth.message_id, marts.message_id) as message
from {truth} as truth
full join (select * from marts.messages where origin = 'sequence') as marts
    on truth.message_id = marts.message_id
where
    -- D9: of whoever wants no tracking, nothing is told.
    case
        when truth.has_tracking_opt_out then (0, 0, 0, 0, null)
        else (truth.open_count, truth.click_count, truth.human_click_count,
            truth.recorded_human_opens, truth.clicked_at)
    end
    is distinct from
    (marts.open_count, marts.click_count, marts.human_click_count, marts.human_open_count,
        marts.clicked_at)
"""

_REPLIES = """
select coalesce(truth.message_id, marts.reply_key) as reply
from {truth} as truth
full join marts.replies as marts on truth.message_id = marts.reply_key
where
    (truth.match, truth.enrollment_id, truth.is_automated, truth.received_at, truth.mailbox)
    is distinct from
    (marts.match, marts.enrollment_id, marts.is_automated, marts.received_at, marts.mailbox)
    or (
        marts.match in ('in_thread', 'probable')
        and truth.sequence_message_id is distinct from marts.message_key
    )
"""

_ENROLLMENTS = """
select coalesce(truth.enrollment_id, marts.enrollment_id) as enrollment
from {truth} as truth
full join marts.enrollments as marts on truth.enrollment_id = marts.enrollment_id
where truth.status is distinct from marts.status
"""

_RECORDS = """
select coalesce(truth.crm_id, marts.crm_id) as record
from {truth} as truth
full join marts.people as marts on truth.crm_id = marts.crm_id
where
    case
        when not truth.has_tracking_opt_out
            then (truth.open_count, truth.recorded_human_opens, truth.click_count,
                truth.human_click_count, truth.clicked_at)
    end
    is distinct from
    case
        when coalesce(marts.open_count, marts.human_open_count, marts.click_count,
            marts.human_click_count) is not null
            then (marts.open_count, marts.human_open_count, marts.click_count,
                marts.human_click_count, marts.clicked_at)
    end
    or (truth.crm_object, truth.message_count, truth.is_replied,
        truth.last_reply_at, truth.sequence_status, truth.most_recent_sequence,
        truth.most_recent_step_at)
    is distinct from
    (marts.crm_object, marts.message_count, marts.is_replied,
        marts.last_reply_at, marts.most_recent_status, marts.most_recent_sequence,
        marts.most_recent_step_at)
"""

_UNMATCHED = """
select coalesce(truth.person_email, marts.person_email) as person
from (select distinct person_email from {truth} where crm_id is null) as truth
full join (select distinct person_email from marts.unmatched_people) as marts
    on truth.person_email = marts.person_email
where truth.person_email is null or marts.person_email is null
"""

_COLUMNS = {
    "messages": "message_id varchar, has_tracking_opt_out boolean, open_count bigint, "
    "click_count bigint, human_click_count bigint, recorded_human_opens bigint, "
    "clicked_at timestamp",
    "replies": "message_id varchar, mailbox varchar, match varchar, enrollment_id varchar, "
    "sequence_message_id varchar, is_automated boolean, received_at timestamp",
    "enrollments": "enrollment_id varchar, status varchar",
    "records": "crm_object varchar, has_tracking_opt_out boolean, crm_id varchar, "
    "message_count bigint, open_count bigint, "
    "recorded_human_opens bigint, click_count bigint, human_click_count bigint, "
    "clicked_at timestamp, is_replied boolean, last_reply_at timestamp, "
    "sequence_status varchar, most_recent_sequence varchar, most_recent_step_at timestamp",
    "people": "person_email varchar, crm_id varchar",
}

_COMPARISONS = {
    "messages": _MESSAGES,
    "replies": _REPLIES,
    "enrollments": _ENROLLMENTS,
    "records": _RECORDS,
    "people": _UNMATCHED,
}


def disagreements(team: Team, truth: Path) -> dict[str, list[Any]]:
    """Return, per file of the truth, the keys of all rows on which marts and truth differ."""
    return {
        name: [
            row[0] for row in team.query(sql.format(truth=_read(truth / f"{name}.ndjson", name)))
        ]
        for name, sql in _COMPARISONS.items()
    }


def _read(file: Path, name: str) -> str:
    columns = (column.split() for column in _COLUMNS[name].split(", "))
    declared = ", ".join(f"'{column}': '{kind}'" for column, kind in columns)
    return f"read_json('{file}', format = 'newline_delimited', columns = {{{declared}}})"


#: What perfect agreement looks like.
NONE: dict[str, list[Any]] = {name: [] for name in _COMPARISONS}
