with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

platform_facts as (

    select * from {{ ref('int_enrollments__platform_facts') }}

),

mail_facts as (

    select * from {{ ref('int_enrollments__mail_facts') }}

),

opt_out_facts as (

    select * from {{ ref('int_enrollments__opt_out_facts') }}

),

facts as (

    select
        enrollment_id,
        status,
        reason,
        'platform' as caused_by,
        starts_at,
        ends_at,
        cast(null as varchar) as message_key,
        cast(null as varchar) as event_key
    from platform_facts

    union all

    select
        enrollment_id,
        status,
        reason,
        case
            when event_key is not null then 'event'
            when message_key is not null then 'message'
            else 'platform'
        end as caused_by,
        starts_at,
        ends_at,
        message_key,
        event_key
    from mail_facts

    union all

    select
        enrollment_id,
        status,
        reason,
        case
            when event_key is not null then 'event'
            when reason = 'crm_opt_out' then 'crm'
            else 'platform'
        end as caused_by,
        starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as message_key,
        event_key
    from opt_out_facts

)

select
    facts.enrollment_id,
    facts.status,
    facts.reason,
    facts.caused_by,
    facts.starts_at,
    facts.ends_at,
    facts.message_key,
    facts.event_key
from facts
-- Mail of an enrollment whose own record has not been delivered yet waits for it.
inner join enrollments on facts.enrollment_id = enrollments.enrollment_id
where facts.starts_at is not null and (facts.ends_at is null or facts.ends_at > facts.starts_at)
