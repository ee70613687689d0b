with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked') and ip is not null

),

user_agents as (

    select * from {{ ref('int_user_agents') }}

),

addresses as (

    select * from {{ ref('int_addresses__networks') }}

),

rules as (

    select * from {{ ref('int_actor_rules') }}

),

parameters as (

    select
        coalesce({{ rule_parameter('R12_shared_ip', 'seconds') }}, 0) as seconds,
        {{ rule_parameter('R12_shared_ip', 'minimum_count') }} as recipients,
        {{ rule_parameter('R12_shared_ip', 'minimum_domains') }} as domains
    from rules

),

-- A known proxy is many people's address by nature. Time is cut into spans as long as the rule
-- looks: what lies that close together is in one of them or in two next to each other.
addressed as (

    select
        events.event_key,
        events.event_type,
        events.ip,
        events.occurred_at,
        case when events.event_type = 'clicked' then events.recipient_email end as recipient,
        case when events.event_type = 'clicked' then split_part(events.recipient_email, '@', 2) end
            as domain,
        floor(
            {{ seconds_between("timestamp '1970-01-01 00:00:00'", 'events.occurred_at') }}
            / greatest(parameters.seconds, 1)
        ) as span
    from events
    cross join parameters
    left join addresses on events.ip = addresses.ip
    left join user_agents on coalesce(events.user_agent, '') = user_agents.user_agent
    where
        not coalesce(addresses.is_privacy_relay, false)
        and not coalesce(user_agents.is_image_proxy or user_agents.is_privacy_proxy, false)

),

click_counts as (

    select
        ip,
        span,
        count(*) as click_count
    from addressed
    where event_type = 'clicked'
    group by ip, span

),

span_pairs as (

    select
        ip,
        span,
        click_count
    from click_counts

    union all

    select
        ip,
        span - 1 as span,
        click_count
    from click_counts

),

-- Only where so many clicks come together at all, recipients are counted.
crowded_pairs as (

    select
        span_pairs.ip,
        span_pairs.span
    from span_pairs
    cross join parameters
    group by span_pairs.ip, span_pairs.span, parameters.recipients
    having sum(span_pairs.click_count) >= parameters.recipients

),

crowded_spans as (

    select
        ip,
        span
    from crowded_pairs

    union distinct

    select
        ip,
        span + 1 as span
    from crowded_pairs

),

visits as (

    select
        addressed.event_key,
        addressed.ip,
        addressed.occurred_at,
        parameters.seconds,
        parameters.recipients,
        parameters.domains,
        {{ distinct_within_seconds(
            'addressed.recipient', 'addressed.ip', 'addressed.occurred_at', after='parameters.seconds'
        ) }} as recipient_count,
        {{ distinct_within_seconds(
            'addressed.domain', 'addressed.ip', 'addressed.occurred_at', after='parameters.seconds'
        ) }} as domain_count
    from addressed
    inner join crowded_spans
        on addressed.ip = crowded_spans.ip and addressed.span = crowded_spans.span
    cross join parameters

),

visited as (

    select
        event_key,
        max(case
            when recipient_count >= recipients and domain_count >= domains then 1
            else 0
        end) over (
            {{ within_seconds('ip', 'occurred_at', before='seconds') }}
        ) as is_shared
    from visits

)

select event_key
from visited
where is_shared = 1
