with

replies as (

    select * from {{ ref('int_replies__attributed') }}

),

delivery_reports as (

    select * from {{ ref('int_mail__delivery_reports') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

-- D8: one report tells of several people where a mail by hand went to them all; each of them has a
-- message of their own, under one Message-ID.
further_reports as (

    select
        replies.reply_key,
        siblings.message_key,
        siblings.enrollment_id,
        delivery_reports.delivery_action,
        delivery_reports.bounce_subtype
    from replies
    inner join messages on replies.message_key = messages.message_key
    inner join messages as siblings
        on
            messages.message_id = siblings.message_id
            and messages.message_key != siblings.message_key
    inner join delivery_reports
        on
            replies.reply_key = delivery_reports.mail_key
            and siblings.recipient_email = delivery_reports.recipient_email

),

reported as (

    select
        reply_key,
        {{ fingerprint(["'mailbox'", 'reply_key']) }} as event_key,
        message_key,
        enrollment_id,
        delivery_action,
        bounce_subtype
    from replies

    union all

    select
        reply_key,
        {{ fingerprint(["'mailbox'", 'reply_key', 'message_key']) }} as event_key,
        message_key,
        enrollment_id,
        delivery_action,
        bounce_subtype
    from further_reports

),

typed as (

    select
        reported.*,
        replies.sender_email,
        replies.received_at,
        replies.loaded_at,
        replies.is_automated,
        replies.actor_rule,
        replies.has_opt_out_hint,
        replies.match,
        replies.reply_class,
        case
            when not replies.is_automated then 'replied'
            when replies.inbound_kind in ('human', 'auto_reply', 'read_receipt', 'list')
                then 'auto_replied'
            when replies.inbound_kind = 'abuse_report' then 'complained'
            when coalesce(reported.delivery_action, 'failed') = 'failed' then 'bounced'
            when reported.delivery_action = 'delayed' then 'deferred'
            else 'delivered'
        end as event_type
    from reported
    inner join replies on reported.reply_key = replies.reply_key
    -- What people write to each other through a mailing list is no event unless it answers us.
    where
        replies.inbound_kind != 'list'
        or replies.is_automated
        or replies.match in ('in_thread', 'probable')

)

select
    typed.event_key,
    typed.reply_key,
    typed.message_key,
    typed.enrollment_id,
    messages.sequence_id,
    typed.event_type,
    case when typed.event_type = 'bounced' then typed.bounce_subtype end as event_subtype,
    typed.received_at as occurred_at,
    typed.received_at,
    typed.loaded_at,
    case
        when typed.event_type in ('replied', 'auto_replied') then typed.sender_email
        else messages.recipient_email
    end as recipient_email,
    case when typed.is_automated then 'machine' else 'human' end as actor,
    typed.actor_rule,
    typed.has_opt_out_hint,
    typed.match,
    typed.reply_class
from typed
left join messages on typed.message_key = messages.message_key
