with

sent_by_platform as (

    select * from {{ ref('int_sequences__messages') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

mail as (

    select * from {{ ref('int_mail__copies') }}

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

sequence_messages as (

    select
        *,
        row_number() over (
            partition by message_id
            order by
                sent_at desc nulls last,
                version_text asc,
                loaded_at asc,
                source_file asc,
                source_line asc
        ) as copy_number
    from sent_by_platform

),

-- A3, E4: own addresses make sent messages; what the platform sent is found in the mailbox again.
manual_copies as (

    select
        mail.mail_key,
        mail.message_id,
        mail.from_address as mailbox,
        mail.to_addresses,
        mail.subject,
        mail.body_text,
        coalesce(mail.header_date_at, mail.received_at) as sent_at,
        mail.gmail_thread_id as thread_id,
        mail.loaded_at,
        mail.source_place,
        row_number() over (
            partition by mail.mail_key
            order by
                mail.mailbox = mail.from_address desc,
                mail.mailbox asc
        ) as copy_number
    from mail
    inner join mailboxes on mail.from_address = mailboxes.mailbox
    where
        -- One's own name on spam was forged.
        not mail.is_spam
        and mail.mail_key not in (
            select sent_by_platform.message_id
            from sent_by_platform
        )

),

manual_recipients as (

    select
        mail_key,
        message_id,
        mailbox,
        {{ json_list_rows('to_addresses') }} as recipient,
        subject,
        body_text,
        sent_at,
        thread_id,
        loaded_at,
        source_place
    from manual_copies
    where copy_number = 1

),

manual_messages as (

    select distinct
        mail_key || ' ' || {{ email_key('recipient') }} as message_key,
        message_id,
        mailbox,
        {{ email_key('recipient') }} as recipient_email,
        subject,
        body_text,
        sent_at,
        thread_id,
        loaded_at,
        source_place
    from manual_recipients
    where {{ email_key('recipient') }} is not null

)

select
    sequence_messages.message_id as message_key,
    sequence_messages.message_id,
    sequence_messages.platform_message_id,
    sequence_messages.provider_message_id,
    sequence_messages.thread_id,
    sequence_messages.enrollment_id,
    sequence_messages.sequence_id,
    sequence_messages.step_number,
    sequence_messages.mailbox,
    sequence_messages.recipient_email,
    'sequence' as origin,
    sequence_messages.subject,
    sequence_messages.body_text,
    sequence_messages.body_format,
    sequence_messages.sent_at,
    sequence_messages.open_tracking_enabled,
    sequence_messages.click_tracking_enabled,
    sequence_messages.loaded_at,
    {{ source_place('sequence_messages.source_file', 'sequence_messages.source_line') }}
        as source_place,
    {{ number_of_text('coalesce(enrollments.enrollment_id, sequence_messages.recipient_email)') }}
        as belongs_to_number
from sequence_messages
left join enrollments on sequence_messages.enrollment_id = enrollments.enrollment_id
where sequence_messages.copy_number = 1

union all

select
    message_key,
    message_id,
    cast(null as varchar) as platform_message_id,
    cast(null as varchar) as provider_message_id,
    thread_id,
    cast(null as varchar) as enrollment_id,
    cast(null as varchar) as sequence_id,
    cast(null as integer) as step_number,
    mailbox,
    recipient_email,
    'manual' as origin,
    subject,
    body_text,
    'unknown' as body_format,
    sent_at,
    false as open_tracking_enabled,
    false as click_tracking_enabled,
    loaded_at,
    source_place,
    {{ number_of_text('recipient_email') }} as belongs_to_number
from manual_messages
