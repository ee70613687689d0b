"""Planning Tasks: mail that is logged as such, and follow-ups, opened and completed (J2, J4)."""

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.creations import Value, as_cell, may_create, plan_creations
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.snapshot_sql import (
    active_users,
    current,
    is_settled,
    made,
    people,
    why_settled,
)
from orchestration.writeback.standing_refusals import block_refused

#: What is written to the picklists of a Task, which the org has to have.
DONE, NOT_STARTED, MAIL_SUBTYPE = "Completed", "Not Started", "Email"

#: How the keys begin, by kind (`crm.tasks`); mail that is logged as a task has other keys.
_KEYS = {"reply": "follow-up", "manual_step": "step", "audience": "audience"}

_OURS = """
create or replace temp table our_tasks as
select
    key, arg_min(record_id, is_deleted) as record_id, bool_and(is_deleted) as is_deleted,
    arg_min(status, is_deleted) as status,
    coalesce(arg_min(is_closed, is_deleted) = 'true', false) as is_closed
from ({records})
where key is not null
group by key
"""

_FOLLOW_UPS = """
create or replace temp table follow_ups as
with

made as ({made}),

people as ({people}),

users as ({users})

select
    tasks.*,
    tasks.task_key as external_key,
    users.record_id as active_owner_id,
    ours.record_id, ours.is_deleted, ours.status as their_status, ours.is_closed,
    'Salesforce lacks this task' as reason,
    case
        when {is_settled} then 'kept'
        when people.record_id is null then 'stale'
        else people.problem
    end as problem,
    case
        when {is_settled} then {why_settled}
        when people.record_id is null then tasks.crm_id || ' is not in the snapshot'
        else people.problem_reason
    end as problem_reason
from crm.tasks as tasks
left join our_tasks as ours on ours.key = tasks.task_key
left join made on made.external_key = tasks.task_key
left join people on people.record_id = tasks.crm_id
left join users on users.record_id = tasks.owner_id
where tasks.kind in (select unnest($kinds::varchar[]))
"""

#: A task that is done from the start, or for a reply of long ago, is none: whoever begins would log
#: history.
_NEW = f"""
select * from follow_ups
where status <> '{DONE}' and is_recent and (record_id is null or is_deleted)
"""

#: Nobody's task is opened again, and whoever closed one has had a reason. A task of ours that the
#: models do not know any more has lost its reason: a late fact, or a lead that became a contact.
_COMPLETED = f"""
insert into writeback.changes
    (plan_id, object, record_id, external_key, field, old_value, new_value, policy, decision,
    reason)
with changed as (

    select
        record_id, external_key, their_status, status, is_closed,
        'closed by ' || coalesce(replace(closed_by, '_', ' '), 'Touchline') as reason
    from follow_ups
    where record_id is not null and not is_deleted and (status = '{DONE}') <> is_closed

    union all

    select record_id, key, status, '{DONE}', false, 'closed: what it was opened for is gone'
    from our_tasks
    where
        not is_deleted and not is_closed
        and split_part(key, ' ', 1) in (select unnest($keys::varchar[]))
        and key not in (select task_key from crm.tasks)

)

select
    $plan_id, 'Task', record_id, external_key, 'Status', their_status, status, 'owned',
    case
        when is_closed then 'kept'
        when not $may_complete then 'invalid'
        else 'write'
    end,
    case
        when is_closed then 'kept: Salesforce has ' || their_status || ', and no task is reopened'
        when not $may_complete
            then '{DONE} is no active value of Task.Status, or it cannot be edited: add it'
        else reason
    end
from changed
"""


def plan_mail_tasks(
    connection: DuckDBPyConnection, context: PlanContext, *, takes_all: bool
) -> None:
    """List mail to be logged as Tasks: all of it, or what is no EmailMessage by its nature."""
    values = (
        Value(context.sections.activities.key_field, "external_key", is_key=True),
        Value(
            "Subject", "'Email: ' || coalesce(nullif(trim(subject), ''), '(no subject)')", cuts=True
        ),
        Value("Description", "body_length", is_withheld=True, text_hash="body_hash"),
        Value("TaskSubtype", f"'{MAIL_SUBTYPE}'", is_essential=True),
        Value("Status", f"'{DONE}'", is_essential=True),
        Value("WhoId", "crm_id", is_essential=True),
        Value("OwnerId", "active_owner_id"),
        Value("ActivityDate", "message_on"),
    )
    planned = f"select * from unlogged_mail where {str(takes_all).lower()} or target = 'Task'"
    plan_creations(connection, context, context.schemas["Task"], planned, values)


def plan_follow_ups(connection: DuckDBPyConnection, context: PlanContext) -> None:
    """List follow-ups to be opened, and those of ours that are done by now."""
    section = context.sections.tasks
    schema = context.schemas.get("Task")
    if not section.kinds:
        return
    if schema is None or not may_create(schema, section.key_field):
        context.notes.append(
            f"Task.{section.key_field} is missing or cannot be set, so no follow-up is planned: "
            f"`touchline doctor` says how to mend it."
        )
        return
    columns = {"key": section.key_field, "status": "Status", "is_closed": "IsClosed"}
    connection.execute(_OURS.format(records=current("Task", columns)))
    connection.execute(
        _FOLLOW_UPS.format(
            made=made("Task"),
            is_settled=is_settled("ours.record_id"),
            why_settled=why_settled("ours.record_id"),
            people=people("select crm_id from crm.tasks"),
            users=active_users(),
        ),
        {"kinds": list(section.kinds)},
    )
    values = (
        Value(section.key_field, "external_key", is_key=True),
        Value("Subject", "subject", cuts=True),
        Value("Status", "status", is_essential=True),
        Value("WhoId", "crm_id", is_essential=True),
        Value("OwnerId", "active_owner_id"),
        Value("ActivityDate", "due_on"),
    )
    plan_creations(connection, context, schema, _NEW, values)
    _plan_completions(connection, context, schema)
    connection.execute("drop table follow_ups")
    connection.execute("drop table our_tasks")


def _plan_completions(
    connection: DuckDBPyConnection, context: PlanContext, schema: ObjectSchema
) -> None:
    status = schema.fields.get("Status")
    may_complete = bool(
        status
        and status.is_updateable
        and (not status.active_values or DONE in status.active_values)
    )
    connection.execute(
        _COMPLETED,
        {
            "plan_id": context.plan_id,
            "may_complete": may_complete,
            "keys": [_KEYS[kind] for kind in context.sections.tasks.kinds],
        },
    )
    if status:
        connection.execute(
            block_refused(TABLES["Task"], [as_cell(status)]),
            {"plan_id": context.plan_id, "object": "Task"},
        )
