-- F3: the summary vocabulary has no word of its own for canceled; the configured default stands in.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'status_vocabulary'}}}) }}

with

enrollments as (

    select * from {{ ref('enrollments') }}

),

vocabulary as (

    select * from {{ ref('status_vocabulary') }}

)

select
    enrollments.enrollment_id,
    vocabulary.summary as written_as
from enrollments
inner join vocabulary on enrollments.status = vocabulary.status
where enrollments.status = 'canceled'
