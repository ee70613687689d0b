with

messages as (

    select * from {{ ref('messages') }}

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

tasks as (

    select * from {{ ref('int_crm__tasks') }}

),

sending as (

    select
        mailboxes.owner_id,
        messages.mailbox,
        {{ week_of('messages.sent_at') }} as week,
        count(*) as sent,
        count(case when messages.is_delivered then 1 end) as delivered,
        count(case when messages.is_viewed then 1 end) as viewed,
        count(messages.clicked_at) as clicked,
        count(messages.replied_at) as replied
    from messages
    left join mailboxes on messages.mailbox = mailboxes.mailbox
    where messages.sent_at is not null
    group by mailboxes.owner_id, messages.mailbox, {{ week_of('messages.sent_at') }}

),

owners as (

    select distinct owner_id
    from mailboxes
    where owner_id is not null

),

open_tasks as (

    select
        tasks.owner_id,
        {{ week_of('tasks.created_at') }} as week,
        count(*) as tasks_open
    from tasks
    inner join owners on tasks.owner_id = owners.owner_id
    where not tasks.is_closed
    group by tasks.owner_id, {{ week_of('tasks.created_at') }}

),

-- G3: the owner is the user behind the mailbox; mailboxes of no user keep a row of their own.
by_owner as (

    select
        owner_id,
        case when owner_id is null then mailbox end as unowned_mailbox,
        week,
        sum(sent) as sent,
        sum(delivered) as delivered,
        sum(viewed) as viewed,
        sum(clicked) as clicked,
        sum(replied) as replied
    from sending
    group by owner_id, case when owner_id is null then mailbox end, week

)

-- Open tasks count in a week without mail, too.
select
    coalesce(by_owner.owner_id, open_tasks.owner_id) as owner_id,
    by_owner.unowned_mailbox,
    coalesce(by_owner.week, open_tasks.week) as week,
    cast(coalesce(by_owner.sent, 0) as bigint) as sent,
    cast(coalesce(by_owner.delivered, 0) as bigint) as delivered,
    cast(coalesce(by_owner.viewed, 0) as bigint) as viewed,
    cast(coalesce(by_owner.clicked, 0) as bigint) as clicked,
    cast(coalesce(by_owner.replied, 0) as bigint) as replied,
    cast(coalesce(open_tasks.tasks_open, 0) as bigint) as tasks_open
from by_owner
full join open_tasks
    on by_owner.owner_id = open_tasks.owner_id and by_owner.week = open_tasks.week
