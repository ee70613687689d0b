-- C5: when no click at all leads to a tracked domain, the seed tracked_domains is not yours yet.
{{ config(severity='warn') }}

with

events as (

    select * from {{ ref('email_events') }}
    where event_type = 'clicked'

),

counted as (

    select
        count(*) as click_count,
        count(case when is_tracked_domain then 1 end) as tracked_count
    from events

)

select *
from counted
where click_count > 0 and tracked_count = 0
