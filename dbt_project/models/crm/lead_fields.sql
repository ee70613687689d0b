with

people as (

    select * from {{ ref('people') }}
    where crm_object = 'Lead'

)

select
    crm_id,
    open_count,
    human_open_count,
    click_count,
    human_click_count,
    clicked_at,
    is_replied,
    last_reply_at,
    sequence_status,
    sequence_status_detailed,
    sequence_stage,
    most_recent_sequence,
    most_recent_step_at,
    first_sequence,
    initial_reply_class,
    latest_reply_class,
    initial_reply_tags,
    latest_reply_tags,
    is_opted_out,
    last_email_sent_at,
    last_email_received_at,
    engagement_level
from people
