{#- What Salesforce's long text fields and its keys hold. -#}
{%- set text_length = 32000 -%}
{%- set key_length = 255 -%}
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

),

-- J2, E4: what the platform sent, and the replies in its threads; what people send from a mail
-- client of their own is not logged. Mail that belongs to no sequence was written by hand.
sent as (

    select
        'sent ' || messages.message_key as activity_key,
        case
            when messages.enrollment_id is null and messages.sequence_id is null then 'Task'
            else 'EmailMessage'
        end as target,
        message_people.crm_object,
        message_people.crm_id,
        mailboxes.owner_id,
        messages.subject,
        outbound.body_text as body,
        messages.mailbox as from_address,
        messages.recipient_email as to_address,
        messages.sent_at as message_date,
        'Sent' as status,
        -- D2, D9: nothing is said of untracked mail, nor of mail to whoever wants no tracking.
        case when messages.open_tracking_enabled then messages.open_count end as open_count,
        case when messages.click_tracking_enabled then messages.click_count end as click_count,
        case when messages.click_tracking_enabled then messages.clicked_at end as clicked_at,
        messages.message_id,
        outbound.thread_id
    from messages
    inner join message_people on messages.message_key = message_people.message_key
    inner join outbound on messages.message_key = outbound.message_key
    left join mailboxes on messages.mailbox = mailboxes.mailbox

),

received as (

    select
        'reply ' || replies.reply_key as activity_key,
        'EmailMessage' as target,
        enrollments.crm_object,
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
        cast(null as timestamp) as clicked_at,
        replies.message_id,
        outbound.thread_id
    from replies
    inner join enrollments on replies.enrollment_id = enrollments.enrollment_id
    left join outbound on replies.message_key = outbound.message_key
    left join mailboxes on replies.mailbox = mailboxes.mailbox

),

logged as (

    select * from sent
    union all
    select * from received

),

-- As Salesforce keeps a text: line ends of one kind, no blanks around it.
texts as (

    select
        *,
        nullif(trim(replace(body, chr(13), ''), ' ' || chr(9) || chr(10)), '') as mail_text
    from logged

)

select
    case
        when length(activity_key) <= {{ key_length }} then activity_key
        else left(activity_key, 200) || ' ' || {{ fingerprint(['activity_key']) }}
    end as activity_key,
    target,
    crm_object,
    crm_id,
    owner_id,
    subject,
    -- Salesforce counts a line end as two characters, and refuses what is too long.
    case
        when 2 * length(mail_text) - length(replace(mail_text, chr(10), '')) <= {{ text_length }}
            then mail_text
        else left(mail_text, {{ text_length // 2 - 1 }}) || '…'
    end as body,
    coalesce({{ matches('mail_text', "'<(html|body|div|p|br|table|a)[\\s/>]'") }}, false)
        as is_html,
    from_address,
    to_address,
    message_date,
    {{ local_day('message_date') }} as message_on,
    status,
    open_count,
    click_count,
    clicked_at,
    message_id,
    thread_id
from texts
