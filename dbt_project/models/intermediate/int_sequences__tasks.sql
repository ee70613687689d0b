with

versions as (

    select
        *,
        row_number() over (
            partition by platform, platform_task_id
            order by updated_at desc nulls last, version_text desc, loaded_at asc
        ) as recency
    from {{ ref('stg_sequences__neutral_tasks') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

-- E9: only a human reply in the enrollment's own thread closes; no other fact is in_thread.
replies as (

    select
        enrollment_id,
        starts_at as replied_at
    from {{ ref('int_enrollments__status_facts') }}
    where status = 'replied' and reason = 'in_thread'

),

current_versions as (

    select * from versions
    where recency = 1

),

-- A task that came up after a reply waits for the next one.
closing_replies as (

    select
        current_versions.platform,
        current_versions.platform_task_id,
        min(replies.replied_at) as replied_at
    from current_versions
    inner join replies
        on
            current_versions.enrollment_id = replies.enrollment_id
            and (
                current_versions.created_at is null
                or current_versions.created_at <= replies.replied_at
            )
    group by current_versions.platform, current_versions.platform_task_id

)

select
    current_versions.platform || ' ' || current_versions.platform_task_id as task_key,
    current_versions.platform,
    current_versions.platform_task_id,
    current_versions.enrollment_id,
    coalesce(current_versions.sequence_id, enrollments.sequence_id) as sequence_id,
    current_versions.step_number,
    current_versions.task_type,
    current_versions.subject,
    coalesce(current_versions.mailbox, enrollments.mailbox) as mailbox,
    coalesce(current_versions.owner_email, current_versions.mailbox, enrollments.mailbox)
        as owner_email,
    current_versions.due_on,
    current_versions.created_at,
    current_versions.updated_at,
    current_versions.completed_at,
    least(
        coalesce(current_versions.completed_at, closing_replies.replied_at),
        coalesce(closing_replies.replied_at, current_versions.completed_at)
    ) as closed_at,
    case
        when current_versions.completed_at <= closing_replies.replied_at then 'platform'
        when closing_replies.replied_at is not null then 'in_thread_reply'
        when current_versions.completed_at is not null then 'platform'
    end as closed_by,
    current_versions.loaded_at
from current_versions
left join enrollments on current_versions.enrollment_id = enrollments.enrollment_id
left join closing_replies
    on
        current_versions.platform = closing_replies.platform
        and current_versions.platform_task_id = closing_replies.platform_task_id
