with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

-- A version holds until the platform tells the next one.
versions as (

    select
        *,
        lead(updated_at) over (
            partition by enrollment_id
            order by updated_at asc nulls first, version_text asc, loaded_at desc
        ) as told_until
    from {{ ref('int_sequences__enrollments') }}

),

progress as (

    select
        enrollment_id,
        'queued' as status,
        'enrolled' as reason,
        created_at as starts_at,
        cast(null as timestamp) as ends_at
    from enrollments

    union all

    select
        enrollment_id,
        'engaged' as status,
        'started' as reason,
        started_at as starts_at,
        cast(null as timestamp) as ends_at
    from enrollments

),

standstills as (

    select
        enrollment_id,
        'paused' as status,
        case
            when is_paused then coalesce(state_reason, 'enrollment_paused')
            when is_sequence_paused then 'sequence_paused'
            else 'mailbox_paused'
        end as reason,
        coalesce(state_since, updated_at) as starts_at,
        told_until as ends_at
    from versions
    where (is_paused or is_sequence_paused or is_mailbox_paused) and ended_at is null

    union all

    select
        enrollment_id,
        'blocked' as status,
        coalesce(state_reason, 'platform') as reason,
        coalesce(state_since, updated_at) as starts_at,
        told_until as ends_at
    from versions
    where is_blocked and ended_at is null

),

ends as (

    select
        enrollment_id,
        'excluded' as status,
        coalesce(state_reason, 'platform') as reason,
        coalesce(ended_at, state_since, updated_at) as starts_at,
        told_until as ends_at
    from versions
    where is_excluded

    union all

    select
        enrollment_id,
        'canceled' as status,
        coalesce(state_reason, 'platform') as reason,
        coalesce(ended_at, state_since, updated_at) as starts_at,
        told_until as ends_at
    from versions
    where is_canceled

    union all

    -- What ended by a bounce or an opt-out, mail and people tell of.
    select
        enrollment_id,
        'completed' as status,
        'ended' as reason,
        ended_at as starts_at,
        told_until as ends_at
    from versions
    where
        ended_at is not null
        and not is_excluded
        and not is_canceled
        and not is_bounced
        and not is_opted_out

),

told as (

    select * from progress
    union all
    select * from standstills
    union all
    select * from ends

)

-- Versions that tell the same of the same moment are one fact; it goes on if the last one does.
select
    enrollment_id,
    status,
    reason,
    starts_at,
    case when count(ends_at) = count(*) then max(ends_at) end as ends_at
from told
group by enrollment_id, status, reason, starts_at
