{{ config(materialized='view') }}

with

daily as (

    select * from {{ ref('int_people__daily_activity') }}

)

select
    crm_object,
    crm_id,
    sequence_id,
    active_on,
    cast(sent_count as bigint) as sent_count,
    cast(open_count as bigint) as open_count,
    cast(human_open_count as bigint) as human_open_count,
    cast(click_count as bigint) as click_count,
    cast(human_click_count as bigint) as human_click_count,
    cast(reply_count as bigint) as reply_count,
    cast(positive_reply_count as bigint) as positive_reply_count,
    cast(automatic_reply_count as bigint) as automatic_reply_count,
    cast(other_mail_count as bigint) as other_mail_count
from daily
