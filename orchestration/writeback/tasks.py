"""Planning Tasks: mail that is logged as such, and follow-ups, opened and completed (J2, J4)."""

from duckdb import DuckDBPyConnection

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

_DONE = "Completed"

_FOLLOW_UPS = """
create or replace temp table follow_ups as
with

ours as (

    select
        key, arg_min(record_id, is_deleted) as record_id, bool_and(is_deleted) as is_deleted,
        arg_min(status, is_deleted) as status,
        coalesce(arg_min(is_closed, is_deleted) = 'true', false) as is_closed
    from ({records})
    where key is not null
    group by key

),

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
left join ours on ours.key = tasks.task_key
left join made on made.external_key = tasks.task_key
left join people on people.record_id = tasks.crm_id
left join users on users.record_id = tasks.owner_id
where tasks.kind in (select unnest($kinds::varchar[]))
"""

#: A task that is done from the start is none: whoever begins would log history.
_NEW = f"""
select * from follow_ups
where status <> '{_DONE}' and (record_id is null or is_deleted)
"""

#: Nobody's task is opened again, and whoever closed one has had a reason.
_COMPLETED = f"""
insert into writeback.changes
    (plan_id, object, record_id, external_key, field, old_value, new_value, policy, decision,
    reason)
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
            then '{_DONE} is no active value of Task.Status, or it cannot be edited: add it'
        else 'closed by ' || coalesce(replace(closed_by, '_', ' '), 'Touchline')
    end
from follow_ups
where record_id is not null and not is_deleted and (status = '{_DONE}') <> is_closed
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
        Value("Description", "body", is_withheld=True),
        Value("TaskSubtype", "'Email'"),
        Value("Status", f"'{_DONE}'"),
        Value("WhoId", "crm_id"),
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
    connection.execute(
        _FOLLOW_UPS.format(
            records=current("Task", columns),
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
        Value("Status", "status"),
        Value("WhoId", "crm_id"),
        Value("OwnerId", "active_owner_id"),
        Value("ActivityDate", "due_on"),
    )
    plan_creations(connection, context, schema, _NEW, values)
    status = schema.fields.get("Status")
    may_complete = bool(
        status
        and status.is_updateable
        and (not status.active_values or _DONE in status.active_values)
    )
    connection.execute(_COMPLETED, {"plan_id": context.plan_id, "may_complete": may_complete})
    if status:
        connection.execute(
            block_refused(TABLES["Task"], [as_cell(status)]),
            {"plan_id": context.plan_id, "object": "Task"},
        )
    connection.execute("drop table follow_ups")
