with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

matches as (

    select * from {{ ref('int_people__crm_matches') }}
    where crm_id is null

)

select distinct
    enrollments.person_email,
    enrollments.crm_record_id,
    matches.unmatched_reason as reason
from enrollments
inner join matches
    on
        enrollments.person_email is not distinct from matches.person_email
        and enrollments.crm_record_id is not distinct from matches.crm_record_id
