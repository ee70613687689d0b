-- A8, A10: events in = distinct events + duplicates; nothing is lost between raw and marts.
{{ config(meta={'dagster': {'ref': {'name': 'email_events'}}}) }}

with

raw_events as (

    select count(*) as event_count from {{ source('raw', 'sendgrid_events') }}

),

deliveries as (

    select
        count(*) as fingerprint_count,
        coalesce(sum(delivery_count), 0) as delivery_count
    from {{ ref('int_events__deduplicated') }}

),

distinct_events as (

    select count(*) as event_count from {{ ref('int_events__distinct') }}

),

mart as (

    select count(*) as event_count
    from {{ ref('email_events') }}
    where source = 'sendgrid'

)

select
    raw_events.event_count as raw_count,
    deliveries.delivery_count,
    distinct_events.event_count as distinct_count,
    mart.event_count as mart_count
from raw_events
cross join deliveries
cross join distinct_events
cross join mart
where
    raw_events.event_count != deliveries.delivery_count
    or distinct_events.event_count != mart.event_count
    or distinct_events.event_count > deliveries.fingerprint_count
