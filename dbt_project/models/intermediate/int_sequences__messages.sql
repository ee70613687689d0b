{{ config(materialized='view') }}

with

unify as (

    select * from {{ ref('stg_sequences__messages') }}

),

neutral as (

    select * from {{ ref('stg_sequences__neutral_messages') }}

)

select
    platform_message_id,
    message_id,
    provider_message_id,
    thread_id,
    enrollment_id,
    sequence_id,
    step_number,
    mailbox,
    recipient_email,
    subject,
    body_text,
    open_tracking_enabled,
    click_tracking_enabled,
    body_format,
    sent_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from unify

union all

select
    platform_message_id,
    message_id,
    provider_message_id,
    thread_id,
    enrollment_id,
    sequence_id,
    step_number,
    mailbox,
    recipient_email,
    subject,
    body_text,
    open_tracking_enabled,
    click_tracking_enabled,
    body_format,
    sent_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from neutral
