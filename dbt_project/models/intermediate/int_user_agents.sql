with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked')

),

patterns as (

    select * from {{ ref('user_agent_patterns') }}

),

-- Patterns meet each distinct user agent once, however many events carry it.
user_agents as (

    select distinct coalesce(user_agent, '') as user_agent
    from events

)

select
    user_agents.user_agent,
    max(case patterns.agent_kind when 'privacy_proxy' then 1 else 0 end) = 1 as is_privacy_proxy,
    max(case patterns.agent_kind when 'image_proxy' then 1 else 0 end) = 1 as is_image_proxy,
    max(case patterns.agent_kind when 'scanner' then 1 else 0 end) = 1 as is_scanner,
    max(case patterns.agent_kind when 'own' then 1 else 0 end) = 1 as is_own
from user_agents
inner join patterns on {{ matches('trim(user_agents.user_agent)', 'patterns.pattern') }}
group by user_agents.user_agent
