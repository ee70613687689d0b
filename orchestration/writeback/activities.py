"""Planning activities: mail as EmailMessage or Task, whom it concerns, follow-up tasks (J2-J4)."""

from duckdb import DuckDBPyConnection

from orchestration.writeback import email_messages, email_relations, tasks
from orchestration.writeback.creations import may_create
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.snapshot_sql import (
    active_users,
    current,
    is_settled,
    made,
    people,
    why_settled,
)

#: All that Salesforce has of the objects that mail may be logged as. One mail is one of them.
_RECORDS = """
create or replace temp table mail_records as
select 'EmailMessage' as object, * from ({messages})
union all
select 'Task', *, null, null, null, null from ({tasks})
"""

#: Mail that is not logged yet, or whose record was deleted: `problem` says why it stays so.
_UNLOGGED = """
create or replace temp table unlogged_mail as
with

ours as (

    select key, arg_min(record_id, is_deleted) as record_id, bool_and(is_deleted) as is_deleted
    from mail_records
    where key is not null
    group by key

),

others as (

    select trim(message_id, '<> ') as message_id, min(record_id) as record_id
    from mail_records
    where object = 'EmailMessage' and key is null and message_id is not null and not is_deleted
    group by trim(message_id, '<> ')

),

made as ({made}),

people as ({people}),

users as ({users})

-- The models keep a text as Salesforce does, so its length is that of what will be there.
select
    activities.* exclude (body),
    length(activities.body) as body_length,
    md5(activities.body) as body_hash,
    activities.activity_key as external_key,
    people.account_id,
    users.record_id as active_owner_id,
    'Salesforce lacks this mail of ' || strftime(message_date, '%Y-%m-%d %H:%M UTC') as reason,
    case
        when {is_settled} then 'kept'
        when others.message_id is not null then 'unchanged'
        when people.record_id is null then 'stale'
        else people.problem
    end as problem,
    case
        when {is_settled} then {why_settled}
        when others.message_id is not null
            then 'somebody else logged this mail as ' || others.record_id
        when people.record_id is null then activities.crm_id || ' is not in the snapshot'
        else people.problem_reason
    end as problem_reason
from crm.activities as activities
left join ours on ours.key = activities.activity_key
left join others on others.message_id = activities.message_id
left join made on made.external_key = activities.activity_key
left join people on people.record_id = activities.crm_id
left join users on users.record_id = activities.owner_id
where ours.key is null or ours.is_deleted
"""


def plan_activities(connection: DuckDBPyConnection, context: PlanContext) -> None:
    """List what is to be logged and kept current, once for all: each has an external key."""
    homes = _homes(context)
    if homes:
        _remember_mail(connection, context)
    if "EmailMessage" in homes:
        email_messages.plan_email_messages(connection, context)
        email_relations.plan_email_relations(connection, context)
    if "Task" in homes:
        tasks.plan_mail_tasks(connection, context, takes_all="EmailMessage" not in homes)
    if homes:
        connection.execute("drop table unlogged_mail")
        connection.execute("drop table mail_records")
    tasks.plan_follow_ups(connection, context)


def _homes(context: PlanContext) -> list[str]:
    """Return the objects that mail is logged as; a note says where that is not as configured."""
    section = context.sections.activities
    if section.log == "off":
        return []
    homes = []
    email_message = context.schemas.get("EmailMessage")
    if section.log == "email_message":
        if email_message is None or not email_message.is_createable:
            context.notes.append("No Enhanced Email in this org: mail is logged as tasks.")
        elif may_create(email_message, section.key_field):
            homes.append("EmailMessage")
        else:
            context.notes.append(_no_key("EmailMessage", section.key_field, "no mail"))
            return []
    if may_create(context.schemas.get("Task"), section.key_field):
        homes.append("Task")
    else:
        context.notes.append(_no_key("Task", section.key_field, "no mail as a task"))
    return homes


def _no_key(object_name: str, field: str, what: str) -> str:
    return (
        f"{object_name}.{field} is missing or cannot be set, so {what} is logged: "
        f"`touchline doctor` says how to mend it."
    )


def _remember_mail(connection: DuckDBPyConnection, context: PlanContext) -> None:
    section = context.sections.activities
    columns = {
        "key": section.key_field,
        "message_id": "MessageIdentifier",
        "open_count": section.open_count,
        "click_count": section.click_count,
        "clicked_at": section.clicked_at,
    }
    connection.execute(
        _RECORDS.format(
            messages=current("EmailMessage", columns),
            tasks=current("Task", {"key": section.key_field}),
        )
    )
    connection.execute(
        _UNLOGGED.format(
            made=made("EmailMessage", "Task"),
            people=people("select crm_id from crm.activities"),
            users=active_users(),
            is_settled=is_settled("ours.record_id"),
            why_settled=why_settled("ours.record_id"),
        )
    )
