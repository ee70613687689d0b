-- D1, C3, C5: the clicks of links are those of events, by message and by step, on any domain and on
-- tracked ones.
{{ config(meta={'dagster': {'ref': {'name': 'link_clicks'}}}) }}

with

events as (

    select * from {{ ref('email_events') }}
    where event_type = 'clicked' and message_key is not null and url is not null

),

messages as (

    select * from {{ ref('messages') }}

),

message_links as (

    select * from {{ ref('message_links') }}

),

link_clicks as (

    select * from {{ ref('link_clicks') }}

),

by_event as (

    select
        messages.message_key,
        messages.sequence_id,
        messages.step_number,
        count(events.event_key) as click_count,
        count(case when events.actor = 'human' then 1 end) as human_click_count,
        count(case when events.actor = 'machine' then 1 end) as machine_click_count,
        count(case when events.actor = 'unknown' then 1 end) as unknown_click_count,
        messages.click_count as tracked_click_count,
        messages.human_click_count as tracked_human_click_count,
        messages.machine_click_count as tracked_machine_click_count,
        messages.distinct_link_count
    from messages
    left join events on messages.message_key = events.message_key
    group by
        messages.message_key,
        messages.sequence_id,
        messages.step_number,
        messages.click_count,
        messages.human_click_count,
        messages.machine_click_count,
        messages.distinct_link_count

),

by_link as (

    select
        message_key,
        sum(click_count) as click_count,
        sum(human_click_count) as human_click_count,
        sum(machine_click_count) as machine_click_count,
        sum(unknown_click_count) as unknown_click_count,
        sum(case when is_tracked_domain then click_count else 0 end) as tracked_click_count,
        sum(case when is_tracked_domain then human_click_count else 0 end)
            as tracked_human_click_count,
        sum(case when is_tracked_domain then machine_click_count else 0 end)
            as tracked_machine_click_count,
        count(case when is_tracked_domain and human_click_count > 0 then 1 end)
            as distinct_link_count
    from message_links
    group by message_key

),

by_step as (

    select
        sequence_id,
        step_number,
        sum(click_count) as click_count,
        sum(human_click_count) as human_click_count,
        sum(machine_click_count) as machine_click_count,
        sum(unknown_click_count) as unknown_click_count,
        sum(tracked_click_count) as tracked_click_count,
        sum(tracked_human_click_count) as tracked_human_click_count
    from by_event
    group by sequence_id, step_number

),

by_step_and_link as (

    select
        sequence_id,
        step_number,
        sum(click_count) as click_count,
        sum(human_click_count) as human_click_count,
        sum(machine_click_count) as machine_click_count,
        sum(unknown_click_count) as unknown_click_count,
        sum(tracked_click_count) as tracked_click_count,
        sum(tracked_human_click_count) as tracked_human_click_count
    from link_clicks
    group by sequence_id, step_number

)

select
    'message' as slice,
    coalesce(by_event.message_key, by_link.message_key) as slice_value
from by_event
full outer join by_link on by_event.message_key = by_link.message_key
where
    by_event.message_key is null
    or coalesce(by_link.click_count, 0) != by_event.click_count
    or coalesce(by_link.human_click_count, 0) != by_event.human_click_count
    or coalesce(by_link.machine_click_count, 0) != by_event.machine_click_count
    or coalesce(by_link.unknown_click_count, 0) != by_event.unknown_click_count
    or coalesce(by_link.tracked_click_count, 0) != by_event.tracked_click_count
    or coalesce(by_link.tracked_human_click_count, 0) != by_event.tracked_human_click_count
    or coalesce(by_link.tracked_machine_click_count, 0) != by_event.tracked_machine_click_count
    or coalesce(by_link.distinct_link_count, 0) != by_event.distinct_link_count

union all

select
    'step' as slice,
    by_step.sequence_id || ' ' || by_step.step_number as slice_value
from by_step
left join by_step_and_link
    on
        by_step.sequence_id is not distinct from by_step_and_link.sequence_id
        and by_step.step_number is not distinct from by_step_and_link.step_number
where
    coalesce(by_step_and_link.click_count, 0) != by_step.click_count
    or coalesce(by_step_and_link.human_click_count, 0) != by_step.human_click_count
    or coalesce(by_step_and_link.machine_click_count, 0) != by_step.machine_click_count
    or coalesce(by_step_and_link.unknown_click_count, 0) != by_step.unknown_click_count
    or coalesce(by_step_and_link.tracked_click_count, 0) != by_step.tracked_click_count
    or coalesce(by_step_and_link.tracked_human_click_count, 0) != by_step.tracked_human_click_count

union all

select
    'rate' as slice,
    url as slice_value
from link_clicks
where
    clicked_message_count > message_count
    or click_rate < rate_low
    or click_rate > rate_high
