with

replies as (

    select * from {{ ref('int_replies__attributed') }}

),

inbound as (

    select * from {{ ref('int_mail__inbound') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

mail as (

    select * from {{ ref('int_mail__copies') }}

),

-- One mail by hand to several people is a message to each: its key is the mail's and theirs.
by_hand as (

    select
        mailbox,
        recipient_email,
        subject,
        sent_at,
        left(message_key, length(message_key) - length(recipient_email) - 1) as mail_key
    from messages
    where origin = 'manual'

),

-- What the sender's own out-of-office note says is no answer.
sent as (

    select
        mail.mail_key,
        mail.in_reply_to,
        mail.reference_ids,
        mail.gmail_thread_id,
        mail.mailbox as copy_mailbox,
        by_hand.mailbox,
        by_hand.recipient_email,
        by_hand.sent_at,
        {{ subject_key('by_hand.subject') }} as subject_key
    from by_hand
    inner join mail on by_hand.mail_key = mail.mail_key
    where
        coalesce(lower(mail.auto_submitted), 'no') like 'no%'
        and mail.autoresponder_header is null
        and coalesce(mail.precedence, '') not in ('auto_reply', 'auto-reply')

),

sent_named as (

    select
        mail_key,
        in_reply_to as named_id
    from sent
    union
    select
        mail_key,
        {{ json_list_rows('reference_ids') }} as named_id
    from sent

),

-- The ids that a reply's thread goes by: its own, and those of what it answers.
threads as (

    select
        reply_key,
        message_id as named_id
    from replies
    union
    select
        replies.reply_key,
        messages.message_id as named_id
    from replies
    inner join messages on replies.message_key = messages.message_key
    union
    select
        mail_key as reply_key,
        in_reply_to as named_id
    from inbound
    union
    select
        mail_key as reply_key,
        {{ json_list_rows('reference_ids') }} as named_id
    from inbound

),

by_header as (

    select distinct
        threads.reply_key,
        sent_named.mail_key
    from threads
    inner join sent_named
        on {{ message_id_key('threads.named_id') }} = {{ message_id_key('sent_named.named_id') }}

),

-- A thread id means something within one mailbox only.
by_thread as (

    select distinct
        replies.reply_key,
        sent.mail_key
    from replies
    inner join mail as received
        on replies.reply_key = received.mail_key and replies.mailbox = received.mailbox
    inner join sent
        on
            received.gmail_thread_id = sent.gmail_thread_id
            and received.mailbox = sent.copy_mailbox

),

in_thread as (

    select * from by_header
    union
    select * from by_thread

),

candidates as (

    select
        replies.reply_key,
        sent.mail_key,
        sent.sent_at,
        'in_thread' as answered_by
    from in_thread
    inner join replies on in_thread.reply_key = replies.reply_key
    inner join sent
        on in_thread.mail_key = sent.mail_key and replies.mailbox = sent.mailbox
    where
        sent.sent_at > replies.received_at
        -- Within one's own house a thread is talked about, not answered.
        and (
            replies.sender_email = sent.recipient_email
            or split_part(sent.recipient_email, '@', 2) != split_part(sent.mailbox, '@', 2)
        )

    union all

    select
        replies.reply_key,
        sent.mail_key,
        sent.sent_at,
        'subject_and_recipient' as answered_by
    from replies
    inner join inbound on replies.reply_key = inbound.mail_key
    inner join sent
        on
            replies.sender_email = sent.recipient_email
            and replies.mailbox = sent.mailbox
            and inbound.subject_key = sent.subject_key
    where
        sent.sent_at > replies.received_at
        -- No subject ties no two mails together.
        and inbound.subject_key != ''
        and sent.sent_at <= {{ add_days('replies.received_at', var('probable_reply_days')) }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by reply_key order by sent_at, answered_by, mail_key
        ) as position_in_time
    from candidates

)

select
    reply_key,
    mail_key as answer_key,
    sent_at as answered_at,
    answered_by
from ranked
where position_in_time = 1
