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

open_tasks as (

    select
        owner_id,
        {{ week_of('created_at') }} as week,
        count(*) as tasks_open
    from tasks
    where not is_closed
    group by owner_id, {{ week_of('created_at') }}

)

-- G3: the owner is the user behind the mailbox; mailboxes of no user keep a row of their own.
select
    sending.owner_id,
    case when sending.owner_id is null then sending.mailbox end as unowned_mailbox,
    sending.week,
    cast(sum(sending.sent) as bigint) as sent,
    cast(sum(sending.delivered) as bigint) as delivered,
    cast(sum(sending.viewed) as bigint) as viewed,
    cast(sum(sending.clicked) as bigint) as clicked,
    cast(sum(sending.replied) as bigint) as replied,
    cast(coalesce(max(open_tasks.tasks_open), 0) as bigint) as tasks_open
from sending
left join open_tasks
    on sending.owner_id = open_tasks.owner_id and sending.week = open_tasks.week
group by
    sending.owner_id,
    case when sending.owner_id is null then sending.mailbox end,
    sending.week
