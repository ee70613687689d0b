with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

opt_outs as (

    select * from {{ ref('int_people__opt_outs') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

-- An opt-out reaches the enrollment that it came from, ended or not.
own as (

    select
        enrollment_id,
        status,
        reason,
        occurred_at,
        event_key
    from opt_outs
    where enrollment_id is not null

),

-- It is a fact about a person: it reaches each other enrollment of theirs that had not ended by
-- then. Subscribing again revives none; it only spares those that begin afterwards.
others as (

    select
        people.enrollment_id,
        opt_outs.status,
        opt_outs.reason,
        opt_outs.occurred_at,
        opt_outs.event_key
    from opt_outs
    inner join people on opt_outs.person_key = people.person_key
    inner join enrollments on people.enrollment_id = enrollments.enrollment_id
    where
        (enrollments.finished_at is null or enrollments.finished_at > opt_outs.occurred_at)
        and (
            opt_outs.resubscribed_at is null
            or enrollments.created_at < opt_outs.resubscribed_at
        )

),

reached as (

    select * from own
    union distinct
    select * from others

)

select
    reached.enrollment_id,
    reached.status,
    reached.reason,
    greatest(
        coalesce(reached.occurred_at, enrollments.created_at),
        coalesce(enrollments.created_at, reached.occurred_at)
    ) as starts_at,
    reached.event_key
from reached
inner join enrollments on reached.enrollment_id = enrollments.enrollment_id
