with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked') and message_key is not null

),

message_links as (

    select * from {{ ref('int_messages__links') }}

),

rules as (

    select * from {{ ref('int_actor_rules') }}

),

parameters as (

    select
        coalesce({{ rule_parameter('R09_burst', 'seconds') }}, 0) as burst_seconds,
        {{ rule_parameter('R09_burst', 'minimum_count') }} as burst_links,
        coalesce({{ rule_parameter('R10_all_links', 'seconds') }}, 0) as scan_seconds,
        {{ rule_parameter('R10_all_links', 'minimum_count') }} as scan_links,
        coalesce({{ rule_parameter('R11_unsubscribe_scan', 'seconds') }}, 0) as unsubscribe_seconds
    from rules

),

clicks as (

    select
        message_key,
        url,
        occurred_at,
        lag(url) over (partition by message_key order by occurred_at, url) as previous_url,
        lag(occurred_at) over (partition by message_key order by occurred_at, url) as previous_at
    from events
    where url is not null

),

-- Two links right after each other: only such messages are looked at closely.
busy_messages as (

    select distinct clicks.message_key
    from clicks
    cross join parameters
    where
        clicks.url != clicks.previous_url
        and {{ seconds_between('clicks.previous_at', 'clicks.occurred_at') }} <= greatest(
            parameters.burst_seconds, parameters.scan_seconds, parameters.unsubscribe_seconds
        )

),

-- Providers append to a link's query, so pages are compared.
body_pages as (

    select distinct
        message_links.message_key,
        {{ url_page('message_links.url') }} as page
    from message_links
    inner join busy_messages on message_links.message_key = busy_messages.message_key

),

page_counts as (

    select
        message_key,
        count(*) as page_count
    from body_pages
    group by message_key

),

paged as (

    select
        events.event_key,
        events.event_type,
        events.message_key,
        events.occurred_at,
        events.url,
        events.ip,
        events.user_agent,
        case events.link_kind when 'unsubscribe' then 1 else 0 end as unsubscribes,
        case events.event_type when 'clicked' then 1 end as clicks,
        body_pages.page,
        page_counts.page_count,
        parameters.burst_seconds,
        parameters.burst_links,
        parameters.scan_seconds,
        parameters.scan_links,
        parameters.unsubscribe_seconds
    from events
    inner join busy_messages on events.message_key = busy_messages.message_key
    cross join parameters
    left join page_counts on events.message_key = page_counts.message_key
    left join body_pages
        on
            events.message_key = body_pages.message_key
            and {{ url_page('events.url') }} = body_pages.page

),

-- What begins with each event: how many links are visited from then on.
begun as (

    select
        *,
        {{ distinct_within_seconds('url', 'message_key', 'occurred_at', after='burst_seconds') }}
            as burst_size,
        {{ distinct_within_seconds('page', 'message_key', 'occurred_at', after='scan_seconds') }}
            as scan_size,
        {{ distinct_within_seconds('page', 'message_key', 'occurred_at', before='scan_seconds') }}
            as pages_so_far,
        {{ distinct_within_seconds(
            'url', 'message_key', 'occurred_at', after='unsubscribe_seconds'
        ) }} as unsubscribe_size,
        max(unsubscribes) over (
            {{ within_seconds('message_key', 'occurred_at', after='unsubscribe_seconds') }}
        ) as has_unsubscribe,
        count(clicks) over (
            {{ within_seconds(
                'message_key, ip, user_agent',
                'occurred_at',
                before='scan_seconds',
                after='scan_seconds'
            ) }}
        ) as visitor_clicks_in_scan,
        count(clicks) over (
            {{ within_seconds(
                'message_key, ip, user_agent',
                'occurred_at',
                before='unsubscribe_seconds',
                after='unsubscribe_seconds'
            ) }}
        ) as visitor_clicks_by_unsubscribe,
        lag(occurred_at) over (
            partition by message_key, url order by occurred_at, event_key
        ) as same_link_at
    from paged

),

-- What each event is part of: the largest of what began shortly before it.
visits as (

    select
        *,
        max(burst_size) over (
            {{ within_seconds('message_key', 'occurred_at', before='burst_seconds') }}
        ) as burst_size_around,
        max(scan_size) over (
            {{ within_seconds('message_key', 'occurred_at', before='scan_seconds') }}
        ) as scan_size_around,
        max(case when unsubscribe_size > 1 then has_unsubscribe else 0 end) over (
            {{ within_seconds('message_key', 'occurred_at', before='unsubscribe_seconds') }}
        ) as is_unsubscribe_scan,
        -- Once every page was visited, what is clicked again is a person's; a second request right
        -- after the first is not.
        coalesce(
            pages_so_far >= page_count
            and {{ seconds_between('same_link_at', 'occurred_at') }} > burst_seconds
            and {{ seconds_between('same_link_at', 'occurred_at') }} <= scan_seconds,
            false
        ) as is_clicked_again
    from begun

),

bursts as (

    select
        event_key,
        'R09_burst' as rule_id
    from visits
    where burst_size_around >= burst_links

),

scans as (

    select
        event_key,
        'R10_all_links' as rule_id
    from visits
    where
        page_count >= scan_links
        and scan_size_around >= page_count
        and not is_clicked_again
        and visitor_clicks_in_scan > 0

),

unsubscribe_scans as (

    select
        event_key,
        'R11_unsubscribe_scan' as rule_id
    from visits
    where is_unsubscribe_scan = 1 and visitor_clicks_by_unsubscribe > 0

)

select * from bursts
union all
select * from scans
union all
select * from unsubscribe_scans
