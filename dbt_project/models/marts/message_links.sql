with

events as (

    select * from {{ ref('email_events') }}
    where event_type = 'clicked' and message_key is not null and url is not null

),

links as (

    select * from {{ ref('int_messages__links') }}

),

-- Providers append to a link's query. Only where one link of the body leads to the page is it told.
pages as (

    select
        message_key,
        {{ url_page('url') }} as page,
        min(position) as position
    from links
    group by message_key, {{ url_page('url') }}
    having count(*) = 1

),

clicks as (

    select
        message_key,
        url,
        is_tracked_domain,
        count(*) as click_count,
        count(case when actor = 'human' then 1 end) as human_click_count,
        count(case when actor = 'machine' then 1 end) as machine_click_count,
        count(case when actor = 'unknown' then 1 end) as unknown_click_count,
        min(case when actor = 'human' then occurred_at end) as clicked_at,
        max(case when actor = 'human' then occurred_at end) as last_clicked_at
    from events
    group by message_key, url, is_tracked_domain

)

select
    clicks.message_key,
    clicks.url,
    coalesce(links.position, pages.position) as position,
    clicks.is_tracked_domain,
    clicks.click_count,
    clicks.human_click_count,
    clicks.machine_click_count,
    clicks.unknown_click_count,
    clicks.clicked_at,
    clicks.last_clicked_at
from clicks
left join links on clicks.message_key = links.message_key and clicks.url = links.url
left join pages
    on clicks.message_key = pages.message_key and {{ url_page('clicks.url') }} = pages.page
