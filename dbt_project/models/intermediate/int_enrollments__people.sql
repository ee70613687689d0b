with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

matches as (

    select * from {{ ref('int_people__crm_matches') }}

)

select
    enrollments.enrollment_id,
    enrollments.person_email,
    matches.person_key,
    matches.crm_object,
    matches.crm_id,
    matches.matched_by
from enrollments
inner join matches
    on
        enrollments.person_email is not distinct from matches.person_email
        and enrollments.crm_record_id is not distinct from matches.crm_record_id
