with

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where not is_automated and match in ('in_thread', 'probable', 'out_of_sequence')

),

enrollments as (

    select * from {{ ref('enrollments') }}
    where crm_id is not null

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

outbound as (

    select * from {{ ref('int_messages__outbound') }}

),

answers as (

    select
        replies.reply_key,
        min(outbound.sent_at) as answered_at
    from replies
    inner join outbound
        on
            replies.sender_email = outbound.recipient_email
            and replies.mailbox = outbound.mailbox
            and outbound.origin = 'manual'
            and replies.received_at < outbound.sent_at
    group by replies.reply_key

)

-- E9: a human reply asks its sender for an answer by the next business day.
select
    'follow-up ' || replies.reply_key as task_key,
    enrollments.crm_id,
    mailboxes.owner_id,
    'Answer: ' || coalesce(replies.subject, '(no subject)') as subject,
    cast({{ next_business_day('replies.received_at') }} as date) as due_on,
    case when answers.answered_at is null then 'Not Started' else 'Completed' end as status
from replies
inner join enrollments on replies.enrollment_id = enrollments.enrollment_id
left join mailboxes on replies.mailbox = mailboxes.mailbox
left join answers on replies.reply_key = answers.reply_key
