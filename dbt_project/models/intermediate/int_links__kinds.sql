{{ config(
    pre_hook="{{ remember_patterns('link_patterns', [ref('link_patterns')]) }}"
) }}

with

events as (

    select * from {{ ref('int_events__deduplicated') }}

),

patterns as (

    select * from {{ ref('link_patterns') }}

),

links as (

    select distinct url
    from events
    where event_type = 'clicked' and url is not null

),

likely as (

    select url
    from links
    where {{ may_match_remembered('url', 'link_patterns') }}

)

-- `hidden` comes before `unsubscribe`: nobody opts out by a link that nobody sees.
select
    likely.url,
    min(patterns.link_kind) as link_kind
from likely
inner join patterns on {{ matches('likely.url', 'patterns.pattern') }}
group by likely.url
