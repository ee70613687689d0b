with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked')

),

message_links as (

    select * from {{ ref('int_messages__links') }}

),

shared as (

    select
        event_key,
        'R12_shared_ip' as rule_id
    from {{ ref('int_events__shared_addresses') }}

),

rules as (

    select * from {{ ref('int_actor_rules') }}

),

parameters as (

    select
        coalesce({{ rule_parameter('R03_honeypot', 'seconds') }}, 0) as honeypot_seconds,
        coalesce({{ rule_parameter('R09_burst', 'seconds') }}, 0) as burst_seconds,
        {{ rule_parameter('R09_burst', 'minimum_count') }} as burst_links,
        coalesce({{ rule_parameter('R10_all_links', 'seconds') }}, 0) as scan_seconds,
        {{ rule_parameter('R10_all_links', 'minimum_count') }} as scan_links,
        coalesce({{ rule_parameter('R11_unsubscribe_scan', 'seconds') }}, 0) as unsubscribe_seconds,
        coalesce({{ rule_parameter('R15_repeat', 'seconds') }}, 0) as repeat_seconds
    from rules

),

-- Most messages have one open or one click at most: only the others are looked at closely.
busy_messages as (

    select
        message_key,
        count(case when event_type = 'opened' then 1 end) > 1 as has_several_opens,
        min(url) != max(url) as has_several_links,
        max(case when link_kind = 'hidden' then 1 else 0 end) = 1 as has_hidden_click
    from events
    where message_key is not null
    group by message_key
    having count(*) > 1 or max(case when link_kind = 'hidden' then 1 else 0 end) = 1

),

honeypot_clicks as (

    select distinct
        message_key,
        occurred_at,
        ip,
        user_agent
    from events
    where link_kind = 'hidden' and message_key is not null

),

honeypot_hits as (

    select distinct
        events.event_key,
        'R03_honeypot' as rule_id
    from events
    inner join honeypot_clicks on events.message_key = honeypot_clicks.message_key
    cross join parameters
    where
        events.occurred_at between
        {{ add_seconds('honeypot_clicks.occurred_at', '-parameters.honeypot_seconds') }}
        and {{ add_seconds('honeypot_clicks.occurred_at', 'parameters.honeypot_seconds') }}
        and (events.ip = honeypot_clicks.ip or events.user_agent = honeypot_clicks.user_agent)

),

link_counts as (

    select
        message_key,
        count(*) as link_count
    from message_links
    group by message_key

),

-- What begins with each event: how many links are visited from then on.
visits as (

    select
        events.event_key,
        events.event_type,
        events.message_key,
        events.occurred_at,
        link_counts.link_count,
        parameters.burst_seconds,
        parameters.burst_links,
        parameters.scan_seconds,
        parameters.scan_links,
        parameters.unsubscribe_seconds,
        count(distinct events.url) over (
            {{ within_seconds(
                'events.message_key', 'events.occurred_at', after='parameters.burst_seconds'
            ) }}
        ) as burst_size,
        count(distinct events.url) over (
            {{ within_seconds(
                'events.message_key', 'events.occurred_at', after='parameters.scan_seconds'
            ) }}
        ) as scan_size,
        count(distinct events.url) over (
            {{ within_seconds(
                'events.message_key', 'events.occurred_at', after='parameters.unsubscribe_seconds'
            ) }}
        ) as unsubscribe_size,
        max(case when events.link_kind = 'unsubscribe' then 1 else 0 end) over (
            {{ within_seconds(
                'events.message_key', 'events.occurred_at', after='parameters.unsubscribe_seconds'
            ) }}
        ) as has_unsubscribe,
        count(case when events.event_type = 'clicked' then 1 end) over (
            {{ within_seconds(
                'events.message_key, events.ip, events.user_agent',
                'events.occurred_at',
                before='parameters.scan_seconds',
                after='parameters.scan_seconds'
            ) }}
        ) as visitor_clicks_in_scan,
        count(case when events.event_type = 'clicked' then 1 end) over (
            {{ within_seconds(
                'events.message_key, events.ip, events.user_agent',
                'events.occurred_at',
                before='parameters.unsubscribe_seconds',
                after='parameters.unsubscribe_seconds'
            ) }}
        ) as visitor_clicks_by_unsubscribe,
        {{ seconds_between(
            'lag(events.occurred_at) over ('
            ~ 'partition by events.message_key, events.url order by events.occurred_at, events.event_key)',
            'events.occurred_at'
        ) }} as seconds_since_same_link
    from events
    inner join busy_messages
        on events.message_key = busy_messages.message_key and busy_messages.has_several_links
    cross join parameters
    left join link_counts on events.message_key = link_counts.message_key

),

-- What each event is part of: the largest of what began shortly before it.
visited as (

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
        ) as is_unsubscribe_scan
    from visits

),

bursts as (

    select
        event_key,
        'R09_burst' as rule_id
    from visited
    where burst_size_around >= burst_links

),

-- What is visited for the second time within the scan is a person's, and so is an open by
-- somebody else than the visitor.
scans as (

    select
        event_key,
        'R10_all_links' as rule_id
    from visited
    where
        link_count >= scan_links
        and scan_size_around >= link_count
        and case event_type
            when 'clicked'
                then seconds_since_same_link is null or seconds_since_same_link > scan_seconds
            else visitor_clicks_in_scan > 0
        end

),

unsubscribe_scans as (

    select
        event_key,
        'R11_unsubscribe_scan' as rule_id
    from visited
    where is_unsubscribe_scan = 1 and visitor_clicks_by_unsubscribe > 0

),

reopened as (

    select
        events.event_key,
        parameters.repeat_seconds,
        {{ seconds_between(
            'lag(events.occurred_at) over ('
            ~ 'partition by events.message_key, events.ip, events.user_agent '
            ~ 'order by events.occurred_at, events.event_key)',
            'events.occurred_at'
        ) }} as seconds_since_same_reader
    from events
    inner join busy_messages
        on events.message_key = busy_messages.message_key and busy_messages.has_several_opens
    cross join parameters
    where events.event_type = 'opened'

),

repeats as (

    select
        event_key,
        'R15_repeat' as rule_id
    from reopened
    where seconds_since_same_reader <= repeat_seconds

),

hits as (

    select * from honeypot_hits
    union all
    select * from bursts
    union all
    select * from scans
    union all
    select * from unsubscribe_scans
    union all
    select * from shared
    union all
    select * from repeats

)

-- A rule that is switched off hits nothing.
select
    hits.event_key,
    hits.rule_id
from hits
inner join rules on hits.rule_id = rules.rule_id
