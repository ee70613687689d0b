-- C3, D4: actors add up to the raw counts, and the discrepancies to the messages.
{{ config(meta={'dagster': {'ref': {'name': 'messages'}}}) }}

with

messages as (

    select * from {{ ref('messages') }}

),

discrepancies as (

    select coalesce(sum(message_count), 0) as message_count
    from {{ ref('open_click_discrepancies') }}

),

sequence_messages as (

    select count(*) as message_count
    from messages
    where origin = 'sequence'

)

select message_key
from messages
where
    open_count != human_open_count + machine_open_count + unknown_open_count
    or click_count < human_click_count + machine_click_count

union all

select 'discrepancies do not add up to the messages' as message_key
from discrepancies
cross join sequence_messages
where discrepancies.message_count != sequence_messages.message_count
