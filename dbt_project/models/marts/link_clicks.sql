with

messages as (

    select * from {{ ref('messages') }}

),

message_links as (

    select * from {{ ref('message_links') }}

),

steps as (

    select
        sequence_id,
        step_number,
        count(case when click_tracking_enabled and delivered_at is not null then 1 end)
            as message_count
    from messages
    group by sequence_id, step_number

),

-- A link's query may differ from recipient to recipient; the page and its place in the mail do not.
pages as (

    select
        messages.sequence_id,
        messages.step_number,
        message_links.position,
        {{ url_page('message_links.url') }} as page,
        message_links.url,
        message_links.message_key,
        message_links.is_tracked_domain,
        messages.click_tracking_enabled and messages.delivered_at is not null as is_in_rate,
        message_links.click_count,
        message_links.human_click_count,
        message_links.machine_click_count,
        message_links.unknown_click_count,
        message_links.clicked_at,
        message_links.last_clicked_at
    from message_links
    inner join messages on message_links.message_key = messages.message_key

),

totals as (

    select
        sequence_id,
        step_number,
        position,
        page,
        is_tracked_domain,
        count(distinct url) as distinct_url_count,
        count(distinct case when is_in_rate and human_click_count > 0 then message_key end)
            as clicked_message_count,
        sum(click_count) as click_count,
        sum(human_click_count) as human_click_count,
        sum(machine_click_count) as machine_click_count,
        sum(unknown_click_count) as unknown_click_count,
        sum(case when is_tracked_domain then click_count else 0 end) as tracked_click_count,
        sum(case when is_tracked_domain then human_click_count else 0 end)
            as tracked_human_click_count,
        min(clicked_at) as clicked_at,
        max(last_clicked_at) as last_clicked_at
    from pages
    group by sequence_id, step_number, position, page, is_tracked_domain

)

select
    totals.sequence_id,
    totals.step_number,
    totals.position,
    totals.page as url,
    totals.is_tracked_domain,
    totals.distinct_url_count,
    steps.message_count,
    totals.clicked_message_count,
    cast(totals.click_count as bigint) as click_count,
    cast(totals.human_click_count as bigint) as human_click_count,
    cast(totals.machine_click_count as bigint) as machine_click_count,
    cast(totals.unknown_click_count as bigint) as unknown_click_count,
    cast(totals.tracked_click_count as bigint) as tracked_click_count,
    cast(totals.tracked_human_click_count as bigint) as tracked_human_click_count,
    totals.clicked_at,
    totals.last_clicked_at,
    {{ rate('totals.clicked_message_count', 'steps.message_count') }} as click_rate,
    {{ wilson_bound('totals.clicked_message_count', 'steps.message_count', 'low') }} as rate_low,
    {{ wilson_bound('totals.clicked_message_count', 'steps.message_count', 'high') }} as rate_high
from totals
inner join steps
    on
        totals.sequence_id is not distinct from steps.sequence_id
        and totals.step_number is not distinct from steps.step_number
