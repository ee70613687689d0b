with

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

events as (

    select * from {{ ref('int_events__attached') }}

),

inbound as (

    select * from {{ ref('int_inbound_events') }}

),

deliveries as (

    select
        message_key,
        min(occurred_at) as delivered_at
    from events
    where event_type = 'delivered' and message_key is not null
    group by message_key

),

failures as (

    select message_key
    from events
    where event_type in ('bounced', 'rejected', 'send_failed')

    union distinct

    select message_key
    from inbound
    where event_type = 'bounced'

),

dated as (

    select
        messages.message_key,
        messages.mailbox,
        messages.sent_at,
        deliveries.delivered_at,
        {{ seconds_between('messages.sent_at', 'deliveries.delivered_at') }} as delivery_seconds
    from messages
    left join deliveries on messages.message_key = deliveries.message_key

),

usual as (

    select {{ median('delivery_seconds') }} as delivery_seconds
    from dated

),

-- One's own pixel and links alone log no deliveries; a provider does, from when it came on.
logged_mailboxes as (

    select
        mailbox,
        min(sent_at) as logged_from
    from dated
    where delivered_at is not null
    group by mailbox

)

select
    dated.message_key,
    dated.delivered_at,
    coalesce(
        dated.delivered_at,
        {{ add_seconds('dated.sent_at', 'coalesce(usual.delivery_seconds, 0)') }}
    ) as assumed_delivered_at,
    dated.delivered_at is not null
    or (
        failures.message_key is null
        and (logged_mailboxes.logged_from is null or dated.sent_at < logged_mailboxes.logged_from)
    ) as is_delivered
from dated
cross join usual
left join logged_mailboxes on dated.mailbox = logged_mailboxes.mailbox
left join failures on dated.message_key = failures.message_key
