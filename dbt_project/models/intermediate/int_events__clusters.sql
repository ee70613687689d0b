with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked')

),

link_scans as (

    select * from {{ ref('int_events__link_scans') }}

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
        coalesce({{ rule_parameter('R15_repeat', 'seconds') }}, 0) as repeat_seconds
    from rules

),

-- Most messages have one open at most.
reopened_messages as (

    select message_key
    from events
    where event_type = 'opened' and message_key is not null
    group by message_key
    having count(*) > 1

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
    inner join reopened_messages on events.message_key = reopened_messages.message_key
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
    select * from link_scans
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
