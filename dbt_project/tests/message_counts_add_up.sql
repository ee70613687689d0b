-- C3, C5, D4: actors add up to the raw counts, those to the events, and the discrepancies to the
-- messages.
{{ config(meta={'dagster': {'ref': {'name': 'messages'}}}) }}

with

messages as (

    select * from {{ ref('messages') }}

),

events as (

    select * from {{ ref('email_events') }}
    where message_key is not null

),

discrepancies as (

    select * from {{ ref('open_click_discrepancies') }}

),

message_totals as (

    select
        coalesce(sum(open_count), 0) as open_count,
        coalesce(sum(click_count), 0) as click_count
    from messages

),

untracked_messages as (

    select message_key from messages
    where discrepancy_cause = 'tracking_opt_out'

),

event_totals as (

    select
        count(case when events.event_type = 'opened' then 1 end) as open_count,
        count(case when events.event_type = 'clicked' and events.is_tracked_domain then 1 end)
            as click_count
    from events
    left join untracked_messages on events.message_key = untracked_messages.message_key
    where untracked_messages.message_key is null

),

sequence_messages as (

    select count(*) as message_count
    from messages
    where origin = 'sequence'

),

discrepancy_totals as (

    select coalesce(sum(message_count), 0) as message_count
    from discrepancies

),

discrepancy_shares as (

    select
        sequence_id,
        mail_provider,
        sum(share) as share
    from discrepancies
    group by sequence_id, mail_provider

)

select 'actors of message ' || message_key as what_differs
from messages
where
    open_count
    != human_open_count + machine_open_count + unknown_open_count + internal_open_count
    or click_count
    != human_click_count + machine_click_count + unknown_click_count + internal_click_count

union all

select 'opens and clicks of messages and events' as what_differs
from message_totals
cross join event_totals
where
    message_totals.open_count != event_totals.open_count
    or message_totals.click_count != event_totals.click_count

union all

select 'discrepancies and messages' as what_differs
from discrepancy_totals
cross join sequence_messages
where discrepancy_totals.message_count != sequence_messages.message_count

union all

select 'shares of sequence ' || coalesce(sequence_id, 'none') as what_differs
from discrepancy_shares
where abs(share - 1) > 0.000001
