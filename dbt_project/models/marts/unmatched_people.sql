with

matches as (

    select * from {{ ref('int_people__crm_matches') }}

)

select
    person_email,
    crm_record_id,
    unmatched_reason as reason
from matches
where crm_id is null
