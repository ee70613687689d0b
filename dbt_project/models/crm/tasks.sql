with

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where
        match in ('in_thread', 'probable', 'out_of_sequence')
        and (
            not is_automated
            or ({{ var('out_of_office_follow_up') }} and reply_class = 'OOO')
        )

),

answers as (

    select * from {{ ref('int_replies__answers') }}

),

manual_steps as (

    select * from {{ ref('int_sequences__tasks') }}

),

spells as (

    select * from {{ ref('int_audiences__spells') }}
    where action = 'task'

),

business_days as (

    select * from {{ ref('int_business_days') }}

),

enrollments as (

    select * from {{ ref('enrollments') }}
    where crm_id is not null

),

people as (

    select * from {{ ref('people') }}

),

owners as (

    select * from {{ ref('int_people__owners') }}

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

users as (

    select
        email,
        min(user_id) as user_id
    from {{ ref('int_crm__users') }}
    where is_active
    group by email

),

clock as (

    select {{ add_days('as_of', '-' ~ var('follow_up_max_age_days')) }} as oldest_reply_at
    from {{ ref('int_clock') }}

),

-- E9: a human reply asks its sender for an answer by the next business day.
follow_ups as (

    select
        'follow-up ' || replies.reply_key as task_key,
        'reply' as kind,
        enrollments.crm_id,
        mailboxes.owner_id,
        case when replies.is_automated then 'Back in office? ' else 'Answer: ' end
        || coalesce(replies.subject, '(no subject)') as subject,
        business_days.next_business_day_on as due_on,
        replies.received_at as opened_at,
        answers.answered_at as closed_at,
        case when answers.reply_key is not null then 'answer' end as closed_by
    from replies
    inner join enrollments on replies.enrollment_id = enrollments.enrollment_id
    left join mailboxes on replies.mailbox = mailboxes.mailbox
    left join answers on replies.reply_key = answers.reply_key
    left join business_days
        on {{ local_day('replies.received_at') }} = business_days.day_on

),

-- E9: what the platform asks of a person, until it is done or a reply in the thread ends it.
steps as (

    select
        'step ' || manual_steps.task_key as task_key,
        'manual_step' as kind,
        enrollments.crm_id,
        coalesce(users.user_id, mailboxes.owner_id) as owner_id,
        coalesce(manual_steps.subject, manual_steps.task_type, 'Manual step') as subject,
        manual_steps.due_on,
        manual_steps.created_at as opened_at,
        manual_steps.closed_at,
        manual_steps.closed_by
    from manual_steps
    inner join enrollments on manual_steps.enrollment_id = enrollments.enrollment_id
    left join users on manual_steps.owner_email = users.email
    left join mailboxes on manual_steps.mailbox = mailboxes.mailbox

),

-- G5: once for each time that a record is a member. Whoever opted out is not followed up.
audience_follow_ups as (

    select
        'audience ' || spells.audience || ' ' || spells.crm_id || ' '
        || cast(spells.since_on as varchar) as task_key,
        'audience' as kind,
        spells.crm_id,
        owners.owner_id,
        'Follow up: ' || replace(spells.audience, '_', ' ') as subject,
        business_days.next_business_day_on as due_on,
        {{ start_of_local_day('spells.since_on') }} as opened_at,
        {{ start_of_local_day('spells.until_on') }} as closed_at,
        case
            when spells.until_on is not null then 'left_audience'
            when people.is_opted_out then 'opt_out'
        end as closed_by
    from spells
    inner join people on spells.crm_id = people.crm_id
    left join owners on spells.crm_id = owners.crm_id
    left join business_days on spells.since_on = business_days.day_on

),

tasks as (

    select * from follow_ups
    union all
    select * from steps
    union all
    select * from audience_follow_ups

)

select
    tasks.task_key,
    tasks.kind,
    tasks.crm_id,
    tasks.owner_id,
    tasks.subject,
    tasks.due_on,
    case when tasks.closed_by is null then 'Not Started' else 'Completed' end as status,
    coalesce(tasks.kind != 'reply' or tasks.opened_at >= clock.oldest_reply_at, false)
        as is_recent,
    tasks.opened_at,
    tasks.closed_at,
    tasks.closed_by
from tasks
cross join clock
