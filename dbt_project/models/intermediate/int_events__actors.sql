with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked')

),

deliveries as (

    select
        message_key,
        min(occurred_at) as delivered_at
    from {{ ref('int_events__attached') }}
    where event_type = 'delivered' and message_key is not null
    group by message_key

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

rules as (

    select * from {{ ref('actor_rules') }}

),

user_agent_patterns as (

    select * from {{ ref('user_agent_patterns') }}

),

timed as (

    select
        events.*,
        coalesce(trim(events.user_agent), '') as agent,
        {{ seconds_between(
            'coalesce(deliveries.delivered_at, messages.sent_at)', 'events.occurred_at'
        ) }} as seconds_after_delivery
    from events
    left join deliveries on events.message_key = deliveries.message_key
    left join messages on events.message_key = messages.message_key

),

-- Patterns meet each distinct user agent once, however many events carry it.
agents as (

    select distinct agent from timed

),

agent_kinds as (

    select distinct
        agents.agent,
        user_agent_patterns.agent_kind
    from agents
    inner join user_agent_patterns
        on {{ matches('agents.agent', 'user_agent_patterns.pattern') }}

),

bursts as (

    select
        anchor.message_key,
        anchor.occurred_at as started_at,
        {{ add_seconds('anchor.occurred_at', 'rules.seconds') }} as ended_at
    from events as anchor
    inner join rules on rules.rule_id = 'R09_burst'
    inner join events as near
        on
            anchor.message_key = near.message_key
            and near.event_type = 'clicked'
            and anchor.occurred_at <= near.occurred_at
            and near.occurred_at <= {{ add_seconds('anchor.occurred_at', 'rules.seconds') }}
    where anchor.event_type = 'clicked'
    group by anchor.message_key, anchor.occurred_at, rules.seconds, rules.minimum_count
    having count(distinct near.url) >= rules.minimum_count

),

hits as (

    select
        event_key,
        event_type,
        'R01_vendor_flag' as rule_id
    from timed
    where is_flagged_machine

    union all

    select
        event_key,
        event_type,
        'R01_vendor_proxy' as rule_id
    from timed
    where is_flagged_unknown

    union all

    select
        timed.event_key,
        timed.event_type,
        'R05_apple_mpp' as rule_id
    from timed
    inner join agent_kinds
        on timed.agent = agent_kinds.agent and agent_kinds.agent_kind = 'privacy_proxy'

    union all

    select
        timed.event_key,
        timed.event_type,
        'R06_ua_scanner' as rule_id
    from timed
    inner join agent_kinds
        on timed.agent = agent_kinds.agent and agent_kinds.agent_kind = 'scanner'

    union all

    select
        timed.event_key,
        timed.event_type,
        rules.rule_id
    from timed
    inner join rules
        on
            rules.rule_id in ('R07_too_fast_click', 'R08_too_fast_open')
            and timed.seconds_after_delivery <= rules.seconds

    union all

    select
        timed.event_key,
        timed.event_type,
        rules.rule_id
    from timed
    inner join agent_kinds
        on timed.agent = agent_kinds.agent and agent_kinds.agent_kind = 'image_proxy'
    inner join rules
        on
            rules.rule_id = 'R08_too_fast_proxy_open'
            and timed.seconds_after_delivery <= rules.seconds

    union all

    select
        timed.event_key,
        timed.event_type,
        'R09_burst' as rule_id
    from timed
    inner join bursts
        on
            timed.message_key = bursts.message_key
            and timed.occurred_at >= bursts.started_at
            and timed.occurred_at <= bursts.ended_at

    union all

    select
        event_key,
        event_type,
        'R16_default' as rule_id
    from timed

),

ranked as (

    select
        hits.event_key,
        rules.rule_id,
        rules.verdict,
        row_number() over (
            partition by hits.event_key order by rules.priority, rules.rule_id
        ) as rank_in_event
    from hits
    inner join rules
        on
            hits.rule_id = rules.rule_id
            and rules.applies_to in (hits.event_type, 'both')

)

select
    event_key,
    verdict as actor,
    rule_id as actor_rule
from ranked
where rank_in_event = 1
