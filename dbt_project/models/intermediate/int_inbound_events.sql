with

replies as (

    select * from {{ ref('int_replies__attributed') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

typed as (

    select
        replies.*,
        case
            when not replies.is_automated then 'replied'
            when replies.inbound_kind in ('human', 'auto_reply', 'read_receipt', 'list')
                then 'auto_replied'
            when replies.inbound_kind = 'abuse_report' then 'complained'
            when coalesce(replies.delivery_action, 'failed') = 'failed' then 'bounced'
            when replies.delivery_action = 'delayed' then 'deferred'
            else 'delivered'
        end as event_type
    from replies

)

select
    {{ fingerprint(["'mailbox'", 'typed.reply_key']) }} as event_key,
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
    typed.classified_by as actor_rule,
    typed.match,
    typed.reply_class
from typed
left join messages on typed.message_key = messages.message_key
