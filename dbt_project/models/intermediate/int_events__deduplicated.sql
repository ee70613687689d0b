{{ config(
    materialized='incremental',
    unique_key='event_key',
    incremental_strategy='delete+insert',
    on_schema_change='fail',
) }}

{#- What makes an event this event. What Touchline derives from it (its type's subtype) is no part,
    so that a better derivation gives no event a new identity. Nor is what one delivery of it tells
    and another leaves out: when it came, and the message's further names. -#}
{%- set content = [
    'source', 'event_type', 'recipient_email', 'url', 'ip', 'user_agent', 'reason', 'attempt',
    'occurred_at',
] %}
{%- set message_names = [
    'provider_message_id', 'message_id', 'enrollment_id', 'sequence_id', 'step_number',
] %}
{%- set columns = content + message_names + [
    'event_subtype', 'provider_event_id', 'is_flagged_machine', 'is_flagged_unknown', 'receiving_host', 'received_at',
    'loaded_at', 'last_load_id', 'source_place', 'delivery_count',
] %}

with

events as (

    select * from {{ ref('int_events__received') }}
    {% if is_incremental() %}
        where load_id > (select coalesce(max(last_load_id), 0) from {{ this }})
    {% endif %}

),

-- Retries of one event have been seen with differing ids (sendgrid-nodejs#1435), so what an event
-- says is its identity: two identical human opens within a second collapse, which is accepted.
fingerprinted as (

    select
        {{ fingerprint(content + ["coalesce(
            provider_message_id,
            message_id,
            enrollment_id || coalesce(' ' || step_number, '')
        )"]) }} as event_key,
        source,
        event_type,
        recipient_email,
        url,
        ip,
        user_agent,
        reason,
        attempt,
        occurred_at,
        provider_message_id,
        message_id,
        enrollment_id,
        sequence_id,
        step_number,
        event_subtype,
        provider_event_id,
        is_flagged_machine,
        is_flagged_unknown,
        receiving_host,
        received_at,
        loaded_at,
        load_id as last_load_id,
        {{ source_place('source_file', 'source_line') }} as source_place,
        cast(1 as bigint) as delivery_count
    from events

),

with_known as (

    select
        event_key,
        {{ columns | join(',\n        ') }}
    from fingerprinted
    {% if is_incremental() %}
        union all
        select
            known.event_key,
            known.{{ columns | join(',\n            known.') }}
        from {{ this }} as known
        where known.event_key in (select fingerprinted.event_key from fingerprinted)
    {% endif %}

)

-- Only minima, maxima and sums: any order of arrival gives the same row (A10).
select
    event_key,
    {% for column in content + message_names -%}
        min({{ column }}) as {{ column }},
    {% endfor -%}
    min(event_subtype) as event_subtype,
    min(provider_event_id) as provider_event_id,
    max(cast(is_flagged_machine as integer)) = 1 as is_flagged_machine,
    max(cast(is_flagged_unknown as integer)) = 1 as is_flagged_unknown,
    min(receiving_host) as receiving_host,
    min(received_at) as received_at,
    min(loaded_at) as loaded_at,
    max(last_load_id) as last_load_id,
    min(source_place) as source_place,
    cast(sum(delivery_count) as bigint) as delivery_count
from with_known
group by event_key
