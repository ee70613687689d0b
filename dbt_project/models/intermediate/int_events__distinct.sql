with

events as (

    select * from {{ ref('int_events__deduplicated') }}

),

-- An event that tells no time has that of its first notice, else of its first load. Only here, that
-- neither is part of what it says (A10).
dated as (

    select
        event_key,
        source,
        event_type,
        event_subtype,
        recipient_email,
        url,
        ip,
        user_agent,
        reason,
        attempt,
        coalesce(occurred_at, received_at, loaded_at) as occurred_at,
        provider_message_id,
        provider_event_id,
        message_id,
        enrollment_id,
        sequence_id,
        step_number,
        is_flagged_machine,
        is_flagged_unknown,
        receiving_host,
        received_at,
        loaded_at,
        source_place,
        delivery_count
    from events

),

-- The provider's id, where there is one, is the second identity (A10): of several contents under
-- one id the smallest key stands for all. An id is one event's only within its type and day:
-- Mailgun promises no more, and a complaint may bear the number of the bounce that it came with.
numbered as (

    select
        *,
        row_number() over (
            partition by
                source,
                event_type,
                cast(occurred_at as date),
                coalesce(provider_event_id, event_key)
            order by event_key
        ) as position_within_id
    from dated

)

select
    event_key,
    source,
    event_type,
    event_subtype,
    recipient_email,
    url,
    ip,
    user_agent,
    reason,
    attempt,
    occurred_at,
    provider_message_id,
    provider_event_id,
    message_id,
    enrollment_id,
    sequence_id,
    step_number,
    is_flagged_machine,
    is_flagged_unknown,
    receiving_host,
    received_at,
    loaded_at,
    source_place,
    delivery_count
from numbered
where position_within_id = 1
