{{ config(materialized='view') }}

with

unify as (

    select * from {{ ref('stg_sequences__enrollments') }}

),

neutral as (

    select * from {{ ref('stg_sequences__neutral_enrollments') }}

),

states as (

    select * from {{ ref('sequence_states') }}

),

precedence as (

    select * from {{ ref('status_precedence') }}

),

-- A platform may not say since when a state holds, and touch the record for other reasons (it
-- counted an open): then it holds since the first of the versions in a row that tell it.
followed as (

    select
        *,
        lag(platform_state) over (
            partition by enrollment_id order by updated_at, version_text
        ) as previous_state
    from neutral

),

dated as (

    select
        *,
        coalesce(state_changed_at, max(
            case when previous_state is distinct from platform_state then updated_at end
        ) over (
            partition by enrollment_id order by updated_at, version_text
            rows between unbounded preceding and current row
        )) as state_since
    from followed

),

-- F3: what a platform's state means is written in the seed; one without a row fails the build.
told as (

    select
        dated.*,
        coalesce(states.status, 'queued') as told_status,
        states.reason as state_reason,
        coalesce(precedence.is_finished, false) as is_finished
    from dated
    left join states
        on
            dated.platform = states.platform
            and dated.platform_state = states.platform_state
    left join precedence on states.status = precedence.status

)

select
    'unify' as platform,
    enrollment_id,
    sequence_id,
    sequence_name,
    person_id,
    person_email,
    crm_record_id,
    mailbox,
    cast(null as varchar) as platform_state,
    cast(null as varchar) as state_reason,
    cast(null as timestamp) as state_since,
    is_sequence_paused,
    is_mailbox_paused,
    is_paused,
    is_blocked,
    is_bounced,
    is_canceled,
    is_excluded,
    is_opted_out,
    is_replied,
    cast(null as timestamp) as bounced_at,
    cast(null as timestamp) as opted_out_at,
    reply_received_at,
    reply_labels,
    created_at,
    updated_at,
    started_at,
    ended_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from unify

union all

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
    false as is_sequence_paused,
    false as is_mailbox_paused,
    told_status = 'paused' as is_paused,
    told_status = 'blocked' as is_blocked,
    told_status = 'bounced' or (is_finished and bounced_at is not null) as is_bounced,
    told_status = 'canceled' as is_canceled,
    told_status = 'excluded' as is_excluded,
    told_status = 'unsubscribed' or opted_out_at is not null as is_opted_out,
    told_status = 'replied' or replied_at is not null as is_replied,
    bounced_at,
    opted_out_at,
    replied_at as reply_received_at,
    reply_labels,
    enrolled_at as created_at,
    updated_at,
    coalesce(started_at, case when told_status = 'engaged' then state_since end) as started_at,
    -- A state that goes on has no end, whatever an earlier one left behind in the record.
    case
        when told_status in ('canceled', 'excluded') then ended_at
        when is_finished then coalesce(ended_at, state_since)
    end as ended_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from told
