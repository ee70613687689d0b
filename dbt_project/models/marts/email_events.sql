with

provider_events as (

    select * from {{ ref('int_events__attached') }}

),

actors as (

    select * from {{ ref('int_events__actors') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

inbound as (

    select * from {{ ref('int_inbound_events') }}

)

select
    provider_events.event_key,
    provider_events.message_key,
    provider_events.enrollment_id,
    provider_events.sequence_id,
    provider_events.event_type,
    provider_events.event_subtype,
    provider_events.occurred_at,
    provider_events.received_at,
    provider_events.loaded_at,
    provider_events.recipient_email,
    provider_events.source,
    provider_events.provider_event_id,
    provider_events.url,
    provider_events.is_tracked_domain,
    provider_events.link_kind,
    provider_events.ip,
    provider_events.user_agent,
    actors.actor,
    actors.actor_rule,
    actors.is_proxy
from provider_events
left join actors on provider_events.event_key = actors.event_key

union all

select
    {{ fingerprint(["'sequences'", 'message_key']) }} as event_key,
    message_key,
    enrollment_id,
    sequence_id,
    'sent' as event_type,
    cast(null as varchar) as event_subtype,
    sent_at as occurred_at,
    cast(null as timestamp) as received_at,
    loaded_at,
    recipient_email,
    case origin when 'sequence' then 'sequences' else 'mailboxes' end as source,
    cast(null as varchar) as provider_event_id,
    cast(null as varchar) as url,
    cast(null as boolean) as is_tracked_domain,
    cast(null as varchar) as link_kind,
    cast(null as varchar) as ip,
    cast(null as varchar) as user_agent,
    cast(null as varchar) as actor,
    cast(null as varchar) as actor_rule,
    cast(null as boolean) as is_proxy
from messages

union all

select
    event_key,
    message_key,
    enrollment_id,
    sequence_id,
    event_type,
    event_subtype,
    occurred_at,
    received_at,
    loaded_at,
    recipient_email,
    'mailboxes' as source,
    cast(null as varchar) as provider_event_id,
    cast(null as varchar) as url,
    cast(null as boolean) as is_tracked_domain,
    cast(null as varchar) as link_kind,
    cast(null as varchar) as ip,
    cast(null as varchar) as user_agent,
    actor,
    actor_rule,
    cast(null as boolean) as is_proxy
from inbound
