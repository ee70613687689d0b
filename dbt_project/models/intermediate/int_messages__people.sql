with

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

matches as (

    select * from {{ ref('int_people__crm_matches') }}

),

addressed as (

    select
        messages.message_key,
        case
            when enrollments.enrollment_id is null then messages.recipient_email
            else enrollments.person_email
        end as person_email,
        enrollments.crm_record_id
    from messages
    left join enrollments on messages.enrollment_id = enrollments.enrollment_id

)

select
    addressed.message_key,
    addressed.person_email,
    matches.crm_object,
    matches.crm_id,
    matches.matched_by
from addressed
left join matches
    on
        addressed.person_email is not distinct from matches.person_email
        and addressed.crm_record_id is not distinct from matches.crm_record_id
