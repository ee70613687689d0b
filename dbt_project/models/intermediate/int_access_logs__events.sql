with

requests as (

    select * from {{ ref('stg_access_logs__requests') }}
    where left_out_because is null

)

select
    cast(null as varchar) as provider_event_id,
    provider_message_id,
    message_id,
    enrollment_id,
    sequence_id,
    step_number,
    event_type,
    cast(null as varchar) as event_subtype,
    recipient_email,
    url,
    ip,
    user_agent,
    false as is_flagged_machine,
    false as is_flagged_unknown,
    cast(null as varchar) as receiving_host,
    cast(null as varchar) as reason,
    cast(null as varchar) as attempt,
    requested_at as occurred_at,
    cast(null as timestamp) as received_at,
    loaded_at,
    load_id,
    source_file,
    source_line
from requests
