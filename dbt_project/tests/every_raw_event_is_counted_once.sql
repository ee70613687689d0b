-- A8, A10, for each provider: events in = distinct events + duplicates; nothing is lost between
-- raw and marts. A record about several recipients is an event of each, so it may count more often.
{{ config(meta={'dagster': {'ref': {'name': 'email_events'}}}) }}

{#- One line per provider, as in int_events__received: its raw table, and how a record counts. -#}
{%- set providers = {
    'sendgrid': [source('raw', 'sendgrid_events'), 'exactly once'],
    'ses': [source('raw', 'ses_events'), 'once per recipient'],
    'mailgun': [source('raw', 'mailgun_events'), 'exactly once'],
    'postmark': [source('raw', 'postmark_events'), 'exactly once'],
    'mandrill': [source('raw', 'mandrill_events'), 'exactly once'],
} %}

with

raw_events as (

    {% for provider, (table, counts) in providers.items() %}
        {{- 'union all' if not loop.first }}
        select
            '{{ provider }}' as source,
            '{{ counts }}' as counts,
            count(*) as event_count
        from {{ table }}
    {% endfor %}

    -- Most requests are no events, and telling which means to parse them: done once per load.
    union all

    select
        'access_logs' as source,
        'exactly once' as counts,
        coalesce(sum(request_count), 0) as event_count
    from {{ ref('int_access_logs__request_counts') }}
    where left_out_because is null

),

deliveries as (

    select
        source,
        count(*) as fingerprint_count,
        sum(delivery_count) as delivery_count
    from {{ ref('int_events__deduplicated') }}
    group by source

),

distinct_events as (

    select
        source,
        count(*) as event_count
    from {{ ref('int_events__distinct') }}
    group by source

),

mart as (

    select
        source,
        count(*) as event_count
    from {{ ref('email_events') }}
    group by source

),

counted as (

    select
        coalesce(raw_events.source, deliveries.source) as source,
        raw_events.counts,
        raw_events.event_count as raw_count,
        coalesce(deliveries.delivery_count, 0) as delivery_count,
        coalesce(deliveries.fingerprint_count, 0) as fingerprint_count,
        coalesce(distinct_events.event_count, 0) as distinct_count,
        coalesce(mart.event_count, 0) as mart_count
    from raw_events
    full outer join deliveries on raw_events.source = deliveries.source
    left join distinct_events on deliveries.source = distinct_events.source
    left join mart on deliveries.source = mart.source

)

select *
from counted
where
    raw_count is null
    or raw_count > delivery_count
    or (counts = 'exactly once' and raw_count != delivery_count)
    or distinct_count != mart_count
    or distinct_count > fingerprint_count
