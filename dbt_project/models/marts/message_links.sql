with

events as (

    select * from {{ ref('email_events') }}
    where event_type = 'clicked' and message_key is not null and url is not null

)

select
    message_key,
    url,
    is_tracked_domain,
    count(*) as click_count,
    count(case when actor = 'human' then 1 end) as human_click_count,
    min(case when actor = 'human' then occurred_at end) as clicked_at
from events
group by message_key, url, is_tracked_domain
