with

facts as (

    select * from {{ ref('int_enrollments__status_facts') }}

),

precedence as (

    select * from {{ ref('status_precedence') }}

),

-- Only when a fact begins or ends can the status change.
moments as (

    select
        enrollment_id,
        starts_at as moment
    from facts
    union distinct
    select
        enrollment_id,
        ends_at as moment
    from facts
    where ends_at is not null

),

-- F2: at every moment the strongest of the facts in force holds, whatever came first; of equally
-- strong ones, the first.
in_force as (

    select
        moments.enrollment_id,
        moments.moment,
        facts.status,
        facts.reason,
        facts.caused_by,
        facts.message_key,
        facts.event_key,
        row_number() over (
            partition by moments.enrollment_id, moments.moment
            order by
                precedence.precedence,
                facts.starts_at,
                facts.reason,
                facts.event_key,
                facts.message_key
        ) as strength
    from moments
    inner join facts
        on
            moments.enrollment_id = facts.enrollment_id
            and moments.moment >= facts.starts_at
            and (facts.ends_at is null or moments.moment < facts.ends_at)
    inner join precedence on facts.status = precedence.status

),

states as (

    select
        *,
        lag(status) over (partition by enrollment_id order by moment) as previous_status,
        lag(reason) over (partition by enrollment_id order by moment) as previous_reason
    from in_force
    where strength = 1

),

changes as (

    select
        enrollment_id,
        status,
        reason,
        caused_by,
        message_key,
        event_key,
        previous_status,
        moment as valid_from,
        lead(moment) over (partition by enrollment_id order by moment) as valid_to,
        status || ' (' || reason || ')' as step
    from states
    where (status, reason) is distinct from (previous_status, previous_reason)

),

chains as (

    select
        changes.enrollment_id,
        changes.valid_from,
        {{ join_texts('earlier.step', 'earlier.valid_from') }} as reason_chain
    from changes
    inner join changes as earlier
        on
            changes.enrollment_id = earlier.enrollment_id
            and changes.valid_from >= earlier.valid_from
    group by changes.enrollment_id, changes.valid_from

)

select
    changes.enrollment_id,
    changes.status,
    changes.reason as status_reason,
    changes.valid_from,
    changes.valid_to,
    changes.caused_by,
    changes.event_key,
    changes.message_key,
    changes.previous_status,
    chains.reason_chain
from changes
inner join chains
    on
        changes.enrollment_id = chains.enrollment_id
        and changes.valid_from = chains.valid_from
