with

inbound as (

    select * from {{ ref('int_mail__inbound') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

mail as (

    select * from {{ ref('int_mail__copies') }}

),

delivery_reports as (

    select * from {{ ref('int_mail__delivery_reports') }}

),

events as (

    select * from {{ ref('int_events__attached') }}
    where attached_by = 'message_id'

),

-- E2: the ids under which a message that we sent may be named.
identifiers as (

    select
        message_key,
        {{ message_id_key('message_id') }} as id_key
    from messages
    where message_id is not null
    union
    select
        message_key,
        provider_message_id as id_key
    from messages
    where provider_message_id is not null
    union
    -- SES replaces the Message-ID that the sender knows; its events tell both.
    select
        message_key,
        provider_message_id as id_key
    from events
    where provider_message_id is not null and message_key is not null

),

in_reply_to as (

    select
        mail_key,
        in_reply_to as named_id,
        1 as rule_order,
        0 as distance
    from inbound

),

reference_list as (

    select
        mail_key,
        {{ json_list_rows('reference_ids') }} as named_id,
        {{ json_list_rows(list_positions('reference_ids')) }} as position
    from inbound

),

named as (

    select
        mail_key,
        named_id,
        rule_order,
        distance
    from in_reply_to

    union all

    select
        mail_key,
        named_id,
        2 as rule_order,
        -position as distance
    from reference_list

    union all

    select
        mail_key,
        original_message_id as named_id,
        1 as rule_order,
        0 as distance
    from inbound

),

by_header as (

    select
        named.mail_key,
        identifiers.message_key,
        case named.rule_order when 1 then 'in_reply_to' else 'references' end as thread_rule,
        named.rule_order,
        named.distance
    from named
    inner join identifiers on {{ message_id_key('named.named_id') }} = identifiers.id_key

),

-- Thread ids of a mailbox provider mean something within one mailbox only: what that mailbox's own
-- copy of the sent mail bears, or what the platform, which sends through it, calls the thread.
sent_threads as (

    select
        messages.message_key,
        messages.sent_at,
        messages.mailbox,
        messages.thread_id
    from messages
    where messages.thread_id is not null

    union distinct

    select
        messages.message_key,
        messages.sent_at,
        mail.mailbox,
        mail.gmail_thread_id as thread_id
    from mail
    inner join messages on mail.message_id = messages.message_id
    where mail.mailbox = mail.from_address and mail.gmail_thread_id is not null

),

by_thread as (

    select
        inbound.mail_key,
        sent_threads.message_key,
        'gmail_thread' as thread_rule,
        3 as rule_order,
        {{ seconds_between('sent_threads.sent_at', 'inbound.received_at') }} as distance
    from inbound
    inner join mail on inbound.mail_key = mail.mail_key
    inner join sent_threads
        on
            mail.gmail_thread_id = sent_threads.thread_id
            and mail.mailbox = sent_threads.mailbox
            and inbound.received_at >= sent_threads.sent_at

),

by_subject as (

    select
        inbound.mail_key,
        messages.message_key,
        'subject_and_sender' as thread_rule,
        4 as rule_order,
        {{ seconds_between('messages.sent_at', 'inbound.received_at') }} as distance
    from inbound
    inner join messages
        on
            inbound.sender_email = messages.recipient_email
            and inbound.subject_key = {{ subject_key('messages.subject') }}
            and inbound.received_at >= messages.sent_at
            and inbound.received_at
            <= {{ add_days('messages.sent_at', var('probable_reply_days')) }}
    where inbound.subject_key != ''

),

-- Whom a mail comes from or, if it is a delivery report, speaks of.
correspondents as (

    select
        inbound.mail_key,
        coalesce(delivery_reports.recipient_email, inbound.sender_email) as email,
        max(cast(coalesce(delivery_reports.is_failure, false) as integer)) as has_failed
    from inbound
    left join delivery_reports on inbound.mail_key = delivery_reports.mail_key
    group by inbound.mail_key, coalesce(delivery_reports.recipient_email, inbound.sender_email)

),

-- Machines answer at once and often drop both headers and subject: the sender's (or failed
-- recipient's) newest message is what they answer.
by_sender as (

    select
        inbound.mail_key,
        messages.message_key,
        'automatic_from_recipient' as thread_rule,
        5 as rule_order,
        {{ seconds_between('messages.sent_at', 'inbound.received_at') }} as distance
    from inbound
    inner join correspondents on inbound.mail_key = correspondents.mail_key
    inner join messages
        on
            correspondents.email = messages.recipient_email
            and inbound.received_at >= messages.sent_at
            and inbound.received_at
            <= {{ add_days('messages.sent_at', var('probable_reply_days')) }}
    where inbound.inbound_kind in ('auto_reply', 'delivery_report')

),

candidates as (

    select * from by_header
    union all
    select * from by_thread
    union all
    select * from by_subject
    union all
    select * from by_sender

),

ranked as (

    select
        candidates.mail_key,
        candidates.message_key,
        candidates.thread_rule,
        candidates.rule_order <= 3 as is_certain,
        messages.origin,
        row_number() over (
            partition by candidates.mail_key
            order by
                candidates.rule_order <= 3 desc,
                messages.origin = 'sequence' desc,
                candidates.rule_order,
                candidates.distance asc,
                coalesce(correspondents.has_failed, -1) desc,
                messages.sent_at desc,
                candidates.message_key asc
        ) as preference
    from candidates
    inner join messages on candidates.message_key = messages.message_key
    left join correspondents
        on
            candidates.mail_key = correspondents.mail_key
            and messages.recipient_email = correspondents.email

)

select
    mail_key,
    message_key,
    thread_rule,
    is_certain,
    origin
from ranked
where preference = 1
