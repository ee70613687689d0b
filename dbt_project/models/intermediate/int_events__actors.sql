{#- The rules that one event by itself can meet. Each is one condition, under its id; the rules that
    take several events together are in int_events__clusters. -#}
{%- set rules_of_one_event = {
    'R01_vendor_flag': 'is_flagged_machine',
    'R01_vendor_proxy': 'is_flagged_unknown',
    'R04_own_network': 'is_own_address or is_own_agent',
    'R05_apple_mpp': 'is_privacy_proxy or is_privacy_relay',
    'R06_ua_scanner': 'is_scanner',
    'R07_too_fast_click': 'seconds_after_delivery <= R07_too_fast_click_seconds',
    'R08_too_fast_open': 'seconds_after_delivery <= R08_too_fast_open_seconds',
    'R08_too_fast_proxy_open':
        'is_image_proxy and seconds_after_delivery <= R08_too_fast_proxy_open_seconds',
    'R13_datacenter': 'is_datacenter',
    'R14_click_without_open':
        'seconds_after_delivery <= R14_click_without_open_seconds and is_unopened',
    'R16_default': 'true',
} -%}
{#- Behind every rule's priority. -#}
{%- set never = 1000000 -%}

with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked')

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

deliveries as (

    select * from {{ ref('int_messages__deliveries') }}

),

user_agents as (

    select * from {{ ref('int_user_agents') }}

),

addresses as (

    select * from {{ ref('int_addresses__networks') }}

),

clusters as (

    select * from {{ ref('int_events__clusters') }}

),

rules as (

    select * from {{ ref('int_actor_rules') }}

),

-- One row for opens, one for clicks: the order and thresholds of the rules that apply to them.
event_types as (

    select 'opened' as event_type
    union all
    select 'clicked' as event_type

),

parameters as (

    select
        event_types.event_type,
    {%- for rule in rules_of_one_event %}
        coalesce({{ rule_parameter(rule, 'priority') }}, {{ never }}) as {{ rule }}_priority,
        {{ rule_parameter(rule, 'seconds') }} as {{ rule }}_seconds
        {{- ',' if not loop.last }}
    {%- endfor %}
    from event_types
    left join rules on rules.applies_to in (event_types.event_type, 'both')
    group by event_types.event_type

),

cluster_priorities as (

    select
        clusters.event_key,
        min(rules.priority) as priority
    from clusters
    inner join events on clusters.event_key = events.event_key
    inner join rules
        on
            clusters.rule_id = rules.rule_id
            and rules.applies_to in (events.event_type, 'both')
    group by clusters.event_key

),

first_opens as (

    select
        message_key,
        min(occurred_at) as opened_at
    from events
    where event_type = 'opened' and message_key is not null
    group by message_key

),

facts as (

    select
        events.event_key,
        events.belongs_to_number,
        events.event_type,
        events.is_flagged_machine,
        events.is_flagged_unknown,
        coalesce(addresses.is_own, false) as is_own_address,
        coalesce(addresses.is_privacy_relay, false) as is_privacy_relay,
        coalesce(addresses.is_datacenter, false) as is_datacenter,
        coalesce(user_agents.is_own, false) as is_own_agent,
        coalesce(user_agents.is_privacy_proxy, false) as is_privacy_proxy,
        coalesce(user_agents.is_image_proxy, false) as is_image_proxy,
        coalesce(user_agents.is_scanner, false) as is_scanner,
        events.event_type = 'opened'
        and (
            events.is_flagged_unknown
            or coalesce(user_agents.is_privacy_proxy or user_agents.is_image_proxy, false)
            or coalesce(addresses.is_privacy_relay, false)
        ) as is_proxy,
        {{ seconds_between('deliveries.assumed_delivered_at', 'events.occurred_at') }}
            as seconds_after_delivery,
        messages.open_tracking_enabled
        and (first_opens.opened_at is null or first_opens.opened_at > events.occurred_at)
            as is_unopened,
        coalesce(cluster_priorities.priority, {{ never }}) as cluster_priority
    from events
    left join messages on events.message_key = messages.message_key
    left join deliveries on events.message_key = deliveries.message_key
    left join user_agents on coalesce(events.user_agent, '') = user_agents.user_agent
    left join addresses on events.ip = addresses.ip
    left join first_opens on events.message_key = first_opens.message_key
    left join cluster_priorities on events.event_key = cluster_priorities.event_key

),

-- The first rule that applies wins.
decided as (

    select
        facts.event_key,
        facts.belongs_to_number,
        facts.is_proxy,
        least(
            facts.cluster_priority,
            {%- for rule, condition in rules_of_one_event.items() %}
                case when {{ condition }} then parameters.{{ rule }}_priority else {{ never }} end
                {{- ',' if not loop.last }}
            {%- endfor %}
        ) as priority
    from facts
    inner join parameters on facts.event_type = parameters.event_type

)

select
    decided.event_key,
    decided.belongs_to_number,
    decided.is_proxy,
    rules.verdict as actor,
    rules.rule_id as actor_rule
from decided
inner join rules on decided.priority = rules.priority
