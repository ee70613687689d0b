with

versions as (

    select
        *,
        row_number() over (
            partition by enrollment_id
            order by
                updated_at desc nulls last,
                version_text desc,
                loaded_at asc,
                source_file asc,
                source_line asc
        ) as recency,
        -- When the platform first told of what it gives no time for.
        min(case when is_canceled or is_excluded then updated_at end)
            over (partition by enrollment_id) as end_told_at,
        min(case when is_bounced then updated_at end)
            over (partition by enrollment_id) as bounce_told_at,
        min(case when is_opted_out then updated_at end)
            over (partition by enrollment_id) as opt_out_told_at,
        min(case when is_replied then updated_at end)
            over (partition by enrollment_id) as reply_told_at
    from {{ ref('int_sequences__enrollments') }}

)

select
    platform,
    enrollment_id,
    sequence_id,
    sequence_name,
    person_id,
    person_email,
    crm_record_id,
    mailbox,
    platform_state,
    state_reason,
    state_since,
    is_sequence_paused,
    is_mailbox_paused,
    is_paused,
    is_blocked,
    is_bounced,
    is_canceled,
    is_excluded,
    is_opted_out,
    is_replied,
    bounced_at,
    opted_out_at,
    reply_received_at,
    reply_labels,
    created_at,
    updated_at,
    started_at,
    ended_at,
    -- Some platforms cancel without saying when: when they first told of it stands in.
    coalesce(
        ended_at,
        case when is_canceled or is_excluded then coalesce(state_since, end_told_at) end
    ) as finished_at,
    bounce_told_at,
    opt_out_told_at,
    reply_told_at,
    loaded_at,
    {{ source_place('source_file', 'source_line') }} as source_place
from versions
where recency = 1
