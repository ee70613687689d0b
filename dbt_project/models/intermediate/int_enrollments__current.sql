{%- set told = {
    'end': 'is_canceled or is_excluded',
    'bounce': 'is_bounced',
    'opt_out': 'is_opted_out',
    'reply': 'is_replied',
} -%}

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
        ) as recency
    from {{ ref('int_sequences__enrollments') }}

),

-- A platform may give no time for what it tells, and take it back: what it tells now holds since
-- the first of the versions in a row that tell it.
followed as (

    select
        {%- for fact, flag in told.items() %}
            min(case when not coalesce({{ flag }}, false) then recency end)
                over (partition by enrollment_id) as last_without_{{ fact }},
        {%- endfor %}
        versions.*
    from versions

),

dated as (

    select
        {%- for fact in told %}
            min(case
                when last_without_{{ fact }} is null or recency < last_without_{{ fact }}
                    then updated_at
            end) over (partition by enrollment_id) as {{ fact }}_told_at,
        {%- endfor %}
        followed.*
    from followed

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
    -- Some platforms cancel without saying when: when they told of it stands in.
    coalesce(
        ended_at,
        case when is_canceled or is_excluded then coalesce(state_since, end_told_at) end
    ) as finished_at,
    bounce_told_at,
    opt_out_told_at,
    reply_told_at,
    loaded_at,
    {{ source_place('source_file', 'source_line') }} as source_place
from dated
where recency = 1
