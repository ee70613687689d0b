-- A5: two platforms number their enrollments by themselves, and events name only the number. A
-- clash would mix two people: let the export of one put its name before its ids (outreach-71).
{{ config(meta={'dagster': {'ref': {'name': 'int_sequences__enrollments'}}}) }}

with

enrollments as (

    select * from {{ ref('int_sequences__enrollments') }}

)

select enrollment_id
from enrollments
group by enrollment_id
having count(distinct platform) > 1
