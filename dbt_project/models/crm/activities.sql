with

messages as (

    select * from {{ ref('messages') }}
    where origin = 'sequence' and sent_at is not null

),

message_people as (

    select * from {{ ref('int_messages__people') }}
    where crm_id is not null

),

outbound as (

    select * from {{ ref('int_messages__outbound') }}

),

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where match = 'in_thread' and not is_automated

),

enrollments as (

    select * from {{ ref('enrollments') }}
    where crm_id is not null

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

)

-- J2, E4: sequence mail and the replies in its threads; mail by hand elsewhere is not logged.
select
    'sent ' || messages.message_key as activity_key,
    'EmailMessage' as target,
    message_people.crm_id,
    mailboxes.owner_id,
    messages.subject,
    outbound.body_text as body,
    messages.mailbox as from_address,
    messages.recipient_email as to_address,
    messages.sent_at as message_date,
    'Sent' as status,
    -- D9: of whoever wants no tracking, nothing is written.
    case when not messages.has_tracking_opt_out then messages.open_count end as open_count,
    case when not messages.has_tracking_opt_out then messages.click_count end as click_count,
    messages.clicked_at
from messages
inner join message_people on messages.message_key = message_people.message_key
inner join outbound on messages.message_key = outbound.message_key
left join mailboxes on messages.mailbox = mailboxes.mailbox

union all

select
    'reply ' || replies.reply_key as activity_key,
    'EmailMessage' as target,
    enrollments.crm_id,
    mailboxes.owner_id,
    replies.subject,
    replies.body_text as body,
    replies.sender_email as from_address,
    replies.mailbox as to_address,
    replies.received_at as message_date,
    'Received' as status,
    cast(null as bigint) as open_count,
    cast(null as bigint) as click_count,
    cast(null as timestamp) as clicked_at
from replies
inner join enrollments on replies.enrollment_id = enrollments.enrollment_id
left join mailboxes on replies.mailbox = mailboxes.mailbox
