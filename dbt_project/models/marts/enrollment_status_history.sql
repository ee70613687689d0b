with

facts as (

    select * from {{ ref('int_enrollments__status_facts') }}

),

precedence as (

    select * from {{ ref('status_precedence') }}

),

moments as (

    select
        enrollment_id,
        starts_at as moment
    from facts
    union
    select
        enrollment_id,
        ends_at as moment
    from facts
    where ends_at is not null

),

-- F2: at every moment the strongest of the facts in force holds, whatever came first.
in_force as (

    select
        moments.enrollment_id,
        moments.moment,
        facts.status,
        facts.reason,
        facts.event_key,
        row_number() over (
            partition by moments.enrollment_id, moments.moment
            order by precedence.precedence, facts.starts_at, facts.reason, facts.event_key
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
        enrollment_id,
        moment,
        status,
        reason,
        event_key,
        lag(status || ' ' || reason) over (
            partition by enrollment_id order by moment
        ) as previous_state
    from in_force
    where strength = 1

),

changes as (

    select
        enrollment_id,
        status,
        reason,
        event_key,
        moment as valid_from,
        lead(moment) over (partition by enrollment_id order by moment) as valid_to
    from states
    where previous_state is distinct from status || ' ' || reason

)

select
    enrollment_id,
    status,
    reason as status_reason,
    valid_from,
    valid_to,
    event_key
from changes
